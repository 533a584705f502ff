package agent

import (
	"testing"

	"studysharper/app/study"
)

func TestAnAidIsNamedAfterItsMaterial(t *testing.T) {
	cards := &study.FlashcardSet{Flashcards: []study.Flashcard{{Question: "?", Answer: "!"}}}
	own := func(text string) study.Brief { return study.Brief{Documents: []study.Document{{Text: text}}} }
	for _, tt := range []struct {
		brief study.Brief
		aid   study.Aid
		want  string
	}{
		{own("# Cell transport\n\nOsmosis is a movement."), cards, "Cell transport"},
		{own("\n- Osmosis is a movement of water.\n- Diffusion is another."), cards, "Osmosis is a movement of water."},
		{study.Brief{Documents: []study.Document{{NoteID: "n", Title: "Cells", Text: "Osmosis is a movement."}}}, cards, "Cells"},
		{study.Brief{}, cards, "Made 1 flashcard"},
		{own("# Cell transport"), &study.Reply{Response: "Yes."}, "Answered"},
	} {
		if got := title(study.Request{}, tt.aid, beginning(tt.brief)); got != tt.want {
			t.Errorf("%+v is named %q, want %q", tt.brief, got, tt.want)
		}
	}
}

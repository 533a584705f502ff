package agent

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

// filling returns at least n characters of text about nothing.
func filling(n int) string {
	return strings.Repeat("Plain sentences fill the rest of this page. ", n/44+1)
}

func TestAChatReadsThePassagesThatFitItsQuestion(t *testing.T) {
	b := newBench(agenttest.Says("Yes."), Options{MaterialRunes: 5000})
	req := agenttest.Asking(study.Chat)
	req.SessionID = ""
	req.Message = "What does the ribosome do?"
	req.Options.Content = filling(20_000) + "\n\n# Organelles\n\nRibosomes join amino acids. " + filling(900) + "\n\n# More\n\n" + filling(20_000)
	brief, out := briefOf(t, b, req)
	used := out.Result.Data.(*study.Reply).ContextUsed
	if !strings.Contains(brief.Material, "Ribosomes join amino acids") || utf8.RuneCountInString(brief.Material) > 5000 {
		t.Errorf("the material has %d characters, without the passage", utf8.RuneCountInString(brief.Material))
	}
	if !used.Content || used.Share <= 0 || used.Share > .2 || len(used.Notes) != 0 {
		t.Errorf("used %+v", used)
	}
}

func TestNoNamedNoteIsLeftOutOfAChat(t *testing.T) {
	b := newBench(agenttest.Says("Yes."), Options{MaterialRunes: 4000})
	req := study.Request{Type: study.Chat, UserID: agenttest.Alice, Message: "Explain this."}
	for i := range 4 {
		id := fmt.Sprint("note", i)
		b.Store.Notes = append(b.Store.Notes, note(id, "Title "+id, id+" "+filling(850)))
		req.NoteIDs = append(req.NoteIDs, id)
	}
	brief, out := briefOf(t, b, req)
	used := out.Result.Data.(*study.Reply).ContextUsed
	if len(used.Notes) != 4 || used.Notes[3].Passages != 1 || used.Share != 1 || !strings.Contains(brief.Material, "# Title note3\n\nnote3") {
		t.Errorf("used %+v", used)
	}
}

func TestAFollowUpKeepsWhatTheConversationIsAbout(t *testing.T) {
	for _, c := range []struct {
		name string
		req  func(r *study.Request)
	}{
		{"the pasted text", func(r *study.Request) { r.Options.Content = "Osmosis has two points: water moves, solutes stay." }},
		{"a note that was named", func(r *study.Request) { r.NoteIDs = []string{"n"} }},
		{"the passages found", func(*study.Request) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(agenttest.Says("Yes."), Options{})
			b.Store.Notes = []study.Note{note("n", "Osmosis", "Osmosis has two points: water moves, solutes stay.")}
			b.Store.Sessions[agenttest.SessionID] = study.Session{ID: agenttest.SessionID, UserID: agenttest.Alice}
			req := study.Request{Type: study.Chat, UserID: agenttest.Alice, SessionID: agenttest.SessionID, Message: "What is the first point of osmosis?"}
			c.req(&req)
			briefOf(t, b, req)
			brief, out := briefOf(t, b, study.Request{Type: study.Chat, UserID: agenttest.Alice, SessionID: agenttest.SessionID, Message: "and the other one?"})
			if strings.Count(brief.Material, "solutes stay") != 1 && c.name != "the pasted text" || !strings.Contains(brief.Material, "solutes stay") {
				t.Errorf("the follow-up has the material %q", brief.Material)
			}
			if used := out.Result.Data.(*study.Reply).ContextUsed; used.Messages != 2 || used.Content != (c.name == "the pasted text") {
				t.Errorf("used %+v", used)
			}
		})
	}
}

func TestWhereNoNoteFitsTheAnswerKnowsWhatWasSearched(t *testing.T) {
	b := newBench(agenttest.Says("Nothing."), Options{})
	req := study.Request{Type: study.Chat, UserID: agenttest.Alice, Message: "What is a tectonic plate?"}
	if brief, _ := briefOf(t, b, req); brief.Searched != "" {
		t.Errorf("without notes %q was searched", brief.Searched)
	}
	b = newBench(agenttest.Says("Nothing."), Options{})
	b.Store.Notes = []study.Note{note("n", "Osmosis", "Water moves.")}
	if brief, _ := briefOf(t, b, req); brief.Searched != "tectonic plate" || brief.Material != "" {
		t.Errorf("searched %q, material %q", brief.Searched, brief.Material)
	}
}

func TestOnlyQuotesOfThePassagesAreCited(t *testing.T) {
	sent := []study.Passage{
		{NoteID: "a", Title: "Cells", Section: "Intro", Page: 2, Start: 100, Text: "Über Zellen.\n\n# Energy\n\nThe mitochondrion is the “power house” of the cell."},
		{Start: 5, Text: "Water moves through the membrane."},
	}
	got := cite(`It says "the mitochondrion is the 'power house'" and “the cell wall is thick”, but "water". „Water moves through the membrane“.`, sent, false)
	if len(got) != 2 {
		t.Fatalf("%d citations: %+v", len(got), got)
	}
	if first := got[0]; first.NoteID != "a" || first.Section != "Energy" || first.Page != 2 || !strings.HasPrefix(first.Quote, "The mitochondrion is the “power house") ||
		first.Start != 100+len([]rune("Über Zellen.\n\n# Energy\n\n")) || first.End-first.Start != utf8.RuneCountInString(first.Quote) {
		t.Errorf("cited %+v", first)
	}
	if second := got[1]; second.NoteID != "" || second.Start != 5 {
		t.Errorf("cited %+v", second)
	}
	if got := cite("Your material says: Water moves through the membrane.", sent, true); len(got) != 1 {
		t.Errorf("a sentence of the engine's is cited as %+v", got)
	}
	if got := cite("Water moves through the membrane.", sent, false); got == nil || len(got) != 0 {
		t.Errorf("a model's own sentence is cited as %+v", got)
	}
}

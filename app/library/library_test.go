package library

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"studysharper/app/study"
)

const (
	deck = `{"flashcards":[{"question":"A?","answer":"a","topic":"x","difficulty":"easy"},{"id":"k","question":"B?","answer":"b","topic":"y","difficulty":"hard"},
		{"question":"C?","answer":"c","topic":"x","difficulty":"easy"}],"total_count":3,"topics_covered":["x","y"]}`
	quiz = `{"quiz":{"title":"Q","questions":[{"id":"q","type":"true_false","question":"A?","correct_answer":true,"points":2}]},"total_points":2,"estimated_time_minutes":1}`
	exam = `{"exam":{"title":"E","duration_minutes":60,"total_points":100,"sections":[
		{"section_name":"One","instructions":"-","time_estimate_minutes":30,"questions":[{"id":"a","type":"true_false","question":"A?","correct_answer":true,"points":60}]},
		{"section_name":"Two","instructions":"-","time_estimate_minutes":30,"questions":[{"id":"b","type":"true_false","question":"B?","correct_answer":true,"points":40}]}]}}`
	summary  = `{"summary":{"title":"S","main_points":[{"id":"p","point":"P","details":"","importance":"high"}],"key_terms":[]},"word_count":1,"estimated_reading_time_minutes":1}`
	plan     = `{"plan":{"title":"P","sessions":[{"id":"s","day":2,"topic":"T","activities":["read"],"minutes":30}]}}`
	analysis = `{"analysis":{"strengths":["s"],"gaps":[],"key_concepts":["k"],"suggestions":["do"]}}`
)

func read(t *testing.T, of study.Type, text string) study.Aid {
	t.Helper()
	a, _, err := Read(of, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func ids(a study.Aid) (list []string) {
	for _, it := range Items(a) {
		list = append(list, it.ID)
	}
	return list
}

func TestItemsWithoutAnIDGetTheirPlace(t *testing.T) {
	a, numbered, err := Read(study.Flashcards, []byte(deck))
	if err != nil || !numbered || fmt.Sprint(ids(a)) != "[1 k 3]" {
		t.Errorf("%v, %v, %v", ids(a), numbered, err)
	}
	if _, numbered, _ := Read(study.Quiz, []byte(quiz)); numbered {
		t.Error("a quiz with all its ids was numbered")
	}
	taken := strings.Replace(deck, `"id":"k"`, `"id":"3"`, 1)
	if got := ids(read(t, study.Flashcards, taken)); got[1] != "3" || got[2] == "3" || got[2] == "" {
		t.Errorf("a place that is another's id: %v", got)
	}
	if _, _, err := Read(study.Chat, []byte(`[]`)); err == nil {
		t.Error("a list was read as an aid")
	}
	if _, _, err := Read("poem", []byte(`{}`)); err == nil {
		t.Error("an aid of no type was read")
	}
}

func TestAnItemIsAddedWithWhatItsMakerLeftOut(t *testing.T) {
	for _, c := range []struct {
		of                study.Type
		aid, given, holds string
	}{
		{study.Flashcards, deck, `{"question":"D?","answer":"d"}`, `"topic":"x","difficulty":"medium"`},
		{study.Flashcards, deck, `{"id":"mine","source":{"quote":"x"},"question":"D?","answer":"d","topic":"z"}`, `"total_count":4,"topics_covered":["x","y","z"]`},
		{study.Flashcards, `{"flashcards":[]}`, `{"question":"D?","answer":"d"}`, `"topic":"My own cards"`},
		{study.Quiz, quiz, `{"type":"short_answer","question":"B?","acceptable_answers":["b"]}`, `"total_points":3`},
		{study.Exam, exam, `{"type":"short_answer","question":"C?","sample_answer":"c","points":7}`, `"total_points":107`},
		{study.Exam, exam, `{"section":1,"type":"true_false","question":"C?","correct_answer":false}`, `"total_points":101`},
		{study.Summary, summary, `{"point":"Q"}`, `"point":"Q","details":"","importance":"medium"`},
		{study.Summary, summary, `{"term":"T","definition":"d"}`, `"key_terms":[{`},
		{study.Plan, plan, `{"topic":"U","activities":["write"]}`, `"day":2,"topic":"U","activities":["write"],"minutes":30`},
		{study.Plan, plan, `{"day":1,"topic":"U","activities":["write"],"minutes":5}`, `"sessions":[{"id":`},
	} {
		a := read(t, c.of, c.aid)
		had := len(Items(a))
		added, err := Add(a, []byte(c.given))
		if err != nil {
			t.Errorf("%s: %v", c.given, err)
			continue
		}
		got, _ := json.Marshal(a)
		if !strings.Contains(string(got), c.holds) || len(Items(a)) != had+1 || added.ID == "mine" || len(added.ID) != 36 {
			t.Errorf("%s: %q is not in %s", c.given, c.holds, got)
		}
		if _, err := Find(a, added.ID); err != nil {
			t.Error(err)
		}
	}
	a := read(t, study.Plan, plan)
	if _, err := Add(a, []byte(`{"day":1,"topic":"first","activities":["x"]}`)); err != nil || Items(a)[1].ID != "s" {
		t.Errorf("%v: a session of day 1 does not come before one of day 2", err)
	}
}

func TestAnInvalidItemIsRefusedAndNamesItsField(t *testing.T) {
	long := strings.Repeat("x", MaxItemText+1)
	for _, c := range []struct {
		of                study.Type
		aid, given, field string
	}{
		{study.Flashcards, deck, `{"question":"D?"}`, "answer"},
		{study.Flashcards, deck, `{"question":"D?","answer":"d","difficulty":"terrible"}`, "difficulty"},
		{study.Flashcards, deck, `{"question":"D?","answer":"d","extra":1}`, "extra"},
		{study.Flashcards, deck, `{"question":"D?","answer":"` + long + `"}`, "item"},
		{study.Quiz, quiz, `{"type":"multiple_choice","question":"B?","options":["a","b"],"correct_answer":"a"}`, "options"},
		{study.Quiz, quiz, `{"type":"multiple_choice","question":"B?","options":["a","b","c","d"],"correct_answer":"e"}`, "correct_answer"},
		{study.Quiz, quiz, `{"type":"essay","question":"B?"}`, "type"},
		{study.Exam, exam, `{"section":3,"type":"true_false","question":"C?","correct_answer":false}`, "section"},
		{study.Summary, summary, `{"term":"T"}`, "definition"},
	} {
		_, err := Add(read(t, c.of, c.aid), []byte(c.given))
		e := study.AsError(err)
		if err == nil || len(e.Faults) == 0 || e.Faults[0].Field != c.field {
			t.Errorf("%.80s: %v %v, want a fault of %s", c.given, err, e.Faults, c.field)
		}
	}
	if _, err := Add(read(t, study.Analysis, analysis), []byte(`{"point":"Q"}`)); !study.IsCode(err, study.CodeInvalid) {
		t.Errorf("an item of an analysis: %v", err)
	}
	if _, err := Add(read(t, study.Flashcards, deck), []byte(`[]`)); !study.IsCode(err, study.CodeMalformed) {
		t.Errorf("a list for an item: %v", err)
	}
}

func TestAChangeReplacesOnlyWhatIsGiven(t *testing.T) {
	a := read(t, study.Flashcards, deck)
	it, err := Change(a, "k", []byte(`{"id":"other","answer":"better","topic":"z"}`))
	card, _ := it.Value.(*study.Flashcard)
	if err != nil || card == nil || card.ID != "k" || card.Question != "B?" || card.Answer != "better" || card.Difficulty != "hard" {
		t.Fatalf("%+v, %v", card, err)
	}
	if got := a.(*study.FlashcardSet).TopicsCovered; fmt.Sprint(got) != "[x z]" {
		t.Errorf("topics %v", got)
	}
	if _, err := Change(a, "k", []byte(`{"answer":" "}`)); !study.IsCode(err, study.CodeInvalid) {
		t.Errorf("an empty answer: %v", err)
	}
	for _, id := range []string{"", "none"} {
		if _, err := Change(a, id, []byte(`{}`)); !study.IsCode(err, study.CodeNotFound) {
			t.Errorf("item %q: %v", id, err)
		}
		if err := Remove(a, id); !study.IsCode(err, study.CodeNotFound) {
			t.Errorf("item %q: %v", id, err)
		}
	}
	if err := Remove(a, "1"); err != nil || fmt.Sprint(ids(a)) != "[k 3]" || a.(*study.FlashcardSet).TotalCount != 2 {
		t.Errorf("%v, %v", ids(a), err)
	}
}

func TestOnlyWhatIsToldOfIsKept(t *testing.T) {
	a := read(t, study.Exam, exam)
	Keep(a, func(id string) bool { return id == "b" })
	if s := a.(*study.ExamSet); fmt.Sprint(ids(a)) != "[b]" || s.Exam.TotalPoints != 40 || len(s.Exam.Sections) != 2 {
		t.Errorf("%+v", s)
	}
}

func TestDecksAreMergedWithoutDoublingACard(t *testing.T) {
	into, from := read(t, study.Flashcards, deck), read(t, study.Flashcards, `{"flashcards":[
		{"id":"k","question":"New?","answer":"n","topic":"z","difficulty":"easy"},{"id":"same","question":" a? ","answer":"A","topic":"x","difficulty":"easy"},
		{"id":"other","question":"A?","answer":"another","topic":"x","difficulty":"easy"}]}`)
	moved, err := Merge(into, from)
	if err != nil || len(moved) != 3 {
		t.Fatalf("%v, %v", moved, err)
	}
	if moved[0].To == "k" || moved[0].To == "" || moved[1].To != "" || moved[2].To != "other" {
		t.Errorf("moved %v", moved)
	}
	set := into.(*study.FlashcardSet)
	if set.TotalCount != 5 || len(set.Flashcards) != 5 || fmt.Sprint(set.TopicsCovered) != "[x y z]" || set.Flashcards[3].ID != moved[0].To {
		t.Errorf("%+v", set)
	}
	if _, err := Merge(read(t, study.Exam, exam), read(t, study.Exam, exam)); !study.IsCode(err, study.CodeInvalid) {
		t.Errorf("exams were merged: %v", err)
	}
}

func TestTextsAreThoseOfTheAidAndItsItems(t *testing.T) {
	for of, want := range map[study.Type][2]string{
		study.Flashcards: {deck, "A?|a|x|B?|b|y|C?|c|x"}, study.Summary: {summary, "S||P|"}, study.Plan: {plan, "P|T|read"}, study.Analysis: {analysis, "s|k|do"},
		study.Exam: {exam, "E|One|Two|A?||||B?|||"},
	} {
		if got := strings.Join(Texts(read(t, of, want[0])), "|"); got != want[1] {
			t.Errorf("%s: %q, want %q", of, got, want[1])
		}
	}
}

func FuzzItemsGivenByClients(f *testing.F) {
	f.Add(`{"question":"D?","answer":"d"}`, "k")
	f.Add(`{"section":9e99}`, "")
	f.Add(`{"options":null,"type":"multiple_choice"}`, "1")
	f.Fuzz(func(t *testing.T, given, id string) {
		for of, text := range map[study.Type]string{study.Flashcards: deck, study.Quiz: quiz, study.Exam: exam, study.Summary: summary, study.Plan: plan, study.Analysis: analysis} {
			a := read(t, of, text)
			_, errAdd := Add(a, []byte(given))
			_, errChange := Change(a, id, []byte(given))
			if errAdd == nil || errChange == nil { // every accepted edit leaves the items valid
				for _, it := range Items(a) {
					if faults := study.ItemFaults(of, it.Value); len(faults) > 0 {
						t.Errorf("%s: %s left %v", of, given, faults)
					}
				}
			}
		}
	})
}

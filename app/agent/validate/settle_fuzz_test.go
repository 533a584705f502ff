package validate_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"studysharper/app/agent/parse"
	"studysharper/app/agent/validate"
	"studysharper/app/study"
)

// FuzzSettle reads any text as an answer to every type of request. The result is either nothing or an aid in which each
// item can be shown, whatever the upstream sent.
func FuzzSettle(f *testing.F) {
	for _, answer := range []string{
		`{"flashcards": [{"front": "q", "back": "\frac{1}{2}", "difficulty": "Advanced"}, {"question": "x?", "answer": ""}]}`,
		`{"title": "t", "questions": [{"type": "mcq", "question": "q", "options": ["A) a", "B) b", "C) c", "D) d", "E) e"], "correct_index": 1, "points": "3 marks"}, {"question": "s", "correct_answer": true}]}`,
		`{"exam": {"sections": [{"name": "A", "questions": [{"type": "short", "question": "q", "answer": 6.5}, {"type": "tf", "question": "r", "correct_answer": "False"}]}, {"questions": []}]}}`,
		`{"summary": {"main_points": [{"text": "p", "importance": "Critical"}], "key_terms": [{"term": "x", "meaning": "y", "evidence": "one two three"}]}}`,
		`{"strengths": "one", "gaps": null, "key_concepts": [1, {"text": "k"}], "suggestions": ["s"]}`,
		"<think>{\"plan\":1}</think>```json\n{'schedule': [{'day': 'Day two', 'topic': 't', 'tasks': 'read', 'duration': '30 min'}, {'day': -1",
	} {
		f.Add(answer, uint8(3), uint8(2), "one two three four")
	}
	f.Fuzz(func(t *testing.T, answer string, count, sections uint8, material string) {
		o := study.Options{Count: int(count) % 51, QuestionCount: int(count) % 51, Sections: int(sections) % 11, DurationMinutes: int(sections)}
		for _, typ := range study.Types() {
			var faults []string
			aid, _, fault := parse.Aid(typ, answer, func(a study.Aid) bool {
				faults = validate.Settle(a, o)
				return len(a.Check(o)) == 0
			})
			if (aid == nil) == (fault == "") {
				t.Fatalf("%s: aid %v, fault %q", typ, aid, fault)
			}
			if aid == nil || len(aid.Check(o)) > 0 {
				continue
			}
			once, err := json.Marshal(aid)
			if err != nil {
				t.Fatal(err)
			}
			if again := validate.Settle(aid, o); len(again) > 0 {
				t.Fatalf("%s: settled twice: %q after %q", typ, again, faults)
			}
			if twice, _ := json.Marshal(aid); !reflect.DeepEqual(once, twice) {
				t.Fatalf("%s: settled once %s, twice %s", typ, once, twice)
			}
			b := study.Brief{Type: typ, Material: material, Options: o}
			validate.Rules(aid, b, validate.NewSources(b))
			if left := aid.Check(o); len(left) > 0 && typ != study.Summary && typ != study.Analysis && study.Items(aid) > 0 {
				t.Fatalf("%s: the rules leave %q", typ, left)
			}
		}
	})
}

// FuzzScanner feeds any text to the scanner in two pieces: the scanner must not fail, and must find the same items
// wherever the text is split.
func FuzzScanner(f *testing.F) {
	f.Add(`{"flashcards": [{"question": "q", "answer": "a"}, {"question": "r", "answer": "b"}]}`, uint16(30))
	f.Add(`[{"questions": [{"question": "q", "type": "tf", "correct_answer": true}]}]]}}`, uint16(7))
	f.Fuzz(func(t *testing.T, text string, cut uint16) {
		at := min(int(cut), len(text))
		for _, typ := range study.Types() {
			if one, two := scan(typ, text), scan(typ, text[:at], text[at:]); !reflect.DeepEqual(one, two) {
				t.Fatalf("%s: %v at once, %v in pieces", typ, one, two)
			}
		}
	})
}

func scan(typ study.Type, pieces ...string) (items []study.Item) {
	s := &parse.Scanner{Type: typ, Found: func(a study.Aid) bool {
		item, ok := validate.Item(a, study.Options{}, validate.NewSources(study.Brief{}))
		if ok {
			items = append(items, item)
		}
		return ok
	}}
	for _, p := range pieces {
		s.Write(p)
	}
	return items
}

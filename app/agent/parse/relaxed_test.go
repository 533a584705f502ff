package parse

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"studysharper/app/study"
)

func TestJSONIsReadAsModelsWriteIt(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": 1, "b": [true, null, "x"]}`:                                              `{"a":1,"b":[true,null,"x"]}`,
		`{'a': 'it's fine', 'b': None, 'c': True}`:                                      `{"a":"it's fine","b":null,"c":true}`,
		`{“a”: “x”, "b": „y“}`:                                                          `{"a":"x","b":"y"}`,
		"{a: 1, // why\n b: 2, /* so */ c: 3,}":                                         `{"a":1,"b":2,"c":3}`,
		`{"a": [1, 2,], "b": {"c": 1,},}`:                                               `{"a":[1,2],"b":{"c":1}}`,
		`{"a": "x" "b": "y"}`:                                                           `{"a":"x","b":"y"}`,
		"{\"a\": \"one\ntwo\tthree\x01\x00\"}":                                          `{"a":"one\ntwo\tthree "}`,
		`{"a": "\\frac \frac{1}{2} \(x\) \alpha \nabla"}`:                               `{"a":"\\frac \\frac{1}{2} \\(x\\) \\alpha \\nabla"}`,
		`{"a": "one\nNow\ttab\"q\"\/\u00e9\ud83d\ude00\u0000"}`:                         `{"a":"one\nNow\ttab\"q\"/é😀"}`,
		`{"a": "\underline \upsilon"}`:                                                  `{"a":"\\underline \\upsilon"}`,
		`{"a": "10", "b": -1.5e2}`:                                                      `{"a":"10","b":-150}`,
		`{"cards": [{"q": "1", "a": "x"}, {"q": "2", "a": "y`:                           `{"cards":[{"a":"x","q":"1"}]}`,
		`{"cards": [{"q": "1", "a": "x"}`:                                               `{"cards":[{"a":"x","q":"1"}]}`,
		`{"exam": {"title": "t", "sections": [{"n": "A", "questions": [{"q": "1"}, {"q`: `{"exam":{"sections":[{"n":"A","questions":[{"q":"1"}]}],"title":"t"}}`,
		`{"a": tru`:    `{}`,
		`{`:            `{}`,
		`[{"a": 1}] x`: `[{"a":1}]`,
	} {
		value, _, _ := parseRelaxed(text)
		raw, err := json.Marshal(value)
		var got, expect any
		_ = json.Unmarshal(raw, &got)
		if err2 := json.Unmarshal([]byte(want), &expect); err != nil || err2 != nil || !reflect.DeepEqual(got, expect) {
			t.Errorf("%s is %s, want %s (%v %v)", text, raw, want, err, err2)
		}
	}
}

func TestValuesAreReadToABoundedDepth(t *testing.T) {
	for _, n := range []int{maxDepth, maxDepth + 1, 1 << 20} {
		_, _, cut := parseRelaxed(strings.Repeat("[", n) + strings.Repeat("]", n))
		if cut != (n > maxDepth) {
			t.Errorf("%d deep: cut off %v", n, cut)
		}
	}
}

func FuzzRelaxed(f *testing.F) {
	f.Add(`{'a': [1, "x\frac" // c` + "\n" + `}`)
	f.Add(`{"a": {"b": ["\ud83d`)
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" || text[0] != '{' && text[0] != '[' {
			return
		}
		value, end, _ := parseRelaxed(text)
		if end <= 0 || end > len(text) {
			t.Errorf("%q ends at %d", text, end)
		}
		if _, err := json.Marshal(value); err != nil {
			t.Error(err)
		}
		var strict any
		if json.Unmarshal([]byte(text), &strict) == nil && value == nil {
			t.Errorf("%q is not read", text)
		}
	})
}

func TestOtherNamesForFieldsAreKnown(t *testing.T) {
	for name, c := range map[string]struct {
		typ    study.Type
		answer string
	}{
		"cards":            {study.Flashcards, `{"cards": [{"front": "q", "back": "a"}]}`},
		"the cards alone":  {study.Flashcards, `Here: [{"question": "q", "answer": "a"}]`},
		"a doubled name":   {study.Flashcards, `{"flashcards": {"flashcards": [{"q": "q", "a": "a", "difficulty": "Hard"}]}}`},
		"one bad card":     {study.Flashcards, `{"flashcards": [{"question": "q", "answer": "a"}, {"question": "r", "answer": ""}, 7]}`},
		"questions at top": {study.Quiz, `{"title": "t", "questions": [{"type": "true_false", "question": "q", "correct_answer": true, "points": "5"}]}`},
		"the questions":    {study.Quiz, `[{"type": "true_false", "question": "q", "answer": true, "points": "5 points"}]`},
		"options by key":   {study.Quiz, `{"quiz": [{"type": "multiple_choice", "prompt": "q", "choices": {"B": "y", "A": "x", "C": "z", "D": "w"}, "correct_option": "y", "points": 5.0}]}`},
		"sections at top":  {study.Exam, `{"title": "t", "duration_minutes": "60 min", "sections": [{"name": "A", "questions": [{"type": "true_false", "question": "q", "correct_answer": true, "points": 1}]}]}`},
		"a plan in words":  {study.Plan, `{"schedule": {"sessions": [{"day": "Day 1", "topic": "t", "tasks": "read", "duration": "30 minutes"}]}}`},
		"a plain summary":  {study.Summary, `{"title": "t", "main_points": [{"text": "p", "details": "d", "importance": "High"}], "key_terms": [{"term": "x", "meaning": "y"}]}`},
		"analysis at top":  {study.Analysis, `{"strengths": ["s"], "gaps": [], "key_concepts": ["k"], "suggestions": ["x"]}`},
	} {
		aid, _, fault := Aid(c.typ, c.answer, anything)
		if fault != "" {
			t.Errorf("%s: %s", name, fault)
			continue
		}
		study.Prune(aid, study.Options{})
		raw, _ := json.Marshal(aid)
		if n := study.Items(aid); c.typ != study.Summary && c.typ != study.Analysis && n != 1 || strings.Contains(string(raw), "null") && c.typ != study.Flashcards {
			t.Errorf("%s: %d items, %s", name, n, raw)
		}
	}
}

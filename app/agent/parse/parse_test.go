package parse

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"studysharper/app/study"
)

const cardsJSON = `{"flashcards": [{"question": "q", "answer": "a", "topic": "t", "difficulty": "easy"}], "total_count": 1, "topics_covered": ["t"]}`

func TestParseIsLenientAboutDress(t *testing.T) {
	want, _, _ := Aid(study.Flashcards, cardsJSON, anything)
	for name, answer := range map[string]string{
		"a code fence":     "```json\n" + cardsJSON + "\n```",
		"prose":            "Sure! Here {as you wished} are the cards:\n" + cardsJSON + "\nGood luck {and} have fun.",
		"trailing commas":  `{"flashcards": [{"question": "q", "answer": "a", "topic": "t", "difficulty": "easy",},  ], "total_count": 1, "topics_covered": ["t"] , }`,
		"an object around": `{"result": ` + cardsJSON + `}`,
		"a byte order":     "\ufeff" + cardsJSON,
		"unknown fields":   strings.Replace(cardsJSON, `"total_count"`, `"note": {"x": []}, "total_count"`, 1),
	} {
		got, _, fault := Aid(study.Flashcards, answer, anything)
		if fault != "" || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, %+v", name, fault, got)
		}
	}
	got, _, fault := Aid(study.Flashcards, strings.Replace(cardsJSON, `"q"`, "\"a\nb\tc, ]\\\"\x01\"", 1), anything)
	if fault != "" || got.(*study.FlashcardSet).Flashcards[0].Question != "a\nb\tc, ]\" " {
		t.Errorf("raw breaks in a string: %q, %+v", fault, got)
	}
}

func TestParseNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ name, answer, want string }{
		{"nothing", "", "there is no JSON object in the answer"},
		{"prose", "I cannot do that.", "there is no JSON object in the answer"},
		{"cut off", cardsJSON[:40], "the JSON object is cut off before its end"},
		{"a word", "{flashcards: SECRET}", "flashcards has a value of the wrong type"},
		{"another object", `{"decks": ["SECRET"]}`, "the JSON object has no field flashcards"},
		{"no list", `{"flashcards": {"SECRET": 1}}`, "flashcards has a value of the wrong type"},
	} {
		aid, _, fault := Aid(study.Flashcards, c.answer, anything)
		if aid != nil || fault != c.want {
			t.Errorf("%s: got %q, want %q", c.name, fault, c.want)
		}
	}
}

func TestParseTakesAChatAsItIs(t *testing.T) {
	aid, _, fault := Aid(study.Chat, ` {"a": 1} is JSON. `, anything)
	if reply, ok := aid.(*study.Reply); !ok || fault != "" || reply.Response != `{"a": 1} is JSON.` {
		t.Errorf("got %+v, %q", aid, fault)
	}
}

func TestParseLooksAtSoManyObjectsOnly(t *testing.T) {
	if aid, _, _ := Aid(study.Flashcards, strings.Repeat("{} ", maxObjects-1)+cardsJSON, anything); aid == nil {
		t.Error("the last object looked at was missed")
	}
	if aid, _, _ := Aid(study.Flashcards, strings.Repeat("{} ", maxObjects)+cardsJSON, anything); aid != nil {
		t.Error("an object beyond the limit was read")
	}
}

func FuzzAid(f *testing.F) {
	f.Add(cardsJSON)
	f.Add("```json\n" + cardsJSON + ",}\n```")
	f.Add(`{"flashcards": [{"question": "a\` + "\n" + `b",}]}`)
	f.Fuzz(func(t *testing.T, answer string) {
		for _, typ := range study.Types() {
			aid, _, fault := Aid(typ, answer, anything)
			if (aid == nil) == (fault == "") {
				t.Fatalf("%s: aid %v, fault %q", typ, aid, fault)
			}
			if aid == nil {
				continue
			}
			raw, err := json.Marshal(aid)
			if err != nil {
				t.Fatalf("%s does not marshal: %v", typ, err)
			}
			if _, _, fault := Aid(typ, string(raw), anything); fault != "" {
				t.Fatalf("%s does not parse again: %s", typ, fault)
			}
		}
	})
}

// anything accepts every aid.
func anything(study.Aid) bool { return true }

func TestOfSeveralObjectsTheLastThatWillDoCounts(t *testing.T) {
	draft := func(question string) string { return strings.Replace(cardsJSON, `"q"`, `"`+question+`"`, 1) }
	want := func(question string) func(study.Aid) bool {
		return func(a study.Aid) bool { return a.(*study.FlashcardSet).Flashcards[0].Question != question }
	}
	for name, test := range map[string]struct {
		answer string
		good   func(study.Aid) bool
		want   string
	}{
		"two drafts":                    {draft("one") + " no, better: " + draft("two"), anything, "two"},
		"the last will not do":          {draft("one") + " or " + draft("two"), want("two"), "one"},
		"none will do":                  {draft("one") + draft("two"), func(study.Aid) bool { return false }, "two"},
		"the last is cut off":           {draft("one") + `{"flashcards": [`, anything, "one"},
		"the last is not an aid":        {draft("one") + ` {"note": {"a": 1}}`, anything, "one"},
		"the first is of another shape": {`{"flashcards": "none yet"} ` + draft("two"), anything, "two"},
		"inside another":                {`{"response": ` + draft("one") + `} {"response": ` + draft("two") + `}`, anything, "two"},
	} {
		aid, _, fault := Aid(study.Flashcards, test.answer, test.good)
		if fault != "" || aid.(*study.FlashcardSet).Flashcards[0].Question != test.want {
			t.Errorf("%s: %+v, %s", name, aid, fault)
		}
	}
}

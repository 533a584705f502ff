package study

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

const anID = "0197a3e4-5b6c-7d8e-9f00-112233445566"

func TestParseRequestReadsTheWholeRequest(t *testing.T) {
	r, err := ParseRequest([]byte(`{"type":"exam_generation","user_id":"u1","session_id":"0197A3E4-5b6c-7d8e-9f00-112233445566","message":"an exam",
		"options":{"content":"text","topic":"t","difficulty":"hard","question_count":12,"question_types":["true_false"],"duration_minutes":45,
		"sections":2,"colour":"blue","count":3},"explicit_note_ids":["` + anID + `"],"extra":1}`))
	if err != nil {
		t.Fatal(err)
	}
	r = r.As(Exam).Filled(Preferences{})
	want := Request{Type: Exam, UserID: "u1", SessionID: anID, Message: "an exam", NoteIDs: []string{anID},
		Options: Options{Content: "text", Topic: "t", Difficulty: Hard, QuestionCount: 12, QuestionTypes: []string{TrueFalse}, DurationMinutes: 45, Sections: 2},
		Given:   []string{"colour", "content", "count", "difficulty", "duration_minutes", "question_count", "question_types", "sections", "topic"},
		Ignored: []string{"colour", "count"}, Warnings: []string{"extra: not a field of a request, ignored"}}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
}

func TestParseRequestNamesEveryFaultAndTellsNoValue(t *testing.T) {
	tests := []struct {
		name, body string
		fields     string
	}{
		{"nothing", `{}`, "type user_id message"},
		{"null fields", `{"type":null,"user_id":null,"message":null}`, "type user_id message"},
		{"wrong types", `{"type":1,"user_id":[],"message":{},"session_id":5,"options":[],"explicit_note_ids":"x"}`,
			"type user_id session_id message explicit_note_ids options"},
		{"no UUIDs", `{"type":"chat","user_id":"u","message":"m","session_id":"CANARY","explicit_note_ids":["CANARY"]}`, "session_id explicit_note_ids"},
		{"options out of their words", `{"type":"chat","user_id":"u","message":"m","options":{"difficulty":"CANARY","length":"CANARY","style":"CANARY","question_types":["CANARY"]}}`,
			"options.difficulty options.question_types options.length options.style"},
		{"invalid numbers", `{"type":"chat","user_id":"u","message":"m","options":{"count":0,"question_count":-1,"sections":1.5,"duration_minutes":"60"}}`,
			"options.count options.question_count options.duration_minutes options.sections"},
		{"repeated question types", `{"type":"chat","user_id":"u","message":"m","options":{"question_types":["true_false","true_false"]}}`, "options.question_types"},
		{"a blank user", `{"type":"chat","user_id":" ","message":"m"}`, "user_id"},
		{"a user one rune too long", `{"type":"chat","user_id":"` + strings.Repeat("ü", MaxIDRunes+1) + `","message":"m"}`, "user_id"},
		{"one note too many", `{"type":"chat","user_id":"u","message":"m","explicit_note_ids":["` + strings.Repeat(anID+`","`, MaxNoteIDs) + anID + `"]}`, "explicit_note_ids"},
		{"a NUL character", `{"type":"chat","user_id":"u","message":"CANARY\u0000"}`, "message"},
		{"an empty chat", `{"type":"chat","user_id":"u","message":"","options":{"content":"text"}}`, "message"},
		{"a quiz about nothing", `{"type":"quiz_generation","user_id":"u","message":" "}`, "message"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseRequest([]byte(tt.body))
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Code != CodeInvalid {
				t.Fatalf("got %v", err)
			}
			var fields []string
			for _, f := range e.Faults {
				fields = append(fields, f.Field)
			}
			if got := strings.Join(fields, " "); got != tt.fields {
				t.Errorf("got  %s\nwant %s", got, tt.fields)
			}
			if strings.Contains(err.Error(), "CANARY") {
				t.Errorf("the error contains a value: %v", err)
			}
		})
	}
}

func TestParseRequestRefusesWhatIsNoJSONObject(t *testing.T) {
	for _, body := range []string{"", " ", "null", "[]", `"x"`, "{", `{"a":1}x`, "{} {}", "{\"a\":\"\xff\"}", "\ufeff{}", strings.Repeat(`{"a":`, 100_000)} {
		if _, err := ParseRequest([]byte(body)); AsError(err).Code != CodeMalformed {
			t.Errorf("%.20q: got %v", body, err)
		}
	}
}

func TestParseRequestLowersCountsAndSaysSo(t *testing.T) {
	r, err := ParseRequest([]byte(`{"type":"flashcard_generation","user_id":"u","message":"m","options":{"count":10000}}`))
	if err != nil || r.Options.Count != MaxItems || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "options.count") {
		t.Errorf("got %+v, %v", r, err)
	}
	r, err = ParseRequest([]byte(`{"type":"flashcard_generation","user_id":"u","message":"m","options":{"count":50}}`))
	if err != nil || r.Options.Count != 50 || len(r.Warnings) != 0 {
		t.Errorf("at the bound: got %+v, %v", r, err)
	}
}

func TestWhatIsLeftOpenGetsTheDefaultsOfTheType(t *testing.T) {
	all := []string{MultipleChoice, TrueFalse, ShortAnswer}
	want := map[Type]Options{
		Chat:       {},
		Flashcards: {Count: 10, Difficulty: Medium},
		Quiz:       {QuestionCount: 10, Difficulty: Medium, QuestionTypes: all},
		Exam:       {QuestionCount: 15, Difficulty: Medium, QuestionTypes: all, Sections: 3, DurationMinutes: 60},
		Summary:    {Length: Medium, Style: BulletPoints},
		Analysis:   {},
		Plan:       {DurationMinutes: 30},
	}
	for _, typ := range Types() {
		if got := (Request{}).As(typ).Filled(Preferences{}).Options; !reflect.DeepEqual(got, want[typ]) {
			t.Errorf("%s: got %+v, want %+v", typ, got, want[typ])
		}
	}
}

func TestPreferencesFillOnlyWhatTheStudentLeftOpen(t *testing.T) {
	likes := Preferences{Difficulty: Hard, Detail: Long}
	for _, c := range []struct {
		name  string
		typ   Type
		given Options
		likes Preferences
		want  Options
	}{
		{"difficulty", Flashcards, Options{Count: 1}, likes, Options{Count: 1, Difficulty: Hard}},
		{"length", Summary, Options{Style: Outline}, likes, Options{Style: Outline, Length: Long}},
		{"an option wins", Flashcards, Options{Count: 1, Difficulty: Easy}, likes, Options{Count: 1, Difficulty: Easy}},
		{"a length wins", Summary, Options{Style: Outline, Length: Short}, likes, Options{Style: Outline, Length: Short}},
		{"no such options", Plan, Options{}, likes, Options{DurationMinutes: 30}},
		{"a chat has none", Chat, Options{Difficulty: Easy, Length: Short}, likes, Options{}},
		{"no preference", Summary, Options{Style: Outline}, Preferences{}, Options{Style: Outline, Length: Medium}},
		{"no value of the option", Flashcards, Options{Count: 1}, Preferences{Difficulty: "extreme"}, Options{Count: 1, Difficulty: Medium}},
	} {
		if got := (Request{Options: c.given}).As(c.typ).Filled(c.likes).Options; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestAChatKeepsItsOptionsForTheTypeItTurnsOutToBe(t *testing.T) {
	r, err := ParseRequest([]byte(`{"type":"chat","user_id":"u","message":"make me cards","options":{"count":4}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.As(Flashcards); got.Options.Count != 4 || got.Ignored != nil {
		t.Errorf("as cards: %+v", got)
	}
	if got := r.As(Chat); got.Options.Count != 0 || !reflect.DeepEqual(got.Ignored, []string{"count"}) {
		t.Errorf("as a chat: %+v", got)
	}
}

func TestDecodeNamesTheFieldOfTheWrongType(t *testing.T) {
	for body, says := range map[string]string{
		`{"rating":"five"}`:                "rating: must be a whole number",
		`{"content_type":1}`:               "content_type: must be a string",
		`{"issues":"x"}`:                   "issues: must be a list of strings",
		`{"feedback_text":"a\u0000"}`:      "feedback_text: must not contain the NUL character",
		`{"issues":["a\u0000"]}`:           "issues: must not contain the NUL character",
		`[1]`:                              "not a JSON object",
		"{\"feedback_text\":\"\xc3\x28\"}": "not valid UTF-8",
	} {
		var f Feedback
		if err := Decode([]byte(body), &f); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %q", body, err, says)
		}
	}
	var f Feedback
	if err := Decode([]byte(`{"rating":4,"feedback_text":"a \\u0000 in print"}`), &f); err != nil || f.Rating != 4 {
		t.Errorf("got %+v, %v", f, err)
	}
}

func TestCanonicalIDTakesOneSpellingOnly(t *testing.T) {
	if id, ok := CanonicalID(strings.ToUpper(anID)); !ok || id != anID {
		t.Errorf("upper case: %q, %v", id, ok)
	}
	for _, s := range []string{"", "x", anID + "0", "{" + anID[1:35] + "}", strings.ReplaceAll(anID, "-", "0"), strings.Replace(anID, "0", "g", 1), strings.Repeat("é", 18)} {
		if id, ok := CanonicalID(s); ok {
			t.Errorf("%q is taken as %q", s, id)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte(`{"type":"chat","user_id":"u","message":"m","options":{"count":3}}`))
	f.Add([]byte(`{"type":"quiz_generation","user_id":"u","message":"","explicit_note_ids":["` + anID + `"]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := ParseRequest(body)
		if err != nil {
			if code := AsError(err).Code; code != CodeMalformed && code != CodeInvalid {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		if r.UserID == "" || r.Options.Count > MaxItems || len(r.NoteIDs) > MaxNoteIDs || strings.ContainsRune(r.Message+r.Options.Content, 0) {
			t.Errorf("%q: got %+v", body, r)
		}
	})
}

func TestARequestOfAKnownUserIsTheirs(t *testing.T) {
	tests := []struct {
		name, user string // user is the field as sent in the body
		want       Code
	}{
		{"none", ``, ""},
		{"null", `"user_id":null,`, ""},
		{"an empty one", `"user_id":"",`, ""},
		{"the same", `"user_id":"ann",`, ""},
		{"another", `"user_id":"bob",`, CodeForbidden},
		{"a blank one", `"user_id":" ",`, CodeForbidden},
		{"a number", `"user_id":1,`, CodeInvalid},
	}
	for _, tt := range tests {
		r, err := ParseRequestOf("ann", []byte(`{"type":"chat",`+tt.user+`"message":"m"}`))
		if tt.want == "" && (err != nil || r.UserID != "ann") {
			t.Errorf("%s: got %q, %v", tt.name, r.UserID, err)
		}
		if tt.want != "" && (err == nil || AsError(err).Code != tt.want) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestAFieldThatNoRequestHasIsToldOf(t *testing.T) {
	r, err := ParseRequest([]byte(`{"type":"chat","user_id":"u","message":"hi","sesion_id":"x","my secret":1}`))
	if err != nil || len(r.Warnings) != 2 || !strings.HasPrefix(r.Warnings[1], "sesion_id: ") || strings.Contains(r.Warnings[0], "secret") {
		t.Errorf("%v, %v", r.Warnings, err)
	}
}

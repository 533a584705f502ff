package agent

import (
	"strings"
	"testing"

	"studysharper/app/agent/agenttest"
	"studysharper/app/llm/upstreamtest"
	"studysharper/app/study"
)

// Parts of the good answers that the dialects replace.
const (
	theAnswer       = `"correct_answer": "The stroma"`
	theOptions      = `["The stroma", "The thylakoid membranes", "The pigment", "The water"]`
	numberedOptions = `["1. The stroma", "2. The thylakoid membranes", "3. The pigment", "4. The water"]`
)

var (
	ofQuestions = []study.Type{study.Quiz, study.Exam}
	ofCards     = []study.Type{study.Flashcards}
	ofQuizzes   = []study.Type{study.Quiz}
	ofExams     = []study.Type{study.Exam}
	ofSummaries = []study.Type{study.Summary}
	ofAnalyses  = []study.Type{study.Analysis}
	ofPlans     = []study.Type{study.Plan}
)

func TestAnswersInOtherWordsMeanTheSame(t *testing.T) {
	for _, c := range renamings {
		for _, typ := range c.types {
			good := upstreamtest.Good[typ]
			text := strings.NewReplacer(c.parts...).Replace(good)
			if text == good {
				t.Errorf("%s: nothing of the %s is replaced", c.name, typ)
			}
			checkText(t, c.name, typ, text, good)
		}
	}
}

// checkText checks that a text gives the same result as a well-written one, in one call, and that it is shown to a
// client that watches.
func checkText(t *testing.T, name string, typ study.Type, text, want string) {
	t.Helper()
	raw := upstreamtest.Answer(text, "stop", true)
	got := replay(t, upstreamtest.Case{Behaviour: name, Type: typ, First: raw, Second: raw}, true)
	wanted := written(t, typ, want, "stop")
	if got.err != nil || got.data() != wanted || got.calls != 1 || len(got.out.Result.Warnings) > 0 {
		t.Errorf("%s, %s: %d calls, %v, %q\n got %s\nwant %s", name, typ, got.calls, got.err, got.out.Result.Warnings, got.data(), wanted)
	}
}

func TestOptionsMayHaveLabels(t *testing.T) {
	for _, label := range []string{"A) ", "A. ", "A: ", "(A) ", "A - ", "A ", "a) "} {
		var parts []string
		for i, option := range []string{`"The stroma", "The th`, `"The thylakoid`, `"The pigment`, `"The water`} {
			first := label[:1]
			if i := strings.IndexAny(label, "Aa"); i >= 0 {
				first = label[i : i+1]
			}
			letter := string(first[0] + byte(i))
			with := `"` + strings.Replace(label, first, letter, 1) + option[1:]
			parts = append(parts, option, strings.Replace(with, `"The th`, `"`+strings.Replace(label, first, string(first[0]+1), 1)+"The th", 1))
		}
		for _, said := range []string{"A", "The stroma", label + "The stroma"} {
			text := strings.NewReplacer(parts...).Replace(upstreamtest.Good[study.Quiz])
			checkText(t, label+"answered "+said, study.Quiz, strings.Replace(text, theAnswer, `"correct_answer": "`+said+`"`, 1), upstreamtest.Good[study.Quiz])
		}
	}
}

// wrappings put other objects and texts around a good answer.
var wrappings = map[string]func(good string) string{
	"data":                  func(good string) string { return `{"success": true, "data": ` + good + `}` },
	"two objects":           func(good string) string { return `{"result": {"output": ` + good + `}}` },
	"a list":                func(good string) string { return `[` + good + `]` },
	"a string":              func(good string) string { return agenttest.JSON(good) },
	"a string in an object": func(good string) string { return `{"response": ` + agenttest.JSON(good) + `}` },
	"a tag":                 func(good string) string { return "<answer>\n" + good + "\n</answer>" },
	"an open fence":         func(good string) string { return "```json\n" + good },
	"no last brace":         func(good string) string { return strings.TrimSuffix(good, "}") },
	"one brace too many":    func(good string) string { return good + "}" },
	"a template's tokens": func(good string) string {
		return "<|channel|>analysis<|message|>{<|end|><|start|>assistant<|channel|>final<|message|>" + good + "<|return|>"
	},
	"brackets of thought":    func(good string) string { return "[THINK]" + emptyOf(good) + "[/THINK]" + good },
	"thought without a tag":  func(good string) string { return "Hm: " + emptyOf(good) + "\n</think>\n" + good },
	"an object after it":     func(good string) string { return good + "\n\n{\"note\": \"done\"}" },
	"an empty one after it":  func(good string) string { return good + "\n\nThe form: " + emptyOf(good) },
	"comments":               func(good string) string { return strings.ReplaceAll(good, "}, {", "}, // next\n{ /* so */") },
	"typographic quotes":     typographic,
	"a quote that is no end": func(good string) string { return strings.Replace(good, `stroma`, `"stroma" or "matrix", so`, 1) },
}

// typographic uses a different kind of quotes for each string, in turn.
func typographic(good string) string {
	var b strings.Builder
	for i, part := range strings.Split(good, `"`) {
		if i > 0 {
			b.WriteString([]string{"”", "“"}[i%2])
		}
		b.WriteString(part)
	}
	return b.String()
}

func emptyOf(good string) string {
	field, _, _ := strings.Cut(good, ":")
	return field + `: []}`
}

func TestWhatIsAroundAnAnswerDoesNotCount(t *testing.T) {
	for name, wrap := range wrappings {
		for _, typ := range upstreamtest.JSONTypes {
			good := upstreamtest.Good[typ]
			want := good
			if strings.HasPrefix(name, "a quote") {
				if typ == study.Quiz || typ == study.Exam {
					continue // its option is its answer
				}
				want = strings.Replace(good, `stroma`, `\"stroma\" or \"matrix\", so`, 1)
			}
			checkText(t, name, typ, wrap(good), want)
		}
	}
}

func TestLengthsAndDaysAreReadInWords(t *testing.T) {
	good := upstreamtest.Good[study.Plan]
	for said, minutes := range map[string]string{`"1 hour"`: "60", `"an hour"`: "60", `"1h 30m"`: "90", `"PT1H30M"`: "90", `"1.5 hours"`: "90", `"half an hour"`: "30", `"0:30"`: "30",
		`"30-45 minutes"`: "30", `"forty-five"`: "45", `30.0`: "30"} {
		checkText(t, said, study.Plan, strings.ReplaceAll(good, `"minutes": 30`, `"minutes": `+said), strings.ReplaceAll(good, `"minutes": 30`, `"minutes": `+minutes))
	}
	for name, days := range map[string][3]string{"weekdays": {`"Monday"`, `"Tuesday"`, `"Friday"`}, "dates": {`"2026-12-01"`, `"2026-12-02"`, `"2026-12-03"`}, "ordinals": {`"First day"`, `"Day two"`, `"three"`},
		"from 0": {"0", "1", "2"}, "none": {"null", "null", "null"}} {
		text := strings.NewReplacer(`"day": 1`, `"day": `+days[0], `"day": 2`, `"day": `+days[1], `"day": 3`, `"day": `+days[2]).Replace(good)
		checkText(t, name, study.Plan, text, good)
	}
	weeks := strings.NewReplacer(`"day": 2`, `"day": "Week 2, day 1"`).Replace(good)
	checkText(t, "weeks", study.Plan, strings.Replace(weeks, `"day": 3`, `"day": 9`, 1), strings.NewReplacer(`"day": 2`, `"day": 8`, `"day": 3`, `"day": 9`).Replace(good))
}

func TestItemsWithoutAListAreRead(t *testing.T) {
	good := upstreamtest.Good[study.Flashcards]
	_, list, _ := strings.Cut(good, "[")
	list, _, _ = strings.Cut(list, "]")
	lines := strings.ReplaceAll(list, "}, {", "}\n{")
	for name, text := range map[string]string{
		"the list alone": "[" + list + "]", "one per line": lines, "one per fence": "```json\n" + strings.ReplaceAll(lines, "\n", "\n```\nand\n```json\n") + "\n```",
		"by name":          `{"flashcards": {"card2": ` + strings.Replace(strings.Replace(list, `}, {"question": "Where do `, `}, "card10": {"question": "Where do `, 1), `}, {"question": "Where does`, `}, "card11": {"question": "Where does`, 1) + `}}`,
		"a list as string": `{"flashcards": ` + agenttest.JSON("["+list+"]") + `}`, "lists in a list": "[[" + list + "]]",
	} {
		checkText(t, name, study.Flashcards, text, good)
	}
}

func TestChatsLoseTheTokensOfTemplates(t *testing.T) {
	good := upstreamtest.Good[study.Chat]
	for _, around := range []string{"<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>%<|return|>", "<|channel|>final<|message|>%", "[THINK]Hm.[/THINK]%",
		"◁think▷Hm.◁/think▷%", "<|begin_of_thought|>Hm.<|end_of_thought|>%", "<seed:think>Hm.</seed:think>%", "<THINK>a</THINK><think>b</think>%", "<think>\n\n</think>\n\n%",
		"<think>x</think><answer>%</answer>", "%<|im_end|>", "%</s>\n", "%<|eot_id|><|im_end|>", "%<end_of_turn>\n"} {
		text := strings.Replace(around, "%", good, 1)
		for _, stream := range []bool{false, true} {
			raw := upstreamtest.Answer(text, "stop", stream)
			got := replay(t, upstreamtest.Case{Type: study.Chat, First: raw, Second: raw}, true)
			if got.err != nil || got.tokens != good || got.out.Result.Data.(*study.Reply).Response != good {
				t.Errorf("%q: %v, %q", text, got.err, got.tokens)
			}
		}
	}
}

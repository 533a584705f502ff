package fakellm

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"studysharper/app/study"
)

const (
	maxEchoRunes = 200 // of a message that EchoAnswer repeats
	maxFactWords = 25  // of a sentence that StudyAnswer takes from the prompt
	minFactWords = 4   // a shorter line is a heading or an instruction
)

// EchoAnswer repeats the first 200 characters of the newest user message.
func EchoAnswer(r Request) string {
	said := []rune(strings.Join(strings.Fields(r.LastUser()), " "))
	if len(said) > maxEchoRunes {
		said = said[:maxEchoRunes]
	}
	return "You said: " + string(said)
}

// StudyAnswer is the default answer. A call for JSON gets one object that contains a valid aid of every request type,
// built from the sentences of the longest user message. The whole service can thus be driven, and its evidence checks
// find support in the material. The quantities are taken from the phrases "exactly 7 questions", "exactly 2 sections"
// and "duration_minutes: 30" in that message; the default is ten flashcards, ten questions, and an exam of three
// sections. Questions are always multiple choice. A call for a verdict on an aid gets full marks; other calls get
// EchoAnswer.
func StudyAnswer(r Request) string {
	switch {
	case !r.JSON():
		return EchoAnswer(r)
	case r.Checks():
		return verdict(1)
	}
	longest := ""
	for _, m := range r.Messages {
		if m.Role == "user" && len(m.Content) > len(longest) {
			longest = m.Content
		}
	}
	w := readWishes(longest)
	return mergeAids(flashcards(facts(longest, w.items(10))), quiz(facts(longest, w.items(10)+3)), exam(longest, w),
		summary(facts(longest, 4)), analysis(), plan(facts(longest, w.items(3))), &study.Reply{Response: "This is the fake model."})
}

// verdict returns the answer to a call that judges an aid.
func verdict(score float64) string {
	return fmt.Sprintf(`{"safety": %g, "quality": %g, "accuracy": %g, "issues": []}`, score, score, score)
}

// wishes are the numbers in a prompt; 0 = not given.
type wishes struct{ count, sections, minutes int }

func (w wishes) items(otherwise int) int { return orElse(w.count, otherwise) }

func orElse(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

var (
	exactly = regexp.MustCompile(`exactly (\d{1,3}) (\w+)`)
	minutes = regexp.MustCompile(`duration_minutes: (\d{1,3})\b`)
)

func readWishes(text string) wishes {
	var w wishes
	for _, m := range exactly.FindAllStringSubmatch(text, 4) {
		n, _ := strconv.Atoi(m[1]) // three digits
		switch {
		case strings.HasPrefix(m[2], "section") && w.sections == 0:
			w.sections = min(n, study.MaxSections)
		case w.count == 0:
			w.count = min(n, study.MaxItems)
		}
	}
	if m := minutes.FindStringSubmatch(text); m != nil {
		w.minutes, _ = strconv.Atoi(m[1])
	}
	return w
}

// facts returns n different sentences, taken from the text as far as it has enough.
func facts(text string, n int) []string {
	list := make([]string, 0, n)
	seen := map[string]bool{}
	ends := func(r rune) bool { return strings.ContainsRune(".!?\n", r) }
	for sentence := range strings.FieldsFuncSeq(text, ends) {
		words := strings.Fields(sentence)
		if len(words) < minFactWords || words[0] == "-" || strings.HasPrefix(words[0], "<<<") {
			continue
		}
		fact := strings.Join(words[:min(len(words), maxFactWords)], " ")
		if key := strings.ToLower(fact); !seen[key] && len(list) < n {
			seen[key] = true
			list = append(list, fact)
		}
	}
	for len(list) < n {
		list = append(list, fmt.Sprintf("This is made-up fact number %d", len(list)+1))
	}
	return list
}

// mergeAids puts the fields of all aids into one JSON object.
func mergeAids(aids ...study.Aid) string {
	all := map[string]json.RawMessage{}
	for _, aid := range aids {
		raw, err := json.Marshal(aid)
		if err == nil {
			err = json.Unmarshal(raw, &all)
		}
		if err != nil {
			panic(err) // the aids contain only strings and numbers
		}
	}
	raw, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

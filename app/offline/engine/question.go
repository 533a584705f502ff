package engine

import (
	"slices"
	"strings"

	"studysharper/app/offline/english"
	"studysharper/app/offline/facts"
	"studysharper/app/study"
	"studysharper/app/text"
)

// asksForAmount reports whether a message asks how much, how many, how fast …
func asksForAmount(message string) bool {
	words := strings.Fields(strings.ToLower(message))
	return len(words) > 1 && words[0] == "how" && slices.Contains(amountWords, words[1])
}

// amountWords ask for an amount after "how"; the answering sentence need not contain them.
var amountWords = []string{"many", "much", "fast", "long", "old", "often", "big", "large", "tall", "far", "high", "deep", "heavy", "quickly", "wide", "hot", "cold"}

// lacksNumber reports whether a message asks for an amount that an answer does not give.
func (src source) lacksNumber(message, answer string) bool {
	return src.English && asksForAmount(message) && !strings.ContainsAny(answer, "0123456789") && !english.HasNumber(answer)
}

// otherNames maps words that students use to words that headings use.
var otherNames = map[string]string{"drawback": "disadvantage", "drawbacks": "disadvantages", "downside": "disadvantage", "downsides": "disadvantages", "cons": "disadvantages", "pros": "advantages", "benefits": "advantages", "benefit": "advantage"}

// questionWords returns the content words of a question, without words of the request itself, such as
// "explain".
func questionWords(message string) []string {
	amount := asksForAmount(message)
	kinds := askedKinds(message)
	return slices.DeleteFunc(text.Words(message), func(w string) bool {
		if slices.Contains(kinds, w) {
			return true
		}
		if amount && (slices.Contains(amountWords, w) || w == "people") {
			return true
		}
		switch w {
		case "explain", "tell", "describe", "define", "definition", "mean", "means", "meaning", "know", "understand", "question", "answer", "give",
			"called", "happens", "happen", "happened", "difference", "work", "works", "text", "notes", "material", "according", "help", "term", "thank", "thanks", "hello", "hi", "want", "need", "main", "purpose", "role", "important", "kind", "kinds", "type", "types":
			return true
		}
		return false
	})
}

// wantsOverview reports whether a message asks for a summary of the whole material.
func wantsOverview(message string) bool {
	m := strings.ToLower(message)
	for _, phrase := range []string{"summar", "main point", "main idea", "key point", "overview", "what is this about", "what's this about", "what is the text about", "what are my notes about", "what is it about"} {
		if strings.Contains(m, phrase) {
			return true
		}
	}
	return false
}

// asksComparison reports whether a message asks how things differ. The definition of one of
// them does not answer that.
func asksComparison(message string) bool {
	m := " " + strings.ToLower(message) + " "
	return slices.ContainsFunc([]string{" differ", " compare", " vs ", " vs. ", " versus "}, func(s string) bool { return strings.Contains(m, s) })
}

// previousQuestion returns the student's last message before this one.
func previousQuestion(history []study.Turn, message string) string {
	for _, t := range slices.Backward(history) {
		if t.Role == study.RoleUser && t.Text != message {
			return t.Text
		}
	}
	return ""
}

// refersBack reports whether a message contains a pronoun that refers to earlier messages.
func refersBack(message string) bool {
	for w := range strings.FieldsSeq(strings.ToLower(message)) {
		switch strings.Trim(w, ".,!?") {
		case "it", "its", "they", "them", "their", "that", "this", "these", "those", "more", "he", "she":
			return true
		}
	}
	return false
}

// askedKinds returns the words between "what" or "which" and the verb, which name the kind of the answer: a sentence that
// answers "In what country is …?" need not contain "country".
func askedKinds(message string) []string {
	words := strings.Fields(strings.ToLower(message))
	at := slices.IndexFunc(words, func(w string) bool { return w == "what" || w == "which" })
	if at < 0 {
		return nil
	}
	var kinds []string
	for _, w := range words[at+1:] {
		w = strings.Trim(w, ".,?!")
		if text.Auxiliaries().Has(w) || w == "of" || len(kinds) == maxKind {
			return kinds
		}
		kinds = append(kinds, w)
	}
	return nil
}

// maxKind is the maximum number of words that name the kind of an answer.
const maxKind = 2

// answerKind returns a test for sentences that have the kind of answer asked for; nil if all sentences pass.
func answerKind(message string) func(sentence string) bool {
	words := strings.Fields(strings.ToLower(message))
	kinds := askedKinds(message)
	hasDigit := func(s string) bool { return strings.ContainsAny(s, "0123456789") }
	switch {
	case asksForAmount(message):
		return func(s string) bool { return hasDigit(s) || english.HasNumber(s) }
	case slices.Contains(words, "when"), slices.ContainsFunc(kinds, func(k string) bool { return slices.Contains(timeWords, k) }):
		return hasDigit
	case slices.Contains(words, "who"), slices.Contains(words, "whom"), slices.Contains(words, "where"), len(kinds) > 0:
		return english.HasName
	default:
		return nil
	}
}

// timeWords are the kinds of answer that are dates or amounts.
var timeWords = []string{"year", "date", "century", "decade", "day", "month", "percentage", "percent", "time", "age", "number", "size"}

// namesUnknown reports whether a message contains a name that does not occur in the text.
func (src source) namesUnknown(message string) bool {
	words := strings.Fields(message)
	for _, w := range words[min(1, len(words)):] {
		w = strings.Trim(strings.TrimSuffix(strings.TrimSuffix(w, "'s"), "’s"), ".,;:!?\"'“”()")
		if src.English && english.IsName(w) && len(text.Words(w)) > 0 && len(src.Index.Mentions(w)) == 0 {
			return true
		}
	}
	return false
}

// definitionFor returns the definition of the term that the words ask for, or its parts if the message asks for those.
func (src source) definitionFor(message, words string) (best facts.Definition, ok bool) {
	bag := text.NewBag(message)
	isAsked := func(name string) bool { return text.Overlap(words, name) == 1 && bag.Overlap(name) == 1 }
	parts := strings.Contains(message, "consist") || strings.Contains(message, "made")
	for _, d := range src.DefsOf(src.Index.Mentions(words)...) {
		if !isAsked(d.Term) && !slices.ContainsFunc(strings.Split(d.Term, " and "), isAsked) { // "A and B are …" defines A too
			continue
		}
		if d.Form == english.Parts && parts {
			return d, true
		}
		if !ok || best.Form == english.Parts {
			best, ok = d, true
		}
	}
	return best, ok
}

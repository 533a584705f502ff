package engine

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"studysharper/app/offline/clean"
	"studysharper/app/offline/english"
	"studysharper/app/offline/facts"
	"studysharper/app/study"
	"studysharper/app/text"
)

// Replies that need no material.
const (
	greeted    = "Hello! Ask me something about your notes, or ask for flashcards, a quiz, an exam, a summary, an analysis or a study plan."
	welcomed   = "You're welcome. Ask me again whenever you like."
	noMaterial = "I have no material to answer from. Paste the text you are studying as content, or choose one of your notes, and ask again."
	noQuestion = "What would you like to know? Ask me about something in your material."
)

// nothingFound is the reply to a question that shares no word with any note.
const nothingFound = "I searched all of your notes for “%s”, in other forms of these words too, and found nothing. Ask in the words of your notes, choose one of them, or paste the text."

// maxSearched bounds the words of the question that nothingFound quotes, in bytes.
const maxSearched = 200

// maxQuestion is the part of a message that is read, in bytes.
const maxQuestion = 1000

// Thresholds of an answer: the share of a question's words, weighted by their rarity, that
// the best sentence must contain, and the share of that score that each further sentence
// must reach.
const (
	enough  = 0.6
	typed   = 0.55 // for a sentence that has the kind of answer asked for: a number, a name
	further = 0.7
)

// amounts are the lengths of an answer by study.Brief.Detail: sentences besides the best
// one, and main points of an overview.
var amounts = map[string]struct{ further, points int }{
	study.Short: {0, 2}, "": {2, 3}, study.Long: {5, 6},
}

// answerChat answers b.Message from o, the outline of b's material.
func answerChat(ctx context.Context, o facts.Outline, b study.Brief) (string, error) {
	if small := answerSmallTalk(b.Message); small != "" {
		return small, nil
	}
	if strings.TrimSpace(b.Material) == "" {
		if b.Searched != "" {
			return fmt.Sprintf(nothingFound, text.Clip(b.Searched, maxSearched)), nil
		}
		return noMaterial, nil
	}
	if refusal := clean.Refusal(b.Material); refusal != "" {
		return refusal, nil
	}
	src, err := newSource(ctx, o)
	if err != nil {
		return "", err
	}
	b.Message = text.Clip(b.Message, maxQuestion)
	words := questionWords(b.Message)
	switch {
	case wantsOverview(b.Message):
		return src.writeOverview(amounts[b.Detail].points), nil
	case strings.TrimSpace(b.Message) == "":
		return noQuestion, nil
	}
	return src.answerQuestion(ctx, b, words), nil
}

// answerQuestion answers b.Message, whose content words are given.
func (src source) answerQuestion(ctx context.Context, b study.Brief, words []string) string {
	if answer := src.answerFromFacts(ctx, b.Message, words); answer != "" {
		return answer
	}
	if before := previousQuestion(b.History, b.Message); before != "" && (len(words) < 2 || refersBack(b.Message)) {
		if answer := src.answerFromSentences(b.Message, append(questionWords(text.Clip(before, maxQuestion)), words...), amounts[b.Detail].further); answer != "" {
			return answer
		}
	}
	if answer := src.answerFromSection(words); answer != "" {
		return answer
	}
	if answer := src.answerFromSentences(b.Message, words, amounts[b.Detail].further); answer != "" && !src.lacksNumber(b.Message, answer) {
		return answer
	}
	return src.writeRefusal(b.Message, words)
}

// answerSmallTalk answers a greeting, thanks or a call for help; it returns "" for other messages.
func answerSmallTalk(message string) string {
	switch m := strings.ToLower(strings.Trim(message, " .,!?\n\t")); m {
	case "hi", "hello", "hey", "hello there", "hi there", "hey there", "good morning", "good afternoon", "good evening", "greetings", "hallo", "hola", "bonjour":
		return greeted
	case "thanks", "thank you", "thanks a lot", "thank you very much", "thx", "ok thanks", "great thanks", "cheers":
		return welcomed
	case "help", "what can you do", "who are you":
		return "I answer questions from your material, and make flashcards, quizzes, exams, summaries, analyses and study plans from it. I only say what the material says."
	default:
		return ""
	}
}

// maxSectionAnswer bounds an answer that is a whole section, in sentences.
const maxSectionAnswer = 8

// answerFromSection answers with a short section whose heading has all words of the question.
func (src source) answerFromSection(words []string) string {
	if len(words) < 2 {
		return ""
	}
	asked := make([]string, len(words))
	for i, w := range words {
		if asked[i] = w; otherNames[w] != "" {
			asked[i] = otherNames[w]
		}
	}
	all := strings.Join(asked, " ")
	for _, s := range src.Sections {
		if n := s.To - s.From; n == 0 || n > maxSectionAnswer || s.Heading == "" || text.Overlap(all, s.Heading) < 1 || text.Overlap(s.Heading, all) < 0.6 {
			continue
		}
		var out []string
		for _, line := range src.Plain[s.From:s.To] {
			out = append(out, "- "+english.Finished(line))
		}
		return src.citeSection(s.From) + "\n" + strings.Join(out, "\n")
	}
	return ""
}

// writeOverview lists the n main points.
func (src source) writeOverview(n int) string {
	points := src.chooseMainPoints(n)
	if len(points) == 0 {
		return "The material has no full sentences to summarise."
	}
	return fmt.Sprintf(src.Language.Points, src.Title()) + "\n" + src.formatPoints(points, study.BulletPoints)
}

// answerFromFacts answers a question that matches a fact or asks for a defined term; it
// returns "" for any other.
func (src source) answerFromFacts(ctx context.Context, message string, words []string) string {
	if len(words) == 0 || asksComparison(message) {
		return ""
	}
	if f, ok := src.AskedFact(ctx, message); ok {
		return src.citeSection(f.At) + f.Answer
	}
	d, ok := src.definitionFor(message, strings.Join(words, " "))
	switch {
	case !ok:
		return ""
	case d.Form == english.Clause:
		return src.citeSection(d.At) + english.Finished("the term “"+d.Term+"” refers to this: "+d.Meaning)
	default:
		return src.citeSection(d.At) + stateDefinition(d, d.Meaning)
	}
}

// citeSection names the section that an answer comes from.
func (src source) citeSection(at int) string {
	if h := src.Sections[src.Sentences[at].Section].Heading; h != "" {
		return fmt.Sprintf(src.Language.Under, h)
	}
	return src.Language.Says
}

// answerFromSentences answers with the sentence that covers the words best and up to more
// others; it returns "" if no sentence covers enough of them.
func (src source) answerFromSentences(message string, words []string, more int) string {
	score := src.scoreCoverage(words)
	best := src.bestAnswer(message, score)
	if best < 0 {
		return ""
	}
	chosen := []int{best}
	if english.StartsWithPronoun(src.Sentences[best].Text) && best > 0 && src.Sentences[best-1].Section == src.Sentences[best].Section {
		chosen = append(chosen, best-1) // the sentence that the best one refers to
	}
	order := make([]int, 0, len(score))
	for i := range score {
		if score[i] >= max(enough, further*score[best]) && !slices.Contains(chosen, i) && src.Sentences[i].Alone() {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(score[b], score[a]), cmp.Compare(src.Rank(b), src.Rank(a)))
	})
	chosen = append(chosen, order[:min(more, len(order))]...)
	slices.Sort(chosen)
	var out []string
	for _, i := range chosen {
		out = append(out, english.Finished(src.Sentences[i].Text))
	}
	return src.citeSection(best) + strings.Join(slices.Compact(out), " ")
}

// bestAnswer returns the sentence that covers the message best, or -1 if none covers enough of it. It prefers sentences with
// the kind of answer asked for.
func (src source) bestAnswer(message string, score []float64) int {
	if src.namesUnknown(message) {
		return -1
	}
	fits := answerKind(message)
	best, top := -1, 0.0
	for i, s := range score {
		least := enough
		if fits != nil && src.English && fits(src.Sentences[i].Text) {
			least, s = typed, s+0.1
		}
		if score[i] >= least && s > top {
			best, top = i, s
		}
	}
	return best
}

// nearby is the weight of a word that is in the previous sentence of the same paragraph.
const nearby = 0.4

// scoreCoverage returns, for each sentence, the share of the words that it contains. Words in the sentence before count in part, rare
// words weigh more, and questions score 0.
func (src source) scoreCoverage(words []string) []float64 {
	score := make([]float64, len(src.Sentences))
	total, seen := 0.0, make(map[string]bool)
	for _, w := range words {
		stem := text.Stem(w)
		if seen[stem] {
			continue
		}
		seen[stem] = true
		holders := src.Index.Holding(w)
		weight := math.Log(1 + float64(len(score)+1)/float64(len(holders)+1))
		total += weight
		for k, i := range holders {
			score[i] += weight
			if next := i + 1; next < len(score) && !src.Sentences[next].First && (k+1 == len(holders) || holders[k+1] != next) {
				score[next] += nearby * weight
			}
		}
	}
	for i, s := range src.Sentences {
		if total == 0 || strings.HasSuffix(s.Text, "?") {
			score[i] = 0
			continue
		}
		score[i] = score[i]/total + 0.02*src.Rank(i)
	}
	return score
}

// writeRefusal says that the material does not contain the answer, and names the topics of the material.
func (src source) writeRefusal(message string, words []string) string {
	if !src.English && src.Language.KnowsNouns() {
		return src.Language.Unknown
	}
	out := "I cannot find an answer to that in your material."
	var spoken []string
	for w := range strings.FieldsSeq(message) {
		w = strings.Trim(w, " .,;:!?\"'“”()")
		if slices.Contains(words, strings.ToLower(w)) && len(src.Index.Mentions(w)) > 0 && !slices.Contains(spoken, w) {
			spoken = append(spoken, w)
		}
	}
	if len(spoken) > 0 {
		out += " It does speak of " + quoteNames(spoken, 3) + ", but not in answer to this."
	}
	if c := src.keyConcepts(4); len(c) > 0 {
		out += " It is about " + quoteNames(c, 4) + "."
	}
	return out
}

package facts

import (
	"math"

	"studysharper/app/text"
)

// rank scores each sentence by TextRank with shared words as links, evened out for length: the
// probability that a random walk from sentences to their words and on to other sentences is at
// it. Scores are not negative; beyond the first 2000 sentences they are 0. Linear in the
// length of the text.
func rank(sentences []string) []float64 {
	scores := make([]float64, len(sentences))
	n := min(len(sentences), maxSentences)
	if n == 0 {
		return scores
	}
	links, holders := linkWords(sentences[:n])
	for i := range n {
		scores[i] = 1 / float64(n)
	}
	words := make([]float64, len(holders))
	for range 20 {
		walk(scores[:n], words, links, holders)
	}
	for i, l := range links {
		scores[i] /= math.Sqrt(float64(len(l) + 4))
	}
	return scores
}

// linkWords numbers the stems of the sentences. It returns the stems of each sentence and how
// many sentences contain each stem.
func linkWords(sentences []string) (links [][]int, holders []float64) {
	ids := make(map[string]int)
	links = make([][]int, len(sentences))
	for i, s := range sentences {
		seen := make(map[int]bool)
		for _, w := range text.Words(s) {
			stem := text.Stem(w)
			id, ok := ids[stem]
			if !ok {
				id = len(holders)
				ids[stem] = id
				holders = append(holders, 0)
			}
			if !seen[id] {
				seen[id] = true
				holders[id]++
				links[i] = append(links[i], id)
			}
		}
	}
	return links, holders
}

// walk takes one step of the random walk.
func walk(scores, words []float64, links [][]int, holders []float64) {
	const damping = 0.85
	clear(words)
	for i, l := range links {
		for _, w := range l {
			words[w] += scores[i] / float64(len(l))
		}
	}
	for i, l := range links {
		scores[i] = (1 - damping) / float64(len(scores))
		for _, w := range l {
			if holders[w] > 1 { // a word of one sentence leads nowhere
				scores[i] += damping * words[w] / holders[w]
			}
		}
	}
}

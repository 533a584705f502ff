package facts

import "math"

// rank scores each sentence by TextRank with shared words as links, adjusted for length: the
// probability that a random walk from sentences to their words and on to other sentences is at
// it. Scores are not negative; beyond the first 2000 sentences they are 0. The time is linear in the
// length of the text.
func rank(x Index) []float64 {
	scores := make([]float64, len(x.ordered))
	n := min(len(scores), maxSentences)
	if n == 0 {
		return scores
	}
	links, holders := x.ordered[:n], make([]float64, len(x.holders))
	for i, l := range links {
		scores[i] = 1 / float64(n)
		for _, id := range l {
			holders[id]++
		}
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

// walk takes one step of the random walk.
func walk(scores, words []float64, links [][]int, holders []float64) {
	const damping = 0.85
	clear(words)
	for i, l := range links {
		each := scores[i] / float64(len(l))
		for _, w := range l {
			words[w] += each
		}
	}
	for i, l := range links {
		scores[i] = (1 - damping) / float64(len(scores))
		for _, w := range l {
			if holders[w] > 1 { // a word of only one sentence links to no other
				scores[i] += damping * words[w] / holders[w]
			}
		}
	}
}

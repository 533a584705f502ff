package english

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"studysharper/app/offline/clean"
	"studysharper/app/offline/lexicon"
	"studysharper/app/text"
)

// A token is a word, possibly with hyphens, or one other character of a sentence.
type token struct {
	s, low     string
	start, end int // bytes in the sentence
	word       bool

	tag   tag
	lemma string // of a verb, whatever its tag
	form  lexicon.Form
}

// is reports whether the token has one of the tags.
func (t token) is(tags ...tag) bool { return slices.Contains(tags, t.tag) }

// says reports whether the token is one of the words, which are in lower case.
func (t token) says(words ...string) bool { return slices.Contains(words, t.low) }

// maxTokens bounds the length of sentences that are analysed; a longer one is a list or not a
// sentence.
const maxTokens = 90

// A tokenized is a sentence with its tokens, which must not be changed.
type tokenized struct {
	sentence string
	tokens   []token
}

// recent caches the tokens of recently read sentences, by a hash of their text: several analyses need
// the same sentence, and many chats read the same passages. 256 sentences usually need 0.5 MB, and 2 MB if each has
// 400 bytes and 90 tokens.
var (
	recent     [256]atomic.Pointer[tokenized]
	recentSeed = maphash.MakeSeed()
)

const maxRecent = 400

// tokenBytes is the average length of a token, with its space.
const tokenBytes = 5

// tokens splits s into tokens, which the caller must not change. It returns nil if there are more than maxTokens.
func tokens(s string) []token {
	if len(s) > maxRecent {
		return tokenize(s)
	}
	slot := &recent[maphash.String(recentSeed, s)%uint64(len(recent))]
	if t := slot.Load(); t != nil && t.sentence == s {
		return t.tokens
	}
	t := &tokenized{sentence: strings.Clone(s)} // s may be a part of a large text
	t.tokens = tokenize(t.sentence)
	slot.Store(t)
	return t.tokens
}

func tokenize(s string) []token {
	out := make([]token, 0, min(maxTokens, len(s)/tokenBytes+2))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		end := i + size
		word := text.IsWordRune(r)
		if clean.IsFormula(r) {
			word = true
		} else if word {
			end = hyphenatedEnd(s, i)
		}
		if !unicode.IsSpace(r) {
			if len(out) == maxTokens {
				return nil
			}
			out = append(out, token{s: s[i:end], low: strings.ToLower(s[i:end]), start: i, end: end, word: word})
		}
		i = end
	}
	tagTokens(out)
	return out
}

// hyphenatedEnd is text.WordEnd for words with hyphens.
func hyphenatedEnd(s string, i int) int {
	_, size := utf8.DecodeRuneInString(s[i:])
	end := max(text.WordEnd(s, i), i+size)
	for end+1 < len(s) && s[end] == '-' {
		r, size := utf8.DecodeRuneInString(s[end+1:])
		if !text.IsWordRune(r) {
			break
		}
		end = max(text.WordEnd(s, end+1), end+1+size)
	}
	return end
}

// span returns the text of toks[i:j] in s.
func span(s string, toks []token, i, j int) string {
	if i >= j {
		return ""
	}
	return s[toks[i].start:toks[j-1].end]
}

package english

import (
	_ "embed" // words.txt

	"studysharper/app/text"
)

//go:embed words.txt
var words string

var lists = text.WordLists(words)

// The word lists for the analysis of sentences.
var (
	stopWords        = text.StopWords()
	auxiliaries      = text.Auxiliaries()
	determiners      = lists("determiner")
	prepositions     = lists("preposition")
	relatives        = lists("relative")
	subordinates     = lists("subordinate")
	anaphora         = lists("anaphora")
	comparatives     = lists("comparative")
	vague            = lists("vague")
	persons          = lists("person")
	irregularPlurals = lists("plural")
	connectives      = lists("connective")
	joining          = lists("joining")
	openings         = lists("opening")
	credits          = lists("credit")
	months           = lists("month")
	articles         = lists("article")
	asides           = lists("aside")
	namingAdverbs    = lists("naming-adverb")
	possessives      = lists("possessive")
	personal         = lists("personal")
	carriers         = lists("carrier")
	pointers         = lists("pointer")
	pointing         = lists("pointing")
	outside          = lists("outside")
	deictic          = lists("deictic")
	unique           = lists("unique")
	ordinals         = lists("ordinal")
	organisations    = lists("organisation")
	turns            = lists("turn")
	generic          = lists("generic")
	vagueVerbs       = lists("vague-verb")
	quantifiers      = lists("quantifier")
)

package engine

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"studysharper/app/study"
	"studysharper/app/testkit"
	"studysharper/app/text"
)

// cues are the words at which the engine splits sentences, and words that occur around them.
var cues = strings.Split("called|called|termed|known as|known as|defined as|referred to as|refer to|refers to|which is|which are|that is|also|often called|"+
	"is|are|was|were|be|has|have|had|can|must|is called|are termed|was known as|is defined as|is referred to as|consists of|is made up of|are composed of|made of|"+
	"a|an|the|the|any|one of|of|of|between|in|by|for|from|to|with|as|such as|for example|because|due to|by heating|when|When|If|Once|After|In 1789|On 14 July 1789|During 1914|"+
	"Because|By heating|Therefore|However|For this reason|Each|each type|explaining why|it|its|they|their|this|these|those|he|who|which|that|there|not|and|or|but|only|just|"+
	",|,|,|;|:|:|.|.|.|?|!|—|–|-|=|(|)|[|]|“|”|\"|'|’|…|`|**|#|\n|\n\n|\n- |\n# |\n1. |\t|\r\n|"+
	"mitochondrion|cell|cells|powerhouse|Water|energy|light|waves|function|absorb|absorbs|makes|made|found|breaks|broke|king|Paris|ATP|NADPH|Dr|e.g|U.S|photosynthesis|bacteria|"+
	"longer|before|always|1789|3.14|x|é|光合|作用|кровь|🎉|\x00|\xff|\u00a0|İ|ß|K", "|")

// cueText returns the n-th text made of up to 60 cues.
func cueText(n uint64) string {
	r := rand.New(rand.NewPCG(14, n))
	var b strings.Builder
	for range 1 + r.IntN(60) {
		b.WriteString(cues[r.IntN(len(cues))])
		if r.IntN(8) > 0 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// failOnPanics fails the test at a panic that would otherwise only omit a sentence.
func failOnPanics(t *testing.T, material, message string) {
	t.Helper()
	text.ObservePanics(func(p text.Panic) { t.Fatalf("%s in %s\nmaterial %q\nmessage %q", p.Type, p.Place, material, message) })
}

// answerType requests an aid of a type, with a brief that has every part.
func answerType(t *testing.T, typ study.Type, material, message string) {
	t.Helper()
	failOnPanics(t, material, message)
	defer text.ObservePanics(nil)
	checkAnswer(t, study.Brief{
		Type: typ, Material: material, Message: message, Detail: study.Long,
		History: []study.Turn{{Role: study.RoleUser, Text: "What is called a cell?"}},
		Options: study.Options{Count: 20, QuestionCount: 20, Sections: 4, Length: study.Long, Style: study.Outline, Topic: "cells", Difficulty: study.Hard},
	})
}

// checkAnswer checks that the answer to a brief, if there is one, is valid for its type.
func checkAnswer(t *testing.T, b study.Brief) {
	t.Helper()
	a, err := New().Generate(context.Background(), study.Prompt{Brief: b}, nil)
	if err != nil && study.AsError(err).Code == study.CodeInvalid {
		return
	}
	if err != nil || !utf8.ValidString(a.Text) || a.Text == "" {
		t.Fatalf("%s of %q: %q, %v", b.Type, b.Material, a.Text, err)
	}
	if b.Type == study.Chat {
		return
	}
	aid := study.NewAid(b.Type)
	if err := json.Unmarshal([]byte(a.Text), aid); err != nil {
		t.Fatalf("%s of %q: %v", b.Type, b.Material, err)
	}
	b.Options.Sections, b.Options.DurationMinutes = max(0, b.Options.Sections), max(0, b.Options.DurationMinutes)
	if faults := aid.Check(b.Options); len(faults) > 0 {
		t.Fatalf("%s of %q: %q\n%s", b.Type, b.Material, faults, a.Text)
	}
}

// TestTextsOfCueWordsAreReadWithoutAPanic answers from 4,000 texts (200,000 with FULL=1), each type in turn.
func TestTextsOfCueWordsAreReadWithoutAPanic(t *testing.T) {
	types := study.Types()
	for i := range uint64(testkit.Size(4_000, 200_000)) { //nolint:gosec // not below zero
		answerType(t, types[i%uint64(len(types))], cueText(i), cueText(i/2))
	}
}

// TestSentencesThatPanickedAreRead requests every type of aid from sentences that once caused a panic.
func TestSentencesThatPanickedAreRead(t *testing.T) {
	for _, s := range []string{
		"Known as the powerhouse of the cell, the mitochondrion makes ATP.",
		"Called the father of geometry, Euclid wrote the Elements.",
		"Termed bleaching.",
		"Defined as the rate of change, velocity has a direction.",
		"Referred to as the powerhouse of the cell, the mitochondrion makes ATP.",
		"However, known as the Terror, the year ended.",
		"The nucleus is a part of the cell. Cells divide " + strings.Repeat("` ", 40) + "daily.",
		"The nucleus is a part of the cell. Cells divide " + strings.Repeat("** ", 40) + "daily.",
	} {
		for _, typ := range study.Types() {
			answerType(t, typ, s, s)
			answerType(t, typ, "The cell is the unit of life. "+s+" It is small.", "What is a cell?")
		}
	}
}

// FuzzGenerate requests answers of every type.
func FuzzGenerate(f *testing.F) {
	f.Add(materials(f)["history"], "Who was Robespierre?", 12, "short", "hard")
	f.Add("A is a B. Because C, D. When x, y. By doing z, w can v.", "Why D?", 3, "long", "adaptive")
	f.Add("光合作用是过程。\xff T: m\n- 1789: x\n", "什么", 50, "", "")
	for i, material := range fuzzSeeds {
		f.Add(material, "What is called a cell, and why?", i, "long", "hard")
	}
	f.Fuzz(func(t *testing.T, material, message string, n int, length, difficulty string) {
		failOnPanics(t, material, message)
		defer text.ObservePanics(nil)
		o := study.Options{Count: n, QuestionCount: n, Sections: n % 11, DurationMinutes: n % 500, Length: length, Difficulty: difficulty, Topic: message}
		for _, typ := range study.Types() {
			checkAnswer(t, study.Brief{Type: typ, Material: material, Message: message, Options: o})
		}
	})
}

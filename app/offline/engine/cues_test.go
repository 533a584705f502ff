package engine

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"studysharper/app/study"
	"studysharper/app/text"
)

// cues are what sentences are taken apart by, and what stands around them.
var cues = strings.Split("called|called|termed|known as|known as|defined as|referred to as|refer to|refers to|which is|which are|that is|also|often called|"+
	"is|are|was|were|be|has|have|had|can|must|is called|are termed|was known as|is defined as|is referred to as|consists of|is made up of|are composed of|made of|"+
	"a|an|the|the|any|one of|of|of|between|in|by|for|from|to|with|as|such as|for example|because|due to|by heating|when|When|If|Once|After|In 1789|On 14 July 1789|During 1914|"+
	"Because|By heating|Therefore|However|For this reason|Each|each type|explaining why|it|its|they|their|this|these|those|he|who|which|that|there|not|and|or|but|only|just|"+
	",|,|,|;|:|:|.|.|.|?|!|—|–|-|=|(|)|[|]|“|”|\"|'|’|…|`|**|#|\n|\n\n|\n- |\n# |\n1. |\t|\r\n|"+
	"mitochondrion|cell|cells|powerhouse|Water|energy|light|waves|function|absorb|absorbs|makes|made|found|breaks|broke|king|Paris|ATP|NADPH|Dr|e.g|U.S|photosynthesis|bacteria|"+
	"longer|before|always|1789|3.14|x|é|光合|作用|кровь|🎉|\x00|\xff|\u00a0|İ|ß|K", "|")

// cueText is text number n of the cues: up to 60 of them.
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

// answerType asks for a type, in a brief that has every part. No answer may be made
// by leaving a sentence out that the engine panics on.
func answerType(t *testing.T, typ study.Type, material, message string) {
	t.Helper()
	defer text.ObservePanics(nil)
	text.ObservePanics(func(p text.Panic) {
		t.Fatalf("%s: %s in %s\nmaterial %q\nmessage %q", typ, p.Type, p.Place, material, message)
	})
	b := study.Brief{
		Type: typ, Material: material, Message: message, Detail: study.Long,
		History: []study.Turn{{Role: study.RoleUser, Text: "What is called a cell?"}},
		Options: study.Options{Count: 20, QuestionCount: 20, Sections: 4, Length: study.Long, Style: study.Outline, Topic: "cells", Difficulty: study.Hard},
	}
	a, err := New().Generate(context.Background(), study.Prompt{Brief: b}, nil)
	if err != nil && study.AsError(err).Code != study.CodeInvalid {
		t.Fatalf("%s of %q: %v", typ, material, err)
	}
	if err != nil || typ == study.Chat {
		return
	}
	aid := study.NewAid(typ)
	if err := json.Unmarshal([]byte(a.Text), aid); err != nil {
		t.Fatalf("%s of %q: %v", typ, material, err)
	}
	if faults := aid.Check(b.Options); len(faults) > 0 {
		t.Fatalf("%s of %q: %q", typ, material, faults)
	}
}

// TestTextsOfCueWordsAreReadWithoutAPanic makes answers of 20,000 texts, or of 200,000
// with FULL=1, of every type in turn.
func TestTextsOfCueWordsAreReadWithoutAPanic(t *testing.T) {
	types := study.Types()
	n := uint64(20_000)
	if os.Getenv("FULL") != "" {
		n = 200_000
	}
	for i := range n {
		answerType(t, types[i%uint64(len(types))], cueText(i), cueText(i/2))
	}
}

// TestSentencesThatPanickedAreRead asks for every type of sentences that panicked once.
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

// FuzzAnswers makes an answer of a type, by its place among them.
func FuzzAnswers(f *testing.F) {
	for i, material := range fuzzSeeds {
		f.Add(uint8(i), material, "What is called a cell, and why?")
	}
	types := study.Types()
	f.Fuzz(func(t *testing.T, typ uint8, material, message string) {
		if len(material) > 8<<10 || len(message) > 1<<10 { // larger ones only find the same more slowly
			t.Skip()
		}
		answerType(t, types[int(typ)%len(types)], material, message)
	})
}

package facts

import (
	"context"
	"fmt"
	"os"
	"studysharper/app/offline/english"
	"testing"
)

func TestTry(t *testing.T) {
	b, _ := os.ReadFile(os.Getenv("F"))
	src, _ := Read(context.Background(), NewOutline(string(b)))
	for _, d := range src.Defs {
		s := src.Sentences[d.At]
		fmt.Printf("DEF %q alone=%v self=%v key=%v np=%v clear=%v thin=%v loose=%v | %s\n", d.Term+" = "+d.Meaning, s.Alone, english.IsSelfContained(s.Plain), src.isKey(d.Term), english.IsNounPhrase(d.Term), src.isClear(d.Named()), english.IsThin(d.Meaning), english.HasLooseVerb(d.Meaning), s.Text)
	}
	fmt.Println("LANG", src.Language.Name)
	n := 0
	for _, s := range src.Sentences {
		if os.Getenv("V") != "" {
			fmt.Println(s.Alone, english.IsSelfContained(s.Plain), s.Plain)
		}
		if s.Sound {
			n++
		}
	}
	fmt.Println(n, "sound of", len(src.Sentences))
}

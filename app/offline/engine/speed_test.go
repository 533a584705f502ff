package engine

import (
	"strings"
	"testing"

	"studysharper/app/study"
)

func BenchmarkOneMegabyte(b *testing.B) {
	m := strings.Repeat(materials(b)["history"], 1<<20/len(materials(b)["history"]))
	for _, typ := range study.Types() {
		b.Run(string(typ), func(b *testing.B) {
			for b.Loop() {
				generate(b, study.Brief{Type: typ, Material: m, Message: "What is the Terror?"})
			}
		})
	}
}

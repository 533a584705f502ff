package scenario

import (
	"fmt"
	"math/rand/v2"
	"sync"

	"studysharper/app/study"
)

func health(o *Options) Scenario {
	request := o.get("/health")
	return asking(o, func(int64) call { return call{request: request} })
}

// chat is the load of the original test: "Test message 1" and so on.
func chat(o *Options) Scenario {
	return asking(o, func(n int64) call {
		return o.study(o.Type, fmt.Sprintf("Test message %d", n), o.text(o.Notes, n), "")
	})
}

func flashcards(o *Options) Scenario {
	notes := o.Notes.orBuiltIn()
	return asking(o, func(n int64) call {
		return o.study(study.Flashcards, fmt.Sprintf("Flashcards, please (%d)", n), o.text(notes, n), "")
	})
}

// mix is the sequence of requests that mixed makes.
var mix = [20]study.Type{study.Chat, study.Flashcards, study.Chat, study.Quiz, study.Chat, "", study.Chat, study.Summary, study.Chat, study.Flashcards,
	study.Chat, study.Flashcards, study.Chat, study.Quiz, study.Chat, "", study.Chat, study.Summary, study.Chat, study.Flashcards}

func mixed(o *Options) Scenario {
	notes := o.Notes.orBuiltIn()
	look := call{request: o.get("/health"), series: "health"}
	return asking(o, func(n int64) call {
		kind := mix[n%int64(len(mix))]
		if kind == "" {
			return look
		}
		return o.study(kind, fmt.Sprintf("Test message %d", n), o.text(notes, n), string(kind))
	})
}

// cached makes the same few requests again and again.
func cached(o *Options) Scenario {
	notes := o.Notes.orBuiltIn()
	keys := o.zipf()
	return asking(o, func(int64) call {
		k := int64(keys()) //nolint:gosec // below Options.Keys
		c := o.study(study.Flashcards, fmt.Sprintf("Flashcards of set %d", k), fmt.Sprintf("Set %d.\n\n%s", k, o.text(notes, k)), "")
		c.cached = true
		return c
	})
}

// zipf returns a function that draws numbers below o.Keys, 0 most often. The sequence is the same in every run; with
// several clients, which one gets which number varies.
func (o *Options) zipf() func() uint64 {
	z := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), o.Skew, 1, uint64(o.Keys-1)) //nolint:gosec // load, not secrets
	var mu sync.Mutex
	return func() uint64 {
		mu.Lock()
		defer mu.Unlock()
		return z.Uint64()
	}
}

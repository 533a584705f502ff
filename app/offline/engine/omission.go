package engine

import (
	"studysharper/app/offline/facts"
	"studysharper/app/study"
	"studysharper/app/text"
)

// An attempt answers a brief from an outline of its material.
type attempt func(facts.Outline) (string, error)

// answer makes the attempt. If it panics, it omits the sentences that cause the panic and answers
// from the rest of the text.
func (a attempt) answer(o facts.Outline) (string, error) {
	answer, ok, err := a.try(o)
	if ok {
		return answer, err
	}
	a.omitPanicking(o)
	if answer, ok, err = a.try(o); !ok {
		return "", study.Errorf(study.CodeInternal, "something went wrong on our side")
	}
	return answer, err
}

// try makes the attempt. It returns ok = false if the attempt panicked.
func (a attempt) try(o facts.Outline) (answer string, ok bool, err error) {
	ok = text.Guard(func() { answer, err = a(o) })
	return answer, ok, err
}

// omitPanicking omits the sentences of o that make the attempt panic. It bisects o down to
// single sentences, so the search costs a few dozen answers, regardless of the number of sentences.
// If two halves panic only in combination, the second one is omitted.
func (a attempt) omitPanicking(o facts.Outline) {
	if _, ok, _ := a.try(o); ok {
		return
	}
	if o.Len() < 2 {
		o.Omit()
		return
	}
	first, second := o.Part(0, o.Len()/2), o.Part(o.Len()/2, o.Len())
	a.omitPanicking(first)
	a.omitPanicking(second)
	if _, ok, _ := a.try(o); !ok {
		second.Omit()
	}
}

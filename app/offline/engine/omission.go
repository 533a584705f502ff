package engine

import (
	"studysharper/app/offline/facts"
	"studysharper/app/study"
	"studysharper/app/text"
)

// An attempt answers a brief out of an outline of its material.
type attempt func(facts.Outline) (string, error)

// answer makes the attempt. Sentences at which it panics are left out: whatever a
// student's text does to the engine, the rest of the text is answered from.
func (a attempt) answer(o facts.Outline) (string, error) {
	answer, err, ok := a.guarded(o)
	if ok {
		return answer, err
	}
	a.omitPanicking(o)
	if answer, err, ok = a.guarded(o); !ok {
		return "", study.Errorf(study.CodeInternal, "something went wrong on our side")
	}
	return answer, err
}

// guarded makes the attempt; not ok says that it panicked.
func (a attempt) guarded(o facts.Outline) (answer string, err error, ok bool) {
	ok = text.Guard(func() { answer, err = a(o) })
	return answer, err, ok
}

// omitPanicking leaves those sentences of o out at which the attempt panics. It halves o
// until they stand alone, so that finding them takes a few dozen times as long as one
// answer, however many there are. Halves that panic only together lose the second one.
func (a attempt) omitPanicking(o facts.Outline) {
	if _, _, ok := a.guarded(o); ok {
		return
	}
	if o.Len() < 2 {
		o.Omit()
		return
	}
	first, second := o.Part(0, o.Len()/2), o.Part(o.Len()/2, o.Len())
	a.omitPanicking(first)
	a.omitPanicking(second)
	if _, _, ok := a.guarded(o); !ok {
		second.Omit()
	}
}

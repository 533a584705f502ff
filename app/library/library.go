// Package library edits saved study aids. The one idea: an aid of any type is a few lists of items with ids, and every
// edit is an edit of a list.
package library

import (
	"encoding/json"
	"strconv"

	"github.com/google/uuid"

	"studysharper/app/study"
)

// Item is an item of an aid. Value points to a study.Flashcard, Question, MainPoint, KeyTerm or
// PlanSession within the aid.
type Item struct {
	ID    string
	Value any
}

// Read decodes a saved aid. Items without an id get their position in the aid as the id, from 1; numbered reports
// whether there were any.
func Read(t study.Type, data []byte) (a study.Aid, numbered bool, err error) {
	if a = study.NewAid(t); a == nil {
		return nil, false, study.Errorf(study.CodeInternal, "the aid is of an unknown type")
	}
	if err := json.Unmarshal(data, a); err != nil {
		return nil, false, study.Wrap(err, study.CodeInternal, "the aid cannot be read")
	}
	return a, number(a), nil
}

// number gives each item without an id its position as the id, or a new UUID if that id is taken.
func number(a study.Aid) (numbered bool) {
	taken := make(map[string]bool)
	for _, v := range values(a) {
		taken[*idOf(v)] = true
	}
	for i, v := range values(a) {
		id := idOf(v)
		if *id != "" {
			continue
		}
		if *id = strconv.Itoa(i + 1); taken[*id] {
			*id = uuid.NewString()
		}
		taken[*id], numbered = true, true
	}
	return numbered
}

// Items returns the items of an aid in their order. An aid without lists of items, such as an analysis, has none.
func Items(a study.Aid) []Item {
	all := values(a)
	items := make([]Item, len(all))
	for i, v := range all {
		items[i] = Item{*idOf(v), v}
	}
	return items
}

// values returns pointers to the items of an aid.
func values(a study.Aid) (all []any) {
	for _, l := range listsOf(a) {
		all = append(all, l.values()...)
	}
	return all
}

// Find returns the item with the id.
func Find(a study.Aid, id string) (Item, error) {
	for _, it := range Items(a) {
		if it.ID == id {
			return it, nil
		}
	}
	return Item{}, study.Errorf(study.CodeNotFound, "there is no such item")
}

// Keep removes the items for whose id keep returns false.
func Keep(a study.Aid, keep func(id string) bool) {
	for _, l := range listsOf(a) {
		l.keep(keep)
	}
	settle(a)
}

func idOf(value any) *string {
	switch v := value.(type) {
	case *study.Flashcard:
		return &v.ID
	case *study.Question:
		return &v.ID
	case *study.MainPoint:
		return &v.ID
	case *study.KeyTerm:
		return &v.ID
	case *study.PlanSession:
		return &v.ID
	default:
		panic("library: not an item")
	}
}

// list is a list of items in an aid.
type list interface {
	values() []any
	keep(func(id string) bool)
	add(value any) (added any)
}

// slice is a list of items of any type.
type slice[T any] struct{ items *[]T }

func (s slice[T]) values() []any {
	all := make([]any, len(*s.items))
	for i := range *s.items {
		all[i] = &(*s.items)[i]
	}
	return all
}

func (s slice[T]) keep(keep func(id string) bool) {
	kept := (*s.items)[:0]
	for i := range *s.items {
		if keep(*idOf(&(*s.items)[i])) {
			kept = append(kept, (*s.items)[i])
		}
	}
	*s.items = kept
}

func (s slice[T]) add(value any) any {
	*s.items = append(*s.items, *value.(*T))
	return &(*s.items)[len(*s.items)-1]
}

// listsOf returns the lists of an aid, in the order in which they are shown.
func listsOf(a study.Aid) []list {
	switch s := a.(type) {
	case *study.FlashcardSet:
		return []list{slice[study.Flashcard]{&s.Flashcards}}
	case *study.QuizSet:
		return []list{slice[study.Question]{&s.Quiz.Questions}}
	case *study.ExamSet:
		var lists []list
		for i := range s.Exam.Sections {
			lists = append(lists, slice[study.Question]{&s.Exam.Sections[i].Questions})
		}
		return lists
	case *study.SummarySet:
		return []list{slice[study.MainPoint]{&s.Summary.MainPoints}, slice[study.KeyTerm]{&s.Summary.KeyTerms}}
	case *study.PlanSet:
		return []list{slice[study.PlanSession]{&s.Plan.Sessions}}
	default:
		return nil
	}
}

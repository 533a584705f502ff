package study

import "fmt"

// Item is a finished part of an aid, sent before the aid is complete: the fields of an event of KindItem.
type Item struct {
	Kind string `json:"kind"` // card | question | point | session
	Item any    `json:"item"` // Flashcard, Question, MainPoint or PlanSession; an exam's points are final only in the aid
}

// The kinds of Item.
const (
	ItemCard     = "card"
	ItemQuestion = "question"
	ItemPoint    = "point"
	ItemSession  = "session"
)

// Key is equal for items whose texts differ only in case and spacing; "" if there is no item.
func (i Item) Key() string {
	switch v := i.Item.(type) {
	case Flashcard:
		return foldText(v.Question)
	case Question:
		return foldText(v.Question)
	case MainPoint:
		return foldText(v.Point)
	case PlanSession:
		return foldText(fmt.Sprintf("%d %s", v.Day, v.Topic))
	default:
		return ""
	}
}

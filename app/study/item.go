package study

// Item is a finished part of an aid, sent before the aid is complete: the fields of an event
// of KindItem.
type Item struct {
	Kind string `json:"kind"` // card | question | point | session
	Item any    `json:"item"` // Flashcard, Question, MainPoint or PlanSession; an exam's points are final in the aid only
}

// The kinds of Item.
const (
	ItemCard     = "card"
	ItemQuestion = "question"
	ItemPoint    = "point"
	ItemSession  = "session"
)

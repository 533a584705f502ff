package study

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Source is where in the material an item comes from. Start and End are in Unicode code points
// of the text given: a note's content, options.content, or the message.
type Source struct {
	NoteID  string `json:"note_id,omitempty"` // "" = the student's own text
	Title   string `json:"title,omitempty"`   // of the note
	Section string `json:"section,omitempty"` // the heading above the quote
	Page    int    `json:"page,omitempty"`    // from 1; 0 = not known
	Quote   string `json:"quote"`             // the text from Start to End, as it stands there
	Start   int    `json:"start"`
	End     int    `json:"end"`
}

// Document is a text, or a piece of one, that an aid is made from.
type Document struct {
	NoteID string // "" = the student's own text
	Title  string // of the note
	Text   string

	Start   int    // of Text in the whole text, in code points; the rest says what is in force there
	Section string // "" = none
	Page    int    // 0 = not known
}

// Origin is what every flashcard, question, main point and key term has besides its content.
type Origin struct {
	ID         string  `json:"id,omitempty"`     // unique within the aid
	Source     *Source `json:"source,omitempty"` // in an answer that was not checked yet, the quote alone
	Unverified bool    `json:"unverified,omitempty"`
}

// originIDBytes is the length of an id; it is written in twice as many characters.
const originIDBytes = 6

// Identify gives an id to each item that has none. Items with the same content get the same id
// in every aid, so that an item event and the finished aid agree.
func Identify(a Aid) {
	taken := make(map[string]bool)
	EachOrigin(a, func(o *Origin, _ string) { taken[o.ID] = true })
	EachOrigin(a, func(o *Origin, key string) {
		for n := 0; o.ID == ""; n++ {
			sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d", foldText(key), n))
			if id := hex.EncodeToString(sum[:originIDBytes]); !taken[id] {
				o.ID, taken[id] = id, true
			}
		}
	})
}

// EachOrigin calls f with the origin of each item of an aid, in their order, and with the words that the item is about.
func EachOrigin(a Aid, f func(o *Origin, key string)) {
	questions := func(list []Question) {
		for i := range list {
			f(&list[i].Origin, list[i].Question)
		}
	}
	switch s := a.(type) {
	case *FlashcardSet:
		for i := range s.Flashcards {
			f(&s.Flashcards[i].Origin, s.Flashcards[i].Question)
		}
	case *QuizSet:
		questions(s.Quiz.Questions)
	case *ExamSet:
		for _, sec := range s.Exam.Sections {
			questions(sec.Questions)
		}
	case *SummarySet:
		for i := range s.Summary.MainPoints {
			f(&s.Summary.MainPoints[i].Origin, s.Summary.MainPoints[i].Point)
		}
		for i := range s.Summary.KeyTerms {
			f(&s.Summary.KeyTerms[i].Origin, "term "+s.Summary.KeyTerms[i].Term)
		}
	}
}

package study

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Source is the place in the material that an item comes from. Start and End are in Unicode code points of the given
// text: a note's content, options.content, or the message.
type Source struct {
	NoteID  string `json:"note_id,omitempty"` // "" = the student's own text
	Title   string `json:"title,omitempty"`   // of the note
	Section string `json:"section,omitempty"` // the heading above the quote
	Page    int    `json:"page,omitempty"`    // from 1; 0 = unknown
	Quote   string `json:"quote"`             // the exact text from Start to End
	Start   int    `json:"start"`
	End     int    `json:"end"`
}

// Document is a text, or a part of one, that an aid is made from.
type Document struct {
	NoteID string // "" = the student's own text
	Title  string // of the note
	Text   string

	Start   int    // of Text in the whole text, in code points; Section and Page are those at Start
	Section string // "" = none
	Page    int    // 0 = unknown
}

// Origin is the part that flashcards, questions, main points and key terms have in common.
type Origin struct {
	ID         string  `json:"id,omitempty"`     // unique within the aid
	Source     *Source `json:"source,omitempty"` // before the check, only the quote is set
	Unverified bool    `json:"unverified,omitempty"`
}

// originIDBytes is the length of an id in bytes; its text is twice as long.
const originIDBytes = 6

// Identify gives each item without an id one. Items with the same content get the same id in every aid, so that an item
// event and the finished aid agree.
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

// EachOrigin calls f with the origin of each item of an aid, in order, and with the item's main text.
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

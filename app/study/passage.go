package study

// Passage is a piece of a note, with its place.
type Passage struct {
	NoteID  string
	Title   string // of the note
	Section string // the heading above its beginning; "" = none
	Page    int    // from 1; 0 = unknown
	Start   int    // of Text in the note's content, in Unicode code points
	End     int
	Of      int // code points of the note's content
	Text    string
}

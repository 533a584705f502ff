package study

import "time"

// Account is a user of AUTH_MODE=account.
type Account struct {
	UserID    string
	CodeHash  []byte // of its study code
	CreatedAt time.Time
	CodeAt    time.Time // when the code was made
}

// Device is a browser in which an account is open.
type Device struct {
	ID        string // a UUID
	UserID    string
	Name      string // what the browser calls itself
	CreatedAt time.Time
	SeenAt    time.Time // to the day
}

// Holding is what is kept of a user.
type Holding struct {
	Items      int64 `json:"items"`       // notes, study aids and conversations
	NoteBytes  int64 `json:"note_bytes"`  // of notes
	OtherBytes int64 `json:"other_bytes"` // of study aids, conversations and runs
}

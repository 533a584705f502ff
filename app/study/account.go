package study

import "time"

// Account is a user of AUTH_MODE=account.
type Account struct {
	UserID    string
	CodeHash  []byte // of the account's study code
	CreatedAt time.Time
	CodeAt    time.Time // when the code was made
}

// Device is a browser that is signed in to an account.
type Device struct {
	ID        string // a UUID
	UserID    string
	Name      string // as the browser names itself
	CreatedAt time.Time
	SeenAt    time.Time // accurate to a day
}

// Holding is the amount of data stored for a user.
type Holding struct {
	Items      int64 `json:"items"`       // notes, study aids and conversations
	NoteBytes  int64 `json:"note_bytes"`  // of notes
	OtherBytes int64 `json:"other_bytes"` // of study aids, conversations and runs
}

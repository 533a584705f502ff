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

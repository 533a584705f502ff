package study

import "time"

// Preferences are a student's standing wishes. They fill what a request leaves open;
// an option that is given wins. "" is not a preference.
type Preferences struct {
	UserID     string    `json:"user_id"`
	Difficulty string    `json:"difficulty"`          // Easy | Medium | Hard | Adaptive
	Detail     string    `json:"detail"`              // Short | Medium | Long: how much is said
	UpdatedAt  time.Time `json:"updated_at,omitzero"` // zero: none are kept
}

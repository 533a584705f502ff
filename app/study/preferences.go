package study

import "time"

// Preferences are a student's default wishes. They apply to options that a request does not set. "" = no preference.
type Preferences struct {
	UserID     string    `json:"user_id"`
	Difficulty string    `json:"difficulty"`          // Easy | Medium | Hard | Adaptive
	Detail     string    `json:"detail"`              // Short | Medium | Long: level of detail
	UpdatedAt  time.Time `json:"updated_at,omitzero"` // zero: none are stored
}

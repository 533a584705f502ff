package study

import (
	"testing"
	"time"
)

func TestWaitsAreToldInWordsRoundedUp(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Millisecond: "1 s", 3 * time.Second: "3 s", 3001 * time.Millisecond: "4 s", 2 * time.Minute: "120 s", 121 * time.Second: "3 min",
		2 * time.Hour: "120 min", 2*time.Hour + time.Second: "3 h", 24 * time.Hour: "24 h",
	} {
		if got := Wait(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

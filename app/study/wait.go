package study

import (
	"strconv"
	"time"
)

// Wait formats a delay in words, rounded up: "3 s", "5 min", "2 h".
func Wait(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
		most   int64
	}{{time.Second, " s", 120}, {time.Minute, " min", 120}} {
		if n := int64((d + unit.length - 1) / unit.length); n <= unit.most {
			return strconv.FormatInt(n, 10) + unit.name
		}
	}
	return strconv.FormatInt(int64((d+time.Hour-1)/time.Hour), 10) + " h"
}

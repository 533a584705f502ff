package review

import (
	"math/rand/v2"
	"testing"
	"time"

	fsrs "github.com/open-spaced-repetition/go-fsrs/v3"

	"studysharper/app/study"
)

// TestSchedulesAreThoseOfGoFSRS runs 10,000 random histories through Next, with times truncated to the stored
// microseconds at each step, and through go-fsrs alone.
func TestSchedulesAreThoseOfGoFSRS(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		s := study.ReviewSettings{DesiredRetention: .7 + .29*r.Float64()}
		p := fsrs.DefaultParam()
		p.RequestRetention = s.DesiredRetention
		theirs, ours := fsrs.NewCard(), study.CardMemory{}
		at := time.UnixMicro(1_700_000_000_000_000 + r.Int64N(1e12)).UTC()
		for range 1 + r.IntN(20) {
			rating := 1 + r.IntN(4)
			shown := Preview(ours, at, s)
			theirs = fsrs.NewFSRS(p).Next(theirs, at, fsrs.Rating(rating)).Card
			ours = Next(ours, rating, at, s)
			if seconds := int64(theirs.Due.Sub(at) / time.Second); seconds != []int64{shown.Again, shown.Hard, shown.Good, shown.Easy}[rating-1] {
				t.Fatalf("shown %+v, and it is due after %d s for %d", shown, seconds, rating)
			}
			if cardOf(ours) != theirs {
				t.Fatalf("got %+v, want %+v", ours, theirs)
			}
			ours.Due = time.UnixMicro(ours.Due.UnixMicro()).UTC()
			at = at.Add(time.Duration(r.Int64N(int64(60 * 24 * time.Hour)))).Truncate(time.Microsecond)
			if r.IntN(3) == 0 {
				at = ours.Due
			}
		}
	}
}

func TestAStreakEndsWithADayThatIsMissing(t *testing.T) {
	for _, c := range []struct {
		days []int64
		want int
	}{{nil, 0}, {[]int64{10}, 1}, {[]int64{9, 8, 7, 5}, 3}, {[]int64{10, 8}, 1}, {[]int64{8, 7}, 0}} {
		if got := streak(c.days, 10); got != c.want {
			t.Errorf("%v: %d, want %d", c.days, got, c.want)
		}
	}
}

func TestADayBeginsWhereTheStudentIs(t *testing.T) {
	for _, c := range []struct {
		offset int
		at     string
		day    string
	}{
		{0, "2026-03-01T23:59:59Z", "2026-03-01"}, {60, "2026-03-01T23:00:00Z", "2026-03-02"}, {-480, "2026-03-01T07:59:59Z", "2026-02-28"}, {0, "1969-12-31T23:00:00Z", "1969-12-31"},
	} {
		s := study.ReviewSettings{UTCOffsetMinutes: c.offset}
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		day := s.Day(at)
		if got := time.Unix(day*86400, 0).UTC().Format(time.DateOnly); got != c.day {
			t.Errorf("%+v: %s", c, got)
		}
		if start := s.DayStart(day); start.After(at) || at.Sub(start) >= 24*time.Hour {
			t.Errorf("%+v: begins %v", c, start)
		}
	}
}

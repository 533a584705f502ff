package limit

import (
	"context"
	"fmt"
	"testing"
	"time"

	"studysharper/app/memory/shm"
)

// shop is a table with a fake clock.
type shop struct {
	t *testing.T
	*Table
	clock time.Duration
}

func open(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, Table: NewTable(shm.Local(TableSize)), clock: time.Hour}
	s.now = func() int64 { return int64(s.clock) }
	return s
}

func (s *shop) take(client string, policies ...Policy) Verdict {
	s.t.Helper()
	v, err := s.Take(context.Background(), client, policies)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

var (
	minute = Policy{"minute", 10, time.Minute}
	hour   = Policy{"hour", 100, time.Hour}
)

func TestAQuotaMayBeUsedAtOnceAndComesBackEvenly(t *testing.T) {
	s := open(t)
	for i := range 10 {
		if v := s.take("ann", minute); !v.OK || v.Left[0].Remaining != 9-i || v.Left[0].Reset != time.Duration(i+1)*6*time.Second {
			t.Fatalf("request %d: %+v", i+1, v)
		}
	}
	for range 3 { // refused requests are not counted
		if v := s.take("ann", minute); v.OK || v.RetryAfter != 6*time.Second || v.Left[0].Remaining != 0 || v.Left[0].Reset != time.Minute {
			t.Fatalf("the eleventh: %+v", v)
		}
	}
	s.clock += 6*time.Second - 1
	if v := s.take("ann", minute); v.OK || v.RetryAfter != 1 {
		t.Errorf("a nanosecond early: %+v", v)
	}
	s.clock++
	if v := s.take("ann", minute); !v.OK || v.Left[0].Remaining != 0 {
		t.Errorf("after 6 s: %+v", v)
	}
	if v := s.take("bob", minute); !v.OK {
		t.Errorf("another client: %+v", v)
	}
	s.clock += time.Hour
	if v := s.take("ann", minute); v.Left[0].Remaining != 9 {
		t.Errorf("after an hour: %+v", v)
	}
}

func TestPeekSaysWhatTakeWouldAndCountsNothing(t *testing.T) {
	s := open(t)
	for i := range 12 {
		peeked, err := s.Peek(t.Context(), "ann", []Policy{minute})
		if again, _ := s.Peek(t.Context(), "ann", []Policy{minute}); err != nil || again.OK != peeked.OK {
			t.Fatalf("request %d: %+v, then %+v, %v", i+1, peeked, again, err)
		}
		if v := s.take("ann", minute); v.OK != peeked.OK || v.RetryAfter != peeked.RetryAfter || v.OK != (i < 10) {
			t.Fatalf("request %d: peeked %+v, took %+v", i+1, peeked, v)
		}
	}
}

func TestTheStricterOfTwoPoliciesHolds(t *testing.T) {
	s := open(t)
	let := 0
	for range 3600 {
		if v := s.take("ann", minute, hour); v.OK {
			let++
		}
		s.clock += time.Second
	}
	// The minute's quota allows 10 at once and then one every 6 s, until the hour's 100 are used up; those are regained
	// one every 36 s.
	if let < 195 || let > 200 {
		t.Errorf("%d requests in an hour", let)
	}
	v := s.take("ann", minute, hour)
	for v.OK {
		v = s.take("ann", minute, hour)
	}
	if v.Left[0].Remaining == 0 || v.Left[1].Remaining != 0 || v.RetryAfter <= 0 || v.RetryAfter > 36*time.Second {
		t.Errorf("at the hour's end: %+v", v)
	}
}

func TestNoQuotaEverAllowsOneMore(t *testing.T) {
	for _, quota := range []int{1, 2, 3, 7, 10, 59, 61, 999, 999_983, 1_000_000} {
		p := Policy{"p", quota, time.Minute}
		var full [MaxPolicies]int64
		for used := range quota {
			if used > 1000 && used < quota-1 {
				full[0] += p.Every() // as Take does
				continue
			}
			if v := judge(&full, []Policy{p}, 5); !v.OK || v.Left[0].Remaining != quota-used-1 {
				t.Fatalf("%d: request %d: %+v", quota, used+1, v)
			}
		}
		if v := judge(&full, []Policy{p}, 5); v.OK || v.RetryAfter <= 0 || v.Left[0].Remaining != 0 {
			t.Errorf("%d: %+v", quota, v)
		}
	}
}

func TestAMomentThatCannotBeIsHeldToWhatCan(t *testing.T) {
	full := [MaxPolicies]int64{1 << 62}
	if v := judge(&full, []Policy{minute}, 0); v.OK || v.RetryAfter != 6*time.Second {
		t.Errorf("got %+v", v)
	}
}

func TestMorePoliciesThanAClientHasRoomForAreAnError(t *testing.T) {
	if _, err := open(t).Take(context.Background(), "ann", []Policy{minute, hour, minute}); err == nil {
		t.Error("three policies were taken")
	}
}

func TestAFloodOfClientsDoesNotFreeOneThatIsOverItsLimit(t *testing.T) {
	s := open(t)
	for range 10 {
		s.take("ann", minute, hour)
	}
	for i := range 2 * entries {
		s.take(fmt.Sprint("flood ", i), minute, hour)
	}
	if v := s.take("ann", minute, hour); v.OK {
		t.Errorf("after %d other clients: %+v", 2*entries, v)
	}
}

func TestAClientThatHasItsQuotaAgainMakesRoom(t *testing.T) {
	s := open(t)
	for i := range entries {
		for range 10 {
			s.take(fmt.Sprint("old ", i), minute)
		}
	}
	s.clock += time.Minute
	refused := 0
	for i := range entries / 4 {
		for range 10 {
			if v := s.take(fmt.Sprint("new ", i), minute); !v.OK {
				refused++
			}
		}
		if v := s.take(fmt.Sprint("new ", i), minute); v.OK {
			t.Fatalf("new client %d has eleven", i)
		}
	}
	if refused > 0 {
		t.Errorf("%d requests refused", refused)
	}
}

func BenchmarkTake(b *testing.B) {
	table := NewTable(shm.Local(TableSize))
	policies := []Policy{minute, hour}
	for b.Loop() {
		if _, err := table.Take(b.Context(), "192.0.2.1", policies); err != nil {
			b.Fatal(err)
		}
	}
}

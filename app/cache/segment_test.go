package cache

import (
	"bytes"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestSegmentHoldsItsBudgetAndRefusesOnePast(t *testing.T) {
	for _, size := range []int{1, 100, 4000, pieceBytes - 1, pieceBytes} {
		s := testSegment(t)
		var pieces []*piece
		for s.fits(size + pieceOverhead) {
			pieces = append(pieces, putPiece(t, s, size))
		}
		if s.filled > s.budget || s.filled+size+pieceOverhead <= s.budget {
			t.Fatalf("filled %d of %d with pieces of %d", s.filled, s.budget, size)
		}
		if !s.fits(s.budget-s.filled) || s.fits(s.budget-s.filled+1) {
			t.Fatal("the budget's last byte is not where it should be")
		}
		for _, p := range pieces {
			checkPiece(t, s, p)
		}
	}
}

func TestSegmentRingNeverGrows(t *testing.T) {
	s := testSegment(t)
	for range 5 {
		for s.fits(maxNeed) {
			s.drop(putPiece(t, s, pieceBytes))
		}
		s.compact()
	}
	if got := s.ring.Capacity(); got != 1<<20 {
		t.Fatalf("the ring of 1 MiB has %d bytes", got)
	}
}

func TestCompactMakesNoGarbageToSpeakOf(t *testing.T) {
	s := testSegment(t)
	var keep []*piece
	for s.fits(maxNeed + 200) {
		keep = append(keep, putPiece(t, s, pieceBytes))
		s.drop(putPiece(t, s, 100))
	}
	const rounds = 50
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		s.compact()
	}
	runtime.ReadMemStats(&after)
	if garbage := after.TotalAlloc - before.TotalAlloc; garbage > rounds*mib/1000 {
		t.Fatalf("%d bytes of garbage to move %d MiB", garbage, rounds)
	}
	for _, p := range keep {
		checkPiece(t, s, p)
	}
}

// bigcache's own clock, which checks the oldest piece at each write, never expires a piece.
func TestSegmentKeepsPiecesHoweverOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testSegment(t)
		p := putPiece(t, s, 10)
		time.Sleep(100 * 365 * 24 * time.Hour)
		putPiece(t, s, 10)
		checkPiece(t, s, p)
	})
}

// FuzzSegmentLosesNothing interprets its input as a sequence of puts, drops and compactions, and checks after each step
// that all live pieces are in the ring.
func FuzzSegmentLosesNothing(f *testing.F) {
	f.Add([]byte("\xff\xff\xff\xff\x00\xff\xff\x40\x80\xff\xff\xff\xff\xff\xff"))
	f.Add(bytes.Repeat([]byte{0xff, 0xff, 0x01, 0x40, 0x03}, 200))
	f.Add(bytes.Repeat([]byte{0xf1, 0x8a, 0x44, 0xff, 0x90, 0x00}, 300))
	f.Fuzz(func(t *testing.T, program []byte) {
		s := testSegment(t)
		var live []*piece
		for i, b := range program {
			switch {
			case b == 0:
				s.compact()
			case b < 0x60 && len(live) > 0: // drop the b-th piece
				at := int(b) % len(live)
				s.drop(live[at])
				live = append(live[:at], live[at+1:]...)
			default: // 0x60 to 0xff: up to a whole piece, minus a few bytes
				size := max(0, (int(b)-0x5f)*pieceBytes/0xa0-i%19)
				if !s.fits(size + pieceOverhead) {
					s.compact()
				}
				if s.fits(size + pieceOverhead) {
					live = append(live, putPiece(t, s, size))
				}
			}
			auditSegment(t, s)
		}
		for _, p := range live {
			checkPiece(t, s, p)
		}
	})
}

var lastNumber uint64

func testSegment(t *testing.T) *segment {
	t.Helper()
	s, err := newSegment(1)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func putPiece(t *testing.T, s *segment, size int) *piece {
	t.Helper()
	lastNumber++
	p := &piece{number: lastNumber, need: size + pieceOverhead}
	p.place.owner = p
	if err := s.put(p, pattern(p)); err != nil {
		t.Fatal(err)
	}
	return p
}

func checkPiece(t *testing.T, s *segment, p *piece) {
	t.Helper()
	if got, err := s.get(p); err != nil || !bytes.Equal(got, pattern(p)) {
		t.Fatalf("piece %d of %d bytes: got %d bytes, %v", p.number, p.need-pieceOverhead, len(got), err)
	}
}

// pattern returns p's bytes, which are derived from its number.
func pattern(p *piece) []byte {
	return bytes.Repeat([]byte{byte(p.number), byte(p.number >> 8), byte(p.need)}, p.need/3+1)[:p.need-pieceOverhead]
}

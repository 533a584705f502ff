package auth

import (
	"bytes"
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"studysharper/app/study"
)

// secretsOf stores the keys of signers.
type secretsOf map[string][]byte

func (s secretsOf) Secret(_ context.Context, name string, fresh []byte) ([]byte, error) {
	if s == nil {
		return nil, study.Errorf(study.CodeUnavailable, "the database is away")
	}
	if s[name] == nil {
		s[name] = fresh
	}
	return s[name], nil
}

// shelf is an AccountStore that counts its reads.
type shelf struct {
	accounts map[string]study.Account
	devices  map[string]study.Device
	reads    int
	seen     int
	away     bool
}

func newShelf() *shelf {
	return &shelf{accounts: map[string]study.Account{}, devices: map[string]study.Device{}}
}

var errNone, errAway = study.Errorf(study.CodeNotFound, "not found"), study.Errorf(study.CodeUnavailable, "away")

func (s *shelf) CreateAccount(_ context.Context, a study.Account) error {
	s.accounts[a.UserID] = a
	return nil
}

func (s *shelf) Account(_ context.Context, user string) (study.Account, error) {
	return s.accounts[user], nil
}

func (s *shelf) AccountByCode(_ context.Context, hash []byte) (study.Account, error) {
	s.reads++
	if s.away {
		return study.Account{}, errAway
	}
	for _, a := range s.accounts {
		if bytes.Equal(a.CodeHash, hash) {
			return a, nil
		}
	}
	return study.Account{}, errNone
}

func (s *shelf) ReplaceCode(_ context.Context, user string, hash []byte) error {
	s.accounts[user] = study.Account{UserID: user, CodeHash: hash}
	return nil
}

func (s *shelf) OpenDevice(_ context.Context, d study.Device) (study.Device, error) {
	d.ID, d.SeenAt = uuid.NewString(), time.Now()
	s.devices[d.ID] = d
	return d, nil
}

func (s *shelf) Device(_ context.Context, id string) (study.Device, error) {
	s.reads++
	d, ok := s.devices[id]
	switch {
	case s.away:
		return d, errAway
	case !ok:
		return d, errNone
	}
	return d, nil
}

func (s *shelf) SeeDevice(_ context.Context, id string) error {
	d := s.devices[id]
	d.SeenAt = time.Now()
	s.devices[id] = d
	s.seen++
	return nil
}

// desk is Accounts on a shelf, with versions that a test can change.
type desk struct {
	*Accounts
	shelf    *shelf
	version  uint64
	reliable bool
}

func newDesk() *desk {
	d := &desk{shelf: newShelf(), reliable: true}
	d.Accounts = NewAccounts(d.shelf, NewSigner(secretsOf{}), func(string) (uint64, bool) { return d.version, d.reliable })
	return d
}

func (d *desk) make(t *testing.T) (user, code string, in SignedIn) {
	t.Helper()
	user, code, err := d.Create(t.Context())
	if err == nil {
		in, err = d.Open(t.Context(), user, "a browser")
	}
	if err != nil {
		t.Fatal(err)
	}
	return user, code, in
}

func TestAnAccountIsOpenedByItsCodeAndByItsCookie(t *testing.T) {
	d := newDesk()
	user, code, in := d.make(t)
	for _, a := range d.shelf.accounts {
		if strings.Contains(string(a.CodeHash), code) || len(a.CodeHash) != 32 {
			t.Error("the code is kept")
		}
	}
	if got, err := d.User(t.Context(), strings.ToLower(code)); got != user || err != nil {
		t.Errorf("by the code: %q, %v", got, err)
	}
	if got, err := d.Cookie(t.Context(), in.Cookie); got.User != user || got.Device != in.Device || got.Cookie != "" || err != nil {
		t.Errorf("by the cookie: %+v, %v", got, err)
	}
	again, err := d.RenewCode(t.Context(), user)
	if d.version++; err != nil || again == code {
		t.Fatalf("a new code: %v", err)
	}
	if _, err := d.User(t.Context(), code); !study.IsCode(err, study.CodeUnauthorized) {
		t.Errorf("by the old code: %v", err)
	}
	if got, err := d.User(t.Context(), again); got != user || err != nil {
		t.Errorf("by the new code: %q, %v", got, err)
	}
}

func TestARequestOfAKnownUserReadsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		_, code, in := d.make(t)
		ask := func() (reads int) {
			t.Helper()
			before := d.shelf.reads
			if _, err := d.User(t.Context(), code); err != nil {
				t.Error(err)
			}
			if _, err := d.Cookie(t.Context(), in.Cookie); err != nil {
				t.Error(err)
			}
			return d.shelf.reads - before
		}
		if ask() == 0 || ask() != 0 {
			t.Error("nothing is remembered, or nothing is read at first")
		}
		d.version++
		if ask() == 0 || ask() != 0 {
			t.Error("a change was not noticed")
		}
		d.reliable = false
		time.Sleep(unsureFor)
		if ask() == 0 || ask() != 0 {
			t.Error("what nobody tells of is remembered for too long, or too shortly")
		}
		d.reliable = true
		time.Sleep(knownFor - 1)
		if ask() != 0 {
			t.Error("remembered for less than a minute")
		}
		time.Sleep(time.Nanosecond)
		if ask() == 0 {
			t.Error("remembered for more than a minute")
		}
	})
}

func TestADeviceThatWasSignedOutIsOut(t *testing.T) {
	d := newDesk()
	_, _, in := d.make(t)
	if _, err := d.Cookie(t.Context(), in.Cookie); err != nil {
		t.Fatal(err)
	}
	delete(d.shelf.devices, in.Device)
	d.version++
	for range 2 {
		if got, err := d.Cookie(t.Context(), in.Cookie); !study.IsCode(err, study.CodeUnauthorized) || got.User != "" {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}

func TestAForgedCookieOpensNothingAndReadsNothing(t *testing.T) {
	d := newDesk()
	_, _, in := d.make(t)
	_, _, other := d.make(t)
	raw, _ := base64.RawURLEncoding.DecodeString(in.Cookie)
	foreign, _ := base64.RawURLEncoding.DecodeString(other.Cookie)
	stranger := NewAccounts(d.shelf, NewSigner(secretsOf{}), d.Accounts.version)
	theirs, err := stranger.Open(t.Context(), "ann", "")
	if err != nil {
		t.Fatal(err)
	}
	changed := func(i int) string {
		forged := append([]byte{}, raw...)
		forged[i]++
		return base64.RawURLEncoding.EncodeToString(forged)
	}
	ticket, err := NewTickets(d.signer).Issue(t.Context(), string(raw[:16]), string(raw[16:20]))
	if err != nil {
		t.Fatal(err)
	}
	for name, cookie := range map[string]string{
		"another device":       base64.RawURLEncoding.EncodeToString(append(append([]byte{}, foreign[:16]...), raw[16:]...)),
		"a changed device":     changed(0),
		"a changed time":       changed(16),
		"a changed signature":  changed(len(raw) - 1),
		"another service's":    theirs.Cookie,
		"a ticket":             ticket,
		"cut":                  in.Cookie[:len(in.Cookie)-2],
		"with a tail":          in.Cookie + "AAAA",
		"nothing":              "",
		"a megabyte":           strings.Repeat("A", 1<<20),
		"what is not base64":   "{}",
		"nothing but a device": base64.RawURLEncoding.EncodeToString(raw[:16]),
	} {
		before := d.shelf.reads
		if got, err := d.Cookie(t.Context(), cookie); !study.IsCode(err, study.CodeUnauthorized) || got.User != "" || d.shelf.reads != before {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, code := range []string{"", "x", newStudyCode()} {
		if user, err := d.User(t.Context(), code); !study.IsCode(err, study.CodeUnauthorized) || user != "" || (code != "" && strings.Contains(err.Error(), code)) {
			t.Errorf("the code %q: %q, %v", code, user, err)
		}
	}
}

func TestACookieInUseIsReplacedMonthly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		user, _, in := d.make(t)
		time.Sleep(cookieAge)
		if got, err := d.Cookie(t.Context(), in.Cookie); got.Cookie != "" || err != nil {
			t.Errorf("after a month: %+v, %v", got, err)
		}
		if d.shelf.seen != 1 {
			t.Errorf("seen %d times", d.shelf.seen)
		}
		time.Sleep(time.Second)
		got, err := d.Cookie(t.Context(), in.Cookie)
		if got.Cookie == "" || err != nil {
			t.Fatalf("later: %+v, %v", got, err)
		}
		if next, err := d.Cookie(t.Context(), got.Cookie); next.User != user || next.Device != in.Device || next.Cookie != "" || err != nil {
			t.Errorf("the new one: %+v, %v", next, err)
		}
	})
}

func TestWhileTheStoreIsAwayNobodyIsTakenForAStranger(t *testing.T) {
	d := newDesk()
	_, code, in := d.make(t)
	d.shelf.away = true
	if _, err := d.User(t.Context(), code); !study.IsCode(err, study.CodeUnavailable) {
		t.Errorf("by the code: %v", err)
	}
	if _, err := d.Cookie(t.Context(), in.Cookie); !study.IsCode(err, study.CodeUnavailable) {
		t.Errorf("by the cookie: %v", err)
	}
	keyless := NewAccounts(d.shelf, NewSigner(secretsOf(nil)), d.Accounts.version)
	if _, err := keyless.Cookie(t.Context(), in.Cookie); !study.IsCode(err, study.CodeUnavailable) {
		t.Errorf("without a key: %v", err)
	}
}

func BenchmarkCookie(b *testing.B) {
	d := newDesk()
	user, _, err := d.Create(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	in, err := d.Open(b.Context(), user, "")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := d.Cookie(b.Context(), in.Cookie); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzCookie(f *testing.F) {
	d := newDesk()
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, cookie string) {
		if got, err := d.Cookie(t.Context(), cookie); err == nil {
			t.Errorf("%q opens %+v", cookie, got)
		}
	})
}

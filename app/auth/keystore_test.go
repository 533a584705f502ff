package auth

import (
	"bytes"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/memory/shm"
	"studysharper/app/study"
)

func TestAKeyStoreGivesWhatWasLeftLastOrNothing(t *testing.T) {
	s := NewKeyStore(shm.Local(KeyStoreSize))
	if body, _ := s.get(); body != nil {
		t.Errorf("an empty one gives %q", body)
	}
	at := time.Unix(1_800_000_000, 7)
	for _, size := range []int{maxKeyBytes, 0, 1} {
		if err := s.put(bytes.Repeat([]byte("x"), size), at); err != nil {
			t.Fatal(err)
		}
		if body, had := s.get(); len(body) != size || body == nil || !had.Equal(at) {
			t.Errorf("%d bytes: got %d of %v", size, len(body), had)
		}
	}
	for i := range headLen + 1 {
		if err := s.put([]byte("y"), at); err != nil {
			t.Fatal(err)
		}
		s.section.Bytes()[i] ^= 0x80
		if body, _ := s.get(); body != nil {
			t.Errorf("byte %d was changed: got %q", i, body)
		}
	}
}

func TestANewWorkerHasTheKeysWhileTheIssuerIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, i := NewKeyStore(shm.Local(KeyStoreSize)), &issuer{}
		next := func() *Verifier {
			return NewKeySet(KeySetOptions{URL: "https://issuer.example/keys", Transport: i, Store: keys, Log: slog.New(slog.DiscardHandler)}, Accepted{})
		}
		token := func() string { return signed(head("ES256", "e"), good(), es256) }
		if _, err := next().User(t.Context(), token()); study.AsError(err).Code != study.CodeUnavailable {
			t.Errorf("before there are keys: %v", err)
		}
		i.publish(ecJWK("e"))
		if _, err := next().User(t.Context(), token()); err != nil {
			t.Fatal(err)
		}
		i.mu.Lock()
		i.status = 0
		i.mu.Unlock()
		for _, later := range []time.Duration{0, time.Second, 24 * time.Hour} {
			time.Sleep(later)
			if _, err := next().User(t.Context(), token()); err != nil {
				t.Errorf("after %v: %v", later, err)
			}
			synctest.Wait()
		}
		if i.times() != 3 { // for the first two, and when the keys were old
			t.Errorf("asked %d times", i.times())
		}
	})
}

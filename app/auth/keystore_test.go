package auth

import (
	"bytes"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/study"
)

func openShelf(t *testing.T) *KeyStore {
	t.Helper()
	s, err := OpenKeyStore()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestAShelfGivesWhatWasLeftLastOrNothing(t *testing.T) {
	s := openShelf(t)
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
	for i := range int64(shelfHead + 1) {
		if err := s.put([]byte("y"), at); err != nil {
			t.Fatal(err)
		}
		var b [1]byte
		_, _ = s.file.ReadAt(b[:], i)
		b[0] ^= 0x80
		if _, err := s.file.WriteAt(b[:], i); err != nil {
			t.Fatal(err)
		}
		if body, _ := s.get(); body != nil {
			t.Errorf("byte %d was changed: got %q", i, body)
		}
	}
}

func TestANewWorkerHasTheKeysWhileTheIssuerIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf, i := openShelf(t), &issuer{}
		next := func() *Verifier {
			return NewKeySet(KeySetOptions{URL: "https://issuer.example/keys", Transport: i, Store: shelf, Log: slog.New(slog.DiscardHandler)})
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
		if i.times() != 3 { // with the first two, and when the keys were old
			t.Errorf("asked %d times", i.times())
		}
	})
}

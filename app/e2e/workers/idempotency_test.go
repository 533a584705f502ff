package workers_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"studysharper/app/e2e/servicetest"
	"studysharper/app/store"
)

// keepNote posts a note until it is stored, like a client that retries with the same key. The
// answers to the first lost attempts do not reach the client.
func keepNote(ctx context.Context, s *servicetest.Service, client *http.Client, title string, lost int) error {
	for ctx.Err() == nil {
		body := strings.NewReader(fmt.Sprintf(`{"user_id":"u","title":%q,"content":"x"}`, title))
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/api/notes", body)
		if err != nil {
			return err
		}
		req.GetBody = nil // so that only this function resends it
		req.Header.Set("Idempotency-Key", title)
		req.Header.Set("Content-Type", "application/json")
		res, err := client.Do(req)
		if err != nil { // its worker was killed
			continue
		}
		_ = res.Body.Close()
		switch {
		case res.StatusCode == http.StatusCreated && lost > 0:
			lost--
		case res.StatusCode == http.StatusCreated:
			return nil
		case res.StatusCode < 500 && res.StatusCode != http.StatusConflict:
			return fmt.Errorf("%s: %s", title, res.Status)
		}
	}
	return ctx.Err()
}

func TestANotePostedAgainAfterAKillIsStoredOnce(t *testing.T) {
	const notes, clients, kills = 673, 12, 8
	s := servicetest.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var begun, kept atomic.Int64
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for n := begun.Add(1); n <= notes; n = begun.Add(1) {
				if err := keepNote(ctx, s, client, fmt.Sprint("note-", n), int(n%5/4)); err != nil {
					t.Error(err)
					return
				}
				kept.Add(1)
			}
		})
	}
	for k := range int64(kills) {
		s.Eventually("more notes are kept", func() bool { return kept.Load() >= (k+1)*notes/(kills+1) })
		for pid := range s.PIDs() {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			break
		}
		s.Eventually("two workers are ready", func() bool { return int64(strings.Count(s.Log.String(), "Worker ready")) >= k+3 })
	}
	all.Wait()
	stored := map[string]int{}
	db := database(s)
	for page := (store.Page{Limit: store.MaxRows}); ; {
		list, next, err := db.Notes(t.Context(), store.NoteQuery{UserID: "u", Page: page})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range list {
			stored[n.Title]++
		}
		if page.Before = next; next == "" {
			break
		}
	}
	if len(stored) != notes {
		t.Errorf("%d of %d notes are stored", len(stored), notes)
	}
	for title, n := range stored {
		if n != 1 {
			t.Errorf("%s is stored %d times", title, n)
		}
	}
}

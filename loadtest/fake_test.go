package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"studysharper/loadtest/fakellm"
)

func TestFakeModelIsServedUntilItIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read, write := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- serveFake(ctx, []string{"-listen", "127.0.0.1:0", "-fault", "status", "-status", "429", "-times", "1"}, write, write)
	}()
	var url string
	if _, err := fmt.Fscanf(read, "Fake model at %s", &url); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, read) }()
	for _, want := range []int{429, 200} {
		resp, err := http.Post(strings.TrimSuffix(url, ",")+"/chat/completions", "application/json",
			strings.NewReader(`{"model":"m","messages":[{"role":"user","content":"hi"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("status %d, want %d", resp.StatusCode, want)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSharesOfErrorsAndCutsAreFlags(t *testing.T) {
	_, o, err := parseFake([]string{"-error-share", "0.25", "-status", "429", "-cut-share", "0.5", "-after-tokens", "1", "-latency", "5ms"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(fakellm.New(o))
	defer web.Close()
	seen := map[string]int{}
	for range 40 {
		resp, err := http.Post(web.URL+"/v1/chat/completions", "application/json",
			strings.NewReader(`{"model":"m","stream":true,"messages":[{"role":"user","content":"one two three four"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
		seen[fmt.Sprint(resp.StatusCode, " cut ", err != nil)]++
	}
	// A quarter of all calls, and half of the others.
	if want := map[string]int{"429 cut false": 10, "200 cut true": 15, "200 cut false": 15}; !maps.Equal(seen, want) {
		t.Errorf("%v, want %v", seen, want)
	}
}

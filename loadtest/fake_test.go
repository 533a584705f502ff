package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestFakeModelIsServedUntilItIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read, write := io.Pipe()
	done := make(chan int, 1)
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
	if status := <-done; status != exitPassed {
		t.Errorf("exit status %d", status)
	}
}

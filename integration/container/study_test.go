package container

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"studysharper/integration/harness"
)

func TestFlashcardsAreMadeFromTheText(t *testing.T) {
	const count = 10
	text := harness.Notes(t)
	s := harness.Start(t, "")
	var got struct {
		Status string `json:"status"`
		Result struct {
			Success bool `json:"success"`
			Data    struct {
				Flashcards []struct{ Question, Answer, Topic, Difficulty string } `json:"flashcards"`
				TotalCount int                                                    `json:"total_count"`
			} `json:"data"`
		} `json:"result"`
	}
	s.Call(t, http.MethodPost, "/api/ai/agent-test", map[string]any{
		"type": "flashcard_generation", "user_id": harness.UserID, "message": "Make flashcards of these notes",
		"options": map[string]any{"content": text, "count": count},
	}, http.StatusOK, &got)

	cards := got.Result.Data.Flashcards
	if got.Status != "success" || !got.Result.Success || len(cards) != count || got.Result.Data.TotalCount != count {
		t.Fatalf("status %q, success %v, %d cards, total_count %d; want %d cards",
			got.Status, got.Result.Success, len(cards), got.Result.Data.TotalCount, count)
	}
	questions, answers := map[string]bool{}, map[string]bool{}
	for _, card := range cards {
		if strings.TrimSpace(card.Question) == "" || strings.TrimSpace(card.Answer) == "" {
			t.Errorf("a card lacks a side: %+v", card)
		}
		questions[strings.ToLower(card.Question)] = true
		answers[strings.ToLower(card.Answer)] = true
	}
	if len(questions) != count || len(answers) != count {
		t.Errorf("%d different questions and %d different answers, want %d of each", len(questions), len(answers), count)
	}
}

func TestStreamTellsTheWholeRunInOrder(t *testing.T) {
	text := harness.Notes(t)
	s := harness.Start(t, "")
	var accepted struct {
		Status    string `json:"status"`
		StreamURL string `json:"stream_url"`
		SessionID string `json:"session_id"`
		RunID     string `json:"run_id"`
	}
	s.Call(t, http.MethodPost, "/api/ai/process-stream", map[string]any{
		"type": "summary_generation", "user_id": harness.UserID, "message": "Summarise these notes",
		"options": map[string]any{"content": text},
	}, http.StatusOK, &accepted)
	if want := "/api/ai/stream/" + accepted.SessionID; accepted.Status != "processing" || accepted.StreamURL != want || accepted.RunID == "" {
		t.Fatalf("accepted as %+v, want a run_id and stream_url %q", accepted, want)
	}

	events := s.Follow(t, accepted.StreamURL)
	if len(events) < 2 {
		t.Fatalf("%d events", len(events))
	}
	var steps []int
	for i, e := range events {
		if e.Seq != i+1 {
			t.Errorf("event %d has seq %d", i+1, e.Seq)
		}
		if e.Type == "progress" {
			steps = append(steps, e.Data.Step)
		}
	}
	if !slices.Equal(slices.Compact(steps), []int{1, 2, 3, 4, 5, 6}) {
		t.Errorf("progress steps %v, want 1 to 6 in order", steps)
	}
	if first, last := events[0], events[len(events)-1]; first.Type != "start" || last.Type != "complete" || !last.Success {
		t.Errorf("the stream goes from %+v to %+v, want start and a successful complete", first, last)
	}
}

func TestNotesOutliveTheContainer(t *testing.T) {
	volume := harness.NewVolume(t)
	type note struct {
		ID      string `json:"id"`
		Title   string `json:"title"`
		Content string `json:"content"`
	}
	var made, kept note
	t.Run("written by the first container", func(t *testing.T) {
		s := harness.Start(t, volume)
		s.Call(t, http.MethodPost, "/api/notes", map[string]any{
			"user_id": harness.UserID, "title": "Light", "content": "Chlorophyll absorbs light.",
		}, http.StatusCreated, &made)
		if made.ID == "" {
			t.Fatalf("the created note has no id: %+v", made)
		}
		if err := s.Stop(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Locate(t)
		s.Call(t, http.MethodGet, "/api/notes/"+made.ID, nil, http.StatusOK, &kept)
		if kept != made {
			t.Errorf("after a restart the note is %+v, want %+v", kept, made)
		}
	})
	t.Run("read by the second", func(t *testing.T) {
		s := harness.Start(t, volume)
		s.Call(t, http.MethodGet, "/api/notes/"+made.ID, nil, http.StatusOK, &kept)
		if kept != made {
			t.Errorf("the next container has note %+v, want %+v", kept, made)
		}
	})
}

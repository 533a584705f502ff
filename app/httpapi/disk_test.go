package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// fixedDisk has a fixed number of free bytes.
type fixedDisk int64

func (d fixedDisk) Free() (free, reserve int64) { return int64(d), 64 << 20 }

func (d fixedDisk) Space() int64 { return int64(d) }

func diskFullNow(o *Options) { o.Disk = fixedDisk(1 << 20) }

// writes are the operations of the users' API that save something, with ids in their paths.
func writes(t *testing.T) [][2]string {
	t.Helper()
	var found [][2]string
	for _, op := range document.Operations() {
		keeps := slices.Contains([]string{"POST", "PUT", "PATCH"}, op.Method)
		ofUsers := slices.ContainsFunc([]string{"/api/ai/", "/api/notes", "/api/review/"}, func(p string) bool { return strings.HasPrefix(op.Path, p) })
		if keeps && ofUsers {
			path := strings.ReplaceAll(op.Path, "{kind}", "flashcards")
			found = append(found, [2]string{op.Method, parameter.ReplaceAllString(path, anID)})
		}
	}
	if len(found) < 16 {
		t.Fatalf("only %d writes were found: %v", len(found), found)
	}
	return found
}

func TestEveryWriteIsRefusedWhileTheDiskIsFull(t *testing.T) {
	f := serve(t, diskFullNow)
	for _, op := range writes(t) {
		r := f.ask(op[0], op[1]+"?user_id=ada", "{}")
		if r.StatusCode != http.StatusInsufficientStorage || r.object(t)["code"] != "quota" {
			t.Errorf("%s %s: %d %s", op[0], op[1], r.StatusCode, r.body)
		}
	}
	for _, op := range [][2]string{{"GET", "/api/review/queue"}, {"GET", "/api/notes"}, {"DELETE", "/api/review/" + anID + "/" + anID}, {"DELETE", "/api/notes/" + anID}} {
		if r := f.ask(op[0], op[1]+"?user_id=ada", ""); r.StatusCode == http.StatusInsufficientStorage {
			t.Errorf("%s %s was refused: %s", op[0], op[1], r.body)
		}
	}
}

func TestNoWriteIsRefusedWhileTheDiskHasRoom(t *testing.T) {
	f := serve(t, func(o *Options) { o.Disk = fixedDisk(64 << 20) })
	for _, op := range writes(t) {
		if r := f.ask(op[0], op[1]+"?user_id=ada", "{}"); r.StatusCode == http.StatusInsufficientStorage {
			t.Errorf("%s %s: %s", op[0], op[1], r.body)
		}
	}
}

func TestAnAssistantWritesNothingWhileTheDiskIsFull(t *testing.T) {
	session := serve(t, mcpOn, diskFullNow).assistant("ada")
	for tool, arguments := range map[string]map[string]any{
		"make_study_aid": {"kind": "flashcards", "content": "Cells are small."},
		"grade_card":     {"card_id": anID, "rating": 3},
	} {
		if _, failed := call[any](t, session, tool, arguments); !strings.Contains(failed, "disk is nearly full") {
			t.Errorf("%s: %q", tool, failed)
		}
	}
	if _, failed := call[any](t, session, "list_due_cards", nil); failed != "" {
		t.Errorf("a tool that only reads: %s", failed)
	}
}

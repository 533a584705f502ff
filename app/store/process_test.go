package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"studysharper/app/study"
	"studysharper/app/testkit"
)

// childVar is the environment variable that makes the test binary a writer of the database it names.
const childVar = "STORE_TEST_WRITES_TO"

func TestMain(m *testing.M) {
	if url := os.Getenv(migrateVar); url != "" {
		fmt.Println(Migrate(context.Background(), url))
		os.Exit(0)
	}
	if os.Getenv(childVar+"_QUEUES") != "" {
		enterAndStay(os.Getenv(childVar))
	}
	if url := os.Getenv(childVar); url != "" {
		if err := writeAndSay(url, number("_N"), number("_WORDS")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func number(suffix string) int {
	n, err := strconv.Atoi(os.Getenv(childVar + suffix))
	if err != nil {
		panic(err)
	}
	return n
}

// walMost is the largest size in bytes that the write-ahead log may have.
const walMost = 16 << 20

// atOnce is how many requests a process writes for concurrently.
const atOnce = 4

// writeAndSay writes n notes of the given number of words, and n appends, and prints the id
// of each once it is stored.
func writeAndSay(url string, n, words int) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := Migrate(ctx, url); err != nil {
		return err
	}
	s, err := Open(ctx, url, Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	go s.Run(ctx)
	content := strings.Repeat("root ", words)
	var begun atomic.Int64
	var group errgroup.Group
	for range atOnce {
		group.Go(func() (err error) {
			for err == nil && begun.Add(1) <= int64(n) {
				err = writeOne(ctx, s, content)
			}
			return err
		})
	}
	return group.Wait()
}

func writeOne(ctx context.Context, s Store, content string) error {
	n, err := s.CreateNote(ctx, study.Note{UserID: "ada", Title: "leaf", Content: content})
	if err != nil {
		return err
	}
	fmt.Println("note", n.ID)
	v := study.Session{ID: uuid.NewString(), UserID: "ada"}
	s.RecordExecution(study.Execution{RunID: v.ID, UserID: "ada"})
	err = s.AppendMessages(ctx, v, study.Message{Role: study.RoleUser, Text: "q"}, study.Message{Role: study.RoleAssistant, Text: "a"})
	if err == nil {
		fmt.Println("session", v.ID)
	}
	return err
}

func writer(t testing.TB, url string, n, words int) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	testkit.SkipShort(t, "runs processes")
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childVar+"="+url, fmt.Sprintf("%s_N=%d", childVar, n), fmt.Sprintf("%s_WORDS=%d", childVar, words))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	return c, bufio.NewScanner(out)
}

func TestProcessesThatWriteAtOnceNeverFail(t *testing.T) {
	for _, test := range []struct{ writers, notes, words int }{{2, testkit.Size(100, 500), 100}, {8, 25, 100}, {3, 20, 20_000}} {
		url := "sqlite:" + filepath.Join(t.TempDir(), "x.db")
		begin, largest := time.Now(), writeTogether(t, url, test.writers, test.notes, test.words)
		n := test.writers * test.notes
		t.Logf("%d writers: %.0f transactions/s, log at most %d kB",
			test.writers, float64(2*n)/time.Since(begin).Seconds(), largest>>10)
		s := reopen(t, url)
		totals, err := s.Totals(t.Context(), time.UnixMicro(0))
		if err != nil || count(t, s, "notes") != n || count(t, s, "messages") != 2*n || totals.TotalRequests != int64(n) {
			t.Errorf("%d notes, %d messages, %d executions, %v; want %d, twice, and as many",
				count(t, s, "notes"), count(t, s, "messages"), totals.TotalRequests, err, n)
		}
		if largest > walMost {
			t.Errorf("the log grew to %d bytes", largest)
		}
	}
}

// writeTogether runs writers to their end and returns the largest size of the log seen
// meanwhile.
func writeTogether(t testing.TB, url string, writers, notes, words int) (largest int64) {
	t.Helper()
	var all sync.WaitGroup
	for range writers {
		c, out := writer(t, url, notes, words)
		all.Go(func() {
			for out.Scan() {
			}
			if err := c.Wait(); err != nil {
				t.Errorf("a writer failed: %v", err)
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	log := sqlite{path: strings.TrimPrefix(url, "sqlite:")}
	for {
		select {
		case <-done:
			return largest
		case <-time.After(5 * time.Millisecond):
			largest = max(largest, log.walBytes())
		}
	}
}

func TestNothingAcknowledgedIsLostToKill(t *testing.T) {
	url, acknowledged := "sqlite:"+filepath.Join(t.TempDir(), "x.db"), 0
	const forEver = 1 << 30
	kills := testkit.Size(10, 50)
	for round := range kills {
		c, out := writer(t, url, forEver, 100)
		kept := map[string][]string{}
		for n := 0; out.Scan(); n++ {
			if table, id, ok := strings.Cut(out.Text(), " "); ok && len(id) == 36 {
				kept[table+"s"] = append(kept[table+"s"], id)
			}
			if n == 20+350*round/kills {
				c.Process.Kill()
			}
		}
		c.Wait()
		s := reopen(t, url)
		for table, ids := range kept {
			acknowledged += len(ids)
			for _, id := range ids {
				if count(t, s, table+" WHERE id = '"+id+"'") != 1 {
					t.Errorf("round %d: %s %s is lost", round, table, id)
				}
			}
		}
		if n := count(t, s, "sessions WHERE messages <> 2 OR (SELECT count(*) FROM messages WHERE session_id = sessions.id) <> 2"); n > 0 {
			t.Errorf("round %d: %d appends are torn", round, n)
		}
		wantIntact(t, s)
	}
	if acknowledged < kills*20 {
		t.Fatalf("only %d writes were acknowledged", acknowledged)
	}
	t.Logf("%d acknowledged writes over %d kills", acknowledged, kills)
}

func BenchmarkNotesOfTwoProcesses(b *testing.B) {
	const writers, notes, words = 2, 50_000, 100
	for b.Loop() {
		url := "sqlite:" + filepath.Join(b.TempDir(), "x.db")
		begin := time.Now()
		largest := writeTogether(b, url, writers, notes, words)
		b.ReportMetric(writers*notes/time.Since(begin).Seconds(), "notes/s")
		b.ReportMetric(float64(largest)/1e6, "MB-of-log")
	}
}

func reopen(t *testing.T, url string, o ...Options) opened {
	t.Helper()
	s, err := Open(t.Context(), url, append(o, Options{})[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return insideOf(s)
}

func count(t *testing.T, s opened, from string) (n int) {
	t.Helper()
	if err := s.read.QueryRow("SELECT count(*) FROM " + from).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// wantIntact checks the file's structure, and that the index matches the notes.
func wantIntact(t *testing.T, s opened) {
	t.Helper()
	var found string
	if err := s.read.QueryRow("PRAGMA integrity_check").Scan(&found); err != nil || found != "ok" {
		t.Errorf("integrity check: %s, %v", found, err)
	}
	if _, err := s.write.Exec("INSERT INTO passage_words (passage_words) VALUES ('integrity-check')"); err != nil {
		t.Errorf("the index is damaged: %v", err)
	}
	for _, differ := range []string{
		"(SELECT num FROM passages EXCEPT SELECT rowid FROM passage_words)", "(SELECT rowid FROM passage_words EXCEPT SELECT num FROM passages)",
		"(SELECT num / 4096 FROM passages EXCEPT SELECT num FROM notes)", "(SELECT num FROM notes WHERE indexed = 1 EXCEPT SELECT num / 4096 FROM passages)",
	} {
		if n := count(t, s, differ); n > 0 {
			t.Errorf("the index does not agree with the notes: %d in %s", n, differ)
		}
	}
	s.Close()
}

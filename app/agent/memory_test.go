package agent

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"studysharper/app/agent/agenttest"
	"studysharper/app/llm/openai"
	"studysharper/app/llm/upstreamtest"
	"studysharper/app/study"
)

const (
	longAnswer     = 400_000 // bytes
	longAnswerHeap = 4 << 20 // bytes of heap that a worker may use for it
)

// liveHeap samples the live heap after each collection, and forces frequent collections.
type liveHeap struct {
	peak atomic.Int64
	done atomic.Bool
}

// sentinel is collected in the next cycle.
type sentinel struct{ _ [16]byte }

// watchHeap starts sampling; before is the live heap at the start. stop returns the peak.
func watchHeap() (before int64, stop func() int64) {
	percent := debug.SetGCPercent(10)
	runtime.GC()
	h := &liveHeap{}
	before = h.live()
	var arm func()
	arm = func() {
		runtime.SetFinalizer(&sentinel{}, func(*sentinel) {
			h.peak.Store(max(h.peak.Load(), h.live()))
			if !h.done.Load() {
				arm()
			}
		})
	}
	arm()
	return before, func() int64 {
		h.done.Store(true)
		debug.SetGCPercent(percent)
		return h.peak.Load()
	}
}

// live returns the live heap of the last collection.
func (*liveHeap) live() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64()) //nolint:gosec // far below the limit
}

// longTexts are answers of 400 kB: a text, and more cards than were requested.
func longTexts() map[study.Type]string {
	var cards []string
	size := 0
	for i := 0; size < longAnswer; i++ {
		card := fmt.Sprintf(`{"question": "What is told of number %d?", "answer": "The light reactions happen in the thylakoid membranes, %d times.", "topic": "Light", "difficulty": "easy"}`, i, i)
		cards, size = append(cards, card), size+len(card)
	}
	return map[study.Type]string{
		study.Chat:       strings.Repeat("The Calvin cycle takes place in the stroma of the chloroplast. ", longAnswer/63),
		study.Flashcards: `{"flashcards": [` + strings.Join(cards, ", ") + `]}`,
	}
}

// stopTheWorld makes collections exact: a concurrent collection counts what is allocated meanwhile as live, and that is
// more on a busy machine.
const stopTheWorld = "gcstoptheworld=1"

func TestALongAnswerThatIsStreamedTakesLittleMemory(t *testing.T) {
	if os.Getenv("GODEBUG") != stopTheWorld {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), "GODEBUG="+stopTheWorld)
		out, err := cmd.CombinedOutput()
		if t.Logf("%s", out); err != nil || !strings.Contains(string(out), "kB of heap") {
			t.Error(err)
		}
		return
	}
	for typ, text := range longTexts() {
		checkLongAnswer(t, typ, text)
	}
}

// checkLongAnswer streams a text and measures the heap meanwhile.
func checkLongAnswer(t *testing.T, typ study.Type, text string) {
	t.Helper()
	up := &upstreamtest.Server{Case: upstreamtest.Case{Type: typ, First: upstreamtest.Answer(text, "stop", true)}}
	client := openai.New(openai.Options{BaseURL: up.Listen(t), Model: "test/model", Timeout: 20 * time.Minute})
	b := newBench(&agenttest.Model{}, Options{AnswerTimeout: 20 * time.Minute})
	b.deps.Model = client
	req := study.Request{Type: typ, UserID: agenttest.Alice, SessionID: agenttest.SessionID, Message: "Help me learn this.",
		Options: study.Options{Content: upstreamtest.Material, Count: 20}}
	shown, items := 0, 0
	before, stop := watchHeap()
	out, err := b.Orchestrator.Run(t.Context(), NewID(), req, Observer{Token: func(text string) { shown += len(text) }, Item: func(study.Item) { items++ }})
	took := stop() - before
	if err != nil || up.Calls.Load() != 1 || typ == study.Chat && shown != len(strings.TrimSpace(text)) && shown != len(text) || typ != study.Chat && items < 20 {
		t.Errorf("%s: %v, %d calls, %d bytes and %d items shown", typ, err, up.Calls.Load(), shown, items)
	}
	t.Logf("%s: %d kB of answer, %d kB of heap", typ, len(text)>>10, took>>10)
	if took > longAnswerHeap {
		t.Errorf("%s: %d kB of heap, want %d at most", typ, took>>10, longAnswerHeap>>10)
	}
	runtime.KeepAlive(out)
	_ = client.Close()
}

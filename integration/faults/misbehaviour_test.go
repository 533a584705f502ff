package faults

import (
	"cmp"
	"net/http"
	"strings"
	"sync"
	"time"

	"studysharper/integration/harness"
	"studysharper/loadtest/fakellm"
)

// misbehaviour is a rule of the model, and the answer to a waiting client: 200, or a problem with that code.
type misbehaviour struct {
	rule   fakellm.Rule
	status int
	code   string
	end    string // of a stream if that has another code, or "complete"
	// cardsStatus and cardsCode are the answer to the client that wants flashcards, if it differs: the service reads
	// them from the model as a stream. 0 = the same as the others.
	cardsStatus int
	cardsCode   string
	// atOnce makes the clients send their requests together, if each takes long. Otherwise they take turns: calls that
	// fail together could open a worker's breaker, which would then answer instead of the model.
	atOnce bool
}

// outcome is what one client got.
type outcome struct {
	what   string
	answer harness.Answer
	events []harness.Event
	text   string
	took   time.Duration
	err    error
}

// test checks what is promised for every misbehaviour: three clients, which want a chat, flashcards and a chat's
// stream, each get one error in time; key and prompt are not disclosed; and all is well once the model is.
func (b misbehaviour) test(i *incident) {
	m := i.startScriptedModel(b.rule)
	longest := time.Duration(0)
	for _, got := range m.threeClients(b.atOnce) {
		longest = max(longest, got.took)
		if got.err != nil {
			i.Errorf("%s: %v", got.what, got.err)
			continue
		}
		i.wantAbsent(got.what, string(got.answer.Body), modelKey)
		if got.events == nil {
			one := b
			if got.what == "cards" && b.cardsStatus != 0 {
				one.status, one.code = b.cardsStatus, b.cardsCode
			}
			one.wantAnswer(i, got)
			continue
		}
		b.wantEnd(i, got)
	}
	i.note("answered after %s at most", harness.Short(longest))
	m.recover()
	m.wantNoHarm()
}

// threeClients request each kind of answer.
func (m *scriptedModel) threeClients(atOnce bool) []outcome {
	all := []outcome{{what: "a chat"}, {what: "cards"}, {what: "a stream"}}
	asks := []func(*outcome){
		func(o *outcome) {
			o.answer, o.err = askOnce(m.Instance.Service, http.MethodPost, "/api/ai/process", chat(1))
		},
		func(o *outcome) {
			o.answer, o.err = askOnce(m.Instance.Service, http.MethodPost, harness.ChatURL, flashcards(2))
		},
		func(o *outcome) { o.events, o.text, o.err = runToEnd(m.Instance.Service, chat(3)) },
	}
	var waiting sync.WaitGroup
	for n, ask := range asks {
		waiting.Go(func() {
			began := time.Now()
			ask(&all[n])
			all[n].took = time.Since(began)
		})
		if !atOnce {
			waiting.Wait()
		}
	}
	waiting.Wait()
	return all
}

func (b misbehaviour) wantAnswer(i *incident, got outcome) {
	i.Helper()
	if got.answer.Status != b.status {
		i.Errorf("%s: status %d, want %d: %.300s", got.what, got.answer.Status, b.status, got.answer.Body)
		return
	}
	if b.status == http.StatusOK {
		return
	}
	wantProblem(i.T, got.answer, b.status)
	i.wantAbsent(got.what, string(got.answer.Body), modelKey, studentWords)
	if problemCode(got.answer) != b.code {
		i.Errorf("%s: code %q, want %q", got.what, problemCode(got.answer), b.code)
	}
	if again := got.answer.Header.Get("Retry-After"); (again != "") != (b.status == http.StatusServiceUnavailable) {
		i.Errorf("%s: status %d with Retry-After %q", got.what, b.status, again)
	}
}

// wantEnd checks that a stream has one end, which is not a success, and that the text before the fault is in the
// stream.
func (b misbehaviour) wantEnd(i *incident, got outcome) {
	i.Helper()
	end, err := terminalEvent(got.events)
	if err != nil {
		i.Errorf("%s: %v\n%s", got.what, err, got.text)
		return
	}
	is, want := cmp.Or(end.Code, end.Type), cmp.Or(b.end, b.code, "complete")
	if is != want || (end.Type == "complete") != (want == "complete") {
		i.Errorf("%s: ends with %s %q, want %q:\n%s", got.what, end.Type, end.Code, want, got.text)
	}
	if b.rule.AfterTokens > 0 && !strings.Contains(got.text, `"type":"token"`) {
		i.Errorf("%s: the text before the fault is missing:\n%s", got.what, got.text)
	}
	if end.Type == "error" && b.rule.AfterTokens == 0 {
		i.wantAbsent(got.what, got.text, modelKey, studentWords)
	}
	i.wantAbsent(got.what, got.text, modelKey)
}

package runner

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"

	"studysharper/app/agent/agenttest"
	"studysharper/app/study"
)

// filled sets every field of v, at any depth, to a non-zero value.
func filled(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			filled(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		filled(v.Index(1))
	case reflect.String:
		v.SetString("<é & \u2028 \"x\">")
	case reflect.Int:
		v.SetInt(7)
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic("a request has a field of a kind that no test has seen: " + v.Kind().String())
	}
}

func TestARequestIsWrittenDownWhole(t *testing.T) {
	var full study.Request
	filled(reflect.ValueOf(&full).Elem())
	parsed, err := study.ParseRequest([]byte(`{"type":"quiz_generation","user_id":"u","message":"m","options":{"question_count":99}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []study.Request{full, parsed, agenttest.Asking(study.Exam), {}} {
		got, err := DecodeRequest(encodeRequest(want))
		want.Clients = nil // they contain addresses, and a rerun is not counted twice
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %+v, want %+v", err, got, want)
		}
	}
}

func TestWhatIsNoRequestIsNotDecodedNorQuoted(t *testing.T) {
	for _, raw := range []string{"", "SECRET", `{"Message":["SECRET"]}`, `"SECRET"`} {
		_, err := DecodeRequest([]byte(raw))
		agenttest.FailsWith(t, err, study.CodeMalformed, "SECRET")
	}
}

// died returns the Run of a process that died before the run ended.
func died(t *testing.T) Run {
	t.Helper()
	p := &paper{}
	n := newRunner(agenttest.NewFakes(agenttest.Hangs()), p, Options{})
	if _, err := n.Start(agenttest.Asking(study.Quiz), nil); err != nil {
		t.Fatal(err)
	}
	n.Cancel(p.begun.ID, study.ErrRunCancelled)
	return p.begun
}

func TestARepeatedRunIsTheSameRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := died(t)
		req, err := DecodeRequest(first.Request)
		if err != nil || !reflect.DeepEqual(req, agenttest.Asking(study.Quiz)) {
			t.Fatalf("%v, the request is %+v", err, req)
		}
		b := agenttest.NewFakes(agenttest.Says(agenttest.GoodAnswer(study.Quiz)))
		p := &paper{}
		n := newRunner(b, p, Options{})
		if err := n.Takeover(req, first.ID); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if want := (Run{Session: agenttest.SessionID, ID: first.ID, Owner: agenttest.Alice, Takeover: true}); !reflect.DeepEqual(p.begun, want) {
			t.Errorf("begun as %+v, want %+v", p.begun, want)
		}
		agenttest.CheckSteps(t, p.progress(t))
		if kind, _ := p.terminal(t); kind != study.KindComplete || n.Counts() != (Counts{Completed: 1}) || b.Store.Executions[0].RunID != first.ID {
			t.Errorf("%s, counts %+v, execution %+v", kind, n.Counts(), b.Store.Executions[0])
		}
	})
}

func TestARunIsNotRepeatedWhereItIsNotLetIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := died(t)
		taken := study.Errorf(study.CodeNotFound, "run not found")
		full := func(n *Runner) {
			if _, err := n.Start(agenttest.Asking(study.Quiz), nil); err != nil {
				t.Fatal(err)
			}
		}
		for name, c := range map[string]struct {
			before func(*Runner)
			o      Options
			begin  error
			want   study.Code
		}{
			"it drains":             {before: func(n *Runner) { _ = n.Drain(t.Context()) }, want: study.CodeUnavailable},
			"it is full":            {before: full, o: Options{MaxRuns: 1}, want: study.CodeOverloaded},
			"the container is full": {o: Options{Admit: func() (func(), bool) { return nil, false }}, want: study.CodeOverloaded},
			"another was faster":    {begin: taken, want: study.CodeNotFound},
			"there is no journal":   {begin: errors.New("no relay"), want: study.CodeUnavailable},
		} {
			b := agenttest.NewFakes(agenttest.Hangs())
			p := &paper{begin: c.begin}
			n := newRunner(b, p, c.o)
			if c.before != nil {
				c.before(n)
				synctest.Wait()
			}
			calls, active := b.Model.Calls(), n.Counts().Active
			agenttest.FailsWith(t, n.Takeover(agenttest.Asking(study.Quiz), first.ID), c.want)
			synctest.Wait()
			if b.Model.Calls() != calls || n.Counts() != (Counts{Active: active}) || slices.Contains(p.kinds(), study.KindError) {
				t.Errorf("%s: %d calls, counts %+v, events %v", name, b.Model.Calls(), n.Counts(), p.kinds())
			}
			n.stopAdmission()
			n.cancelAll(errDraining())
		}
		agenttest.FailsWith(t, newRunner(agenttest.NewFakes(agenttest.Hangs()), &paper{}, Options{}).Takeover(study.Request{}, first.ID), study.CodeInvalid)
	})
}

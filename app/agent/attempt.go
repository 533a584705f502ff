package agent

import (
	"context"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"studysharper/app/agent/prompt"
	"studysharper/app/agent/validate"
	"studysharper/app/study"
)

const (
	checkedByRules = "rules"
	maxFaultsTold  = 3 // in the error of an unusable answer
)

// made is an answer without anything that is the student's own: what equal briefs
// share.
type made struct {
	aid        study.Aid
	validation study.Validation
	warnings   []string
	model      string
}

// hooks are told how an answer comes along; token may be nil.
type hooks struct {
	step  func(int)
	token func(string)
}

// attempt is the work on one answer: the model is asked, what is wrong is sent
// back, and the best that came is taken.
type attempt struct {
	*run
	hooks hooks
	first study.Prompt
	best  *made
	wrong []string // with the last answer
	tries int
	spent int // tokens
}

// make produces the answer to the run's brief, and says how many tokens that took,
// also when it failed. It reads nothing of the run that changes, for it may outlive it.
func (r *run) make(ctx context.Context, h hooks) (m *made, tokens int, err error) {
	a := &attempt{run: r, hooks: h, first: prompt.Build(r.brief)}
	if err := a.askUntilGood(ctx); err != nil {
		return nil, a.spent, err
	}
	if a.best == nil {
		told := strings.Join(a.wrong[:min(len(a.wrong), maxFaultsTold)], "; ")
		return nil, a.spent, study.Errorf(study.CodeUpstreamFailed, "the model's answer could not be used: %s", told)
	}
	h.step(5)
	if broken := validate.Safety(a.best.aid); len(broken) > 0 {
		return nil, a.spent, withheld(broken[0])
	}
	a.best.validation.Attempts = a.tries
	return a.best, a.spent, nil
}

// maxTries is how often the model is asked at most.
func (a *attempt) maxTries() int {
	switch {
	case a.o.Deterministic:
		return 1
	case a.brief.Type == study.Chat:
		return 1 + min(a.o.Retries, 1)
	default:
		return 1 + a.o.Retries
	}
}

// askUntilGood fills best. A failing correction is no loss when an answer is there.
func (a *attempt) askUntilGood(ctx context.Context) error {
	next := a.first
	for a.tries < a.maxTries() {
		a.tries++
		answer, err := a.ask(ctx, next)
		a.spent += answer.Tokens
		if err != nil {
			if a.best != nil && ctx.Err() == nil {
				return nil
			}
			return err
		}
		a.hooks.step(4)
		a.judge(answer)
		if len(a.wrong) == 0 {
			return nil
		}
		next = prompt.Correct(a.first, answer.Text, a.wrong)
	}
	return nil
}

// ask calls the model; a chat that somebody watches is streamed, through a guard
// that stops it where it turns unsafe.
func (a *attempt) ask(ctx context.Context, p study.Prompt) (study.Answer, error) {
	if a.hooks.token == nil || p.JSON {
		return a.Model.Generate(ctx, p, nil)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	g := &guard{say: a.hooks.token, stop: cancel}
	answer, err := a.Model.Generate(ctx, p, g.hear)
	if err == nil {
		g.finish()
	}
	if g.broken != "" {
		return answer, withheld(g.broken)
	}
	return answer, err
}

// judge keeps the answer if it is the best so far, and sets what is wrong with it.
func (a *attempt) judge(answer study.Answer) {
	b := a.brief
	aid, fault := prompt.Parse(b.Type, answer.Text)
	if fault != "" {
		a.wrong = []string{fault}
		return
	}
	validate.Settle(aid, b.Options)
	if a.wrong = aid.Check(b.Options); len(a.wrong) > 0 {
		return
	}
	report := validate.Rules(aid, b)
	m := &made{aid: aid, model: answer.Model, validation: study.Validation{
		SafetyScore: score(new(1.0)), QualityScore: score(report.Quality), Accuracy: score(report.Accuracy),
		Passed: report.Passed, CheckedBy: checkedByRules, Issues: report.Issues,
	}}
	if missing := study.Shortfall(aid, b.Options); missing > 0 {
		asked := study.Asked(b.Type, b.Options)
		a.wrong = append(a.wrong, fmt.Sprintf("there are %d items where %d were asked for", asked-missing, asked))
		m.warnings = []string{fmt.Sprintf("made %d of %d: the text holds no more", asked-missing, asked)}
	}
	if !report.Passed {
		a.wrong = append(a.wrong, report.Issues...)
	}
	if reply, ok := aid.(*study.Reply); ok {
		reply.ContextUsed = study.ContextUsed{Notes: a.known.notes, Messages: len(a.known.history), Content: a.known.content}
	}
	if a.best == nil || a.best.worth(b) < m.worth(b) {
		a.best = m
	}
}

// worth orders answers: first whether it passed, then its scores, then its items.
func (m *made) worth(b study.Brief) float64 {
	sum := 0.0
	for _, s := range []*float64{m.validation.QualityScore, m.validation.Accuracy} {
		if s != nil {
			sum += *s
		}
	}
	if m.validation.Passed {
		sum += 10
	}
	if asked := study.Asked(b.Type, b.Options); asked > 0 {
		sum += float64(study.Items(m.aid)) / float64(asked)
	}
	return sum
}

// score rounds to three places, which is more than the rules know.
func score(s *float64) *float64 {
	if s == nil {
		return nil
	}
	return new(math.Round(*s*1000) / 1000)
}

func withheld(category string) *study.Error {
	return study.Errorf(study.CodeWithheld, "the answer was withheld by the safety check (%s)", category)
}

// Bounds of the guard, in bytes.
const (
	guardLookBack = 400 // how far back a rule may begin
	guardHold     = 200 // most text held back for want of a word's end
)

// guard passes a streamed answer on in whole words, each checked together with what
// went before it, so that the last word of an unsafe phrase never goes out.
type guard struct {
	say    func(string)
	stop   context.CancelCauseFunc
	text   []byte
	said   int
	broken string
}

// hear takes a piece of the answer.
func (g *guard) hear(piece string) {
	if g.broken != "" {
		return
	}
	g.text = append(g.text, piece...)
	g.release(g.said + wholeWords(g.text[g.said:]))
}

// finish passes on what is held back.
func (g *guard) finish() {
	if g.broken == "" {
		g.release(len(g.text))
	}
}

func (g *guard) release(end int) {
	if end <= g.said {
		return
	}
	from := max(0, g.said-guardLookBack)
	for from > 0 && from < g.said && g.text[from] != ' ' { // a word cut in two could be another word
		from++
	}
	if g.broken = validate.Unsafe(string(g.text[from:end])); g.broken != "" {
		g.stop(withheld(g.broken))
		return
	}
	g.say(string(g.text[g.said:end]))
	g.said = end
}

// wholeWords is how much of text ends with a finished word; text without one is
// held up to guardHold bytes.
func wholeWords(text []byte) int {
	for i := len(text); i > 0; {
		r, size := utf8.DecodeLastRune(text[:i])
		if r != utf8.RuneError && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return i
		}
		i -= size
	}
	if len(text) < guardHold {
		return 0
	}
	end := len(text)
	for range utf8.UTFMax - 1 { // not in the middle of a character
		if r, size := utf8.DecodeLastRune(text[:end]); r != utf8.RuneError || size != 1 {
			break
		}
		end--
	}
	return end
}

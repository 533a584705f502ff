package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"studysharper/app/agent/agenttest"
	"studysharper/app/offline/engine"
	"studysharper/app/study"
	"studysharper/app/testkit"
)

// longText returns n sentences of 12 words in sections, each with a fact of its own.
func longText(n int) string {
	var b strings.Builder
	for i := range n {
		if i%100 == 0 {
			fmt.Fprintf(&b, "\n## Chapter %d\n\n", i/100+1)
		}
		fmt.Fprintf(&b, "The %s is an organ that makes substance %s in cell layer %d of plants.", name("Gor", i), name("zel", i), i)
		if b.WriteByte(' '); i%5 == 4 {
			b.WriteString("\n\n")
		}
	}
	return b.String()
}

// name returns a made-up word, a different one for each number.
func name(prefix string, n int) string {
	word := prefix
	for range 4 {
		word += []string{"ba", "du", "fi", "ko", "lem", "mur", "nis", "pol", "ra", "tev"}[n%10]
		n /= 10
	}
	return word
}

// readingModel is a model that answers from the material that it receives: with the requested number of items, spread
// over the material, each quoting a sentence.
type readingModel struct {
	agenttest.Model
	mu     sync.Mutex
	active int
	most   int
	bytes  int
}

func (m *readingModel) Generate(ctx context.Context, p study.Prompt, onText func(string)) (study.Answer, error) {
	m.mu.Lock()
	m.active++
	m.most = max(m.most, m.active)
	for _, turn := range p.Turns {
		m.bytes += len(turn.Text)
	}
	m.mu.Unlock()
	defer func() { m.mu.Lock(); m.active--; m.mu.Unlock() }()
	return m.Model.Generate(ctx, p, onText)
}

// materialOf returns the text between the fences of a prompt.
func materialOf(p study.Prompt) string {
	_, after, _ := strings.Cut(p.Turns[len(p.Turns)-1].Text, "<<<MATERIAL ")
	_, after, _ = strings.Cut(after, "\n")
	material, _, _ := strings.Cut(after, "\nMATERIAL ")
	return material
}

func sentencesOf(material string) (list []string) {
	for s := range strings.SplitSeq(strings.ReplaceAll(material, "\n", ". "), ". ") {
		if s = strings.TrimSpace(s); strings.HasPrefix(s, "The ") || strings.HasPrefix(s, "- The ") {
			list = append(list, strings.TrimPrefix(s, "- "))
		}
	}
	return list
}

func newReadingModel() *readingModel {
	m := &readingModel{}
	m.Answer = func(_ context.Context, _ int, p study.Prompt, onText func(string)) (study.Answer, error) {
		found := sentencesOf(materialOf(p))
		text := answerFrom(p.Brief, found)
		if onText != nil {
			onText(text)
		}
		return study.Answer{Text: text, Model: "reader", Tokens: 10, Calls: 1}, nil
	}
	return m
}

// answerFrom returns an answer in the model's format, with quotes of the sentences.
func answerFrom(b study.Brief, found []string) string {
	n := study.Asked(b.Type, b.Options)
	if n == 0 {
		n = 10
	}
	var items []map[string]any
	for i := range min(n, len(found)) {
		s := found[i*len(found)/min(n, len(found))]
		words := strings.Fields(s)
		item := map[string]any{"evidence": s}
		switch b.Type {
		case study.Flashcards:
			item["question"], item["answer"], item["topic"], item["difficulty"] = "What is the "+words[1]+"?", "It makes "+words[8]+".", "plants", "easy"
		case study.Quiz, study.Exam:
			item["type"], item["question"], item["correct_answer"], item["points"], item["explanation"] = "true_false", s+".", true, 10, ""
		case study.Summary:
			item["point"], item["details"], item["importance"] = s+".", "", "high"
		case study.Plan:
			item = map[string]any{"day": i + 1, "topic": words[1], "activities": []string{"read"}, "minutes": 30}
		}
		items = append(items, item)
	}
	var whole any
	switch b.Type {
	case study.Flashcards:
		whole = map[string]any{"flashcards": items}
	case study.Quiz:
		whole = map[string]any{"title": "Plants", "questions": items}
	case study.Exam:
		whole = map[string]any{"title": "Plants", "sections": []any{map[string]any{"section_name": "A", "instructions": "Answer.", "questions": items}}}
	case study.Summary:
		term := map[string]any{"term": strings.Fields(found[0])[1], "definition": "an organ", "evidence": found[0]}
		whole = map[string]any{"title": "Plants", "main_points": items, "key_terms": []any{term}, "text": "Plants have organs."}
	case study.Plan:
		whole = map[string]any{"title": "Plants", "sessions": items}
	default:
		whole = map[string]any{"strengths": []string{"names " + strings.Fields(found[0])[1]}, "gaps": []string{"no figures"}, "key_concepts": []string{}, "suggestions": []string{}}
	}
	raw, _ := json.Marshal(whole)
	return string(raw)
}

// checkCoverage fails unless every source is in the text, and every tenth of the text has a source.
func checkCoverage(t *testing.T, aid study.Aid, text string) {
	t.Helper()
	var tenths [10]int
	runes := []rune(text)
	study.EachOrigin(aid, func(o *study.Origin, _ string) {
		if o.Source == nil || o.Unverified {
			t.Errorf("%s has no source", o.ID)
			return
		}
		if got := string(runes[o.Source.Start:o.Source.End]); got != o.Source.Quote {
			t.Errorf("%q is at the place of %q", got, o.Source.Quote)
		}
		tenths[min(10*o.Source.Start/len(runes), 9)]++
	})
	if slices.Contains(tenths[:], 0) {
		t.Errorf("%s: items by tenths: %v", aid.Type(), tenths)
	}
}

const longSentences = 24_000 / 14 // of 14 words

func TestAidsOfALongTextAreFromAllOfIt(t *testing.T) {
	text := longText(longSentences)
	for _, typ := range []study.Type{study.Flashcards, study.Quiz, study.Exam, study.Summary} {
		m := newReadingModel()
		b := newBench(&m.Model, Options{})
		b.Orchestrator.deps.Model = m
		req := study.Request{Type: typ, UserID: agenttest.Alice, SessionID: agenttest.SessionID, Message: "Help me learn this.",
			Options: study.Options{Content: text, Count: 30, QuestionCount: 30}}
		var w watched
		out, err := b.Run(t.Context(), req, &w)
		if err != nil {
			t.Fatal(err)
		}
		checkCoverage(t, out.Result.Data, text)
		parts := strings.Count(agenttest.JSON(w.progress), " parts of the text")
		calls := parts
		if typ == study.Summary {
			calls++
		} else if n := study.Items(out.Result.Data); n != 30 {
			t.Errorf("%s: %d items", typ, n)
		}
		if parts < 2 || parts > 4 || m.Calls() != calls || out.Result.Metadata.Calls != calls || len(out.Result.Warnings) != 0 || out.Result.ContextUsed.Share != 1 {
			t.Errorf("%s: %d parts, %d calls, %q, %+v", typ, parts, m.Calls(), out.Result.Warnings, out.Result.ContextUsed)
		}
		if float64(m.bytes) > 1.15*float64(len(text)) {
			t.Errorf("%s: %d bytes sent for %d", typ, m.bytes, len(text))
		}
		if last := fmt.Sprintf("Read %d of %d parts of the text", parts, parts); !slices.ContainsFunc(w.progress, func(p study.Progress) bool { return p.Message == last && p.Step == 3 }) {
			t.Errorf("%s: progress %+v", typ, w.progress)
		}
	}
}

// plainText returns n sentences in which the built-in engine finds facts.
func plainText(n int) string {
	organs := strings.Fields("liver kidney heart lung stomach brain spleen bladder pancreas skin tongue eye ear nose thymus thyroid colon womb muscle bone")
	animals := strings.Fields("horse whale badger otter falcon lizard salmon beetle hedgehog camel giraffe raven tiger walrus donkey squirrel")
	acts := strings.Fields("stores filters absorbs releases produces dissolves transports measures")
	things := strings.Fields("water sugar oxygen iron calcium protein vitamin starch salt nitrogen acid hormone")
	people := strings.Fields("Miller Harrison Whitfield Donovan Abbott Carlisle Brennan Thornton Maxwell Sinclair")
	var b strings.Builder
	for i := range n {
		organ, animal, act, thing := organs[i%len(organs)], animals[i/3%len(animals)], acts[i/7%len(acts)], things[i/11%len(things)]
		term := strings.ToLower(name("gor", i))
		switch i % 4 {
		case 0:
			fmt.Fprintf(&b, "A %s is a cell of the %s that %s %s. ", term, organ, act, thing)
		case 1:
			fmt.Fprintf(&b, "Robert %s described the %s of the %s in %d. ", people[i/5%len(people)], organ, animal, 1500+i%500)
		case 2:
			fmt.Fprintf(&b, "Because the %s of the %s %s %s, the animal survives winter number %d. ", organ, animal, act, thing, i)
		default:
			fmt.Fprintf(&b, "The %s of the %s %s about %d grams of %s every day. ", organ, animal, act, i, thing)
		}
		if i%6 == 5 {
			b.WriteString("\n\n")
		}
	}
	return b.String()
}

func TestTheBuiltInEngineReadsAllOfALongText(t *testing.T) {
	testkit.SkipShort(t, "makes aids of up to 125 kB five times")
	for _, c := range []struct {
		sentences int // of 12 words
		typ       study.Type
	}{{500, study.Flashcards}, {500, study.Quiz}, {500, study.Exam}, {500, study.Summary}, {testkit.Size(2_500, 5_000), study.Flashcards}} { // the last one is longer than the engine's sample
		text := plainText(c.sentences)
		b := newBench(nil, Options{Deterministic: true})
		b.Orchestrator.deps.Model = engine.New()
		req := study.Request{Type: c.typ, UserID: agenttest.Alice, SessionID: agenttest.SessionID, Message: "Help me learn this.",
			Options: study.Options{Content: text, Count: 20, QuestionCount: 20, Length: study.Long}}
		out, err := b.Run(t.Context(), req, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkCoverage(t, out.Result.Data, text)
	}
}

func TestATextThatIsTooLongForAllCallsIsReadInPart(t *testing.T) {
	text := "<!-- page 1 -->\n" + longText(3_000) + "\n\n<!-- page 312 -->\n" + longText(100)
	m := newReadingModel()
	b := newBench(&m.Model, Options{MaxCalls: 4, ContextTokens: func(context.Context) int { return 16_000 }})
	b.Orchestrator.deps.Model = m
	b.Store.Notes = []study.Note{note(noteID, "Plants", text), note("small", "A word", "The Lonely is an organ that makes substance zelx in cell layer 0 of plants. ")}
	req := study.Request{Type: study.Flashcards, UserID: agenttest.Alice, SessionID: agenttest.SessionID, NoteIDs: []string{noteID, "small"}, Options: study.Options{Count: 30}}
	out, err := b.Run(t.Context(), req, nil)
	if err != nil {
		t.Fatal(err)
	}
	used := out.Result.ContextUsed
	if m.Calls() != 3 || m.most > parallelParts || used.Share < .15 || used.Share > .4 || len(used.Notes) != 2 || used.Notes[1].Passages != 1 || used.Notes[0].Passages < 40 {
		t.Errorf("%d calls, %d at once, used %+v", m.Calls(), m.most, used)
	}
	if want := fmt.Sprintf("read %d %% of 312 pages, evenly spread: the text is too long for one request", int(math.Round(used.Share*100))); !slices.Contains(out.Result.Warnings, want) {
		t.Errorf("warnings %q, want %q", out.Result.Warnings, want)
	}
	for _, p := range m.Prompts {
		if n := len(materialOf(p)); n > (16_000-promptTokens-6_000)*bytesPerToken+10_000 {
			t.Errorf("%d bytes of material for a context of 16,000 tokens", n)
		}
	}
	var tenths [10]int
	study.EachOrigin(out.Result.Data, func(o *study.Origin, _ string) {
		if o.Source == nil {
			t.Errorf("%s has no source", o.ID)
		} else if o.Source.NoteID == noteID {
			tenths[10*o.Source.Start/utf8.RuneCountInString(text)]++
		}
	})
	if slices.Contains(tenths[:], 0) {
		t.Errorf("items by tenths of the note: %v", tenths)
	}
}

func TestAPartThatFailsIsLeftOutAndTold(t *testing.T) {
	text := longText(longSentences)
	m := newReadingModel()
	answer := m.Answer
	m.Answer = func(ctx context.Context, call int, p study.Prompt, onText func(string)) (study.Answer, error) {
		if strings.Contains(p.Turns[len(p.Turns)-1].Text, "part 2 of ") {
			return study.Answer{Calls: 1}, study.Errorf(study.CodeUpstreamFailed, "no")
		}
		return answer(ctx, call, p, onText)
	}
	b := newBench(&m.Model, Options{})
	req := study.Request{Type: study.Flashcards, UserID: agenttest.Alice, SessionID: agenttest.SessionID, Message: "cards", Options: study.Options{Content: text, Count: 10}}
	out, err := b.Run(t.Context(), req, nil)
	if err != nil || len(b.Cache.Keys()) != 0 || out.Result.ContextUsed.Share > .7 {
		t.Fatalf("%v, %+v", err, out.Result)
	}
	if n := study.Items(out.Result.Data); n < 5 || n > 7 {
		t.Errorf("%d items", n)
	}
	if !slices.ContainsFunc(out.Result.Warnings, func(w string) bool { return strings.HasPrefix(w, "read ") }) {
		t.Errorf("warnings %q", out.Result.Warnings)
	}
	m.Answer = func(context.Context, int, study.Prompt, func(string)) (study.Answer, error) {
		return study.Answer{Calls: 1}, study.Errorf(study.CodeUpstreamFailed, "no")
	}
	if _, err := b.Run(t.Context(), req, nil); !study.IsCode(err, study.CodeUpstreamFailed) {
		t.Errorf("all parts failed with %v", err)
	}
}

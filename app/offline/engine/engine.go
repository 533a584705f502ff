// Package engine makes study aids without a language model, from the words of the
// material. Its main idea: it never states anything that the text does not state. It selects,
// shortens, inverts and blanks out sentences of the material, checks that the result is
// still true and grammatical, and makes fewer items instead of a wrong one. Equal input
// gives equal output.
package engine

import (
	"context"
	"encoding/json"
	"strings"

	"studysharper/app/offline/clean"
	"studysharper/app/offline/facts"
	"studysharper/app/study"
)

// Name is the engine's name in answers.
const Name = "offline-extractive-1"

// Engine answers study.Prompts from their material. It has no state and starts no
// goroutines: the methods are safe for concurrent use.
type Engine struct{}

// New makes an Engine.
func New() *Engine { return &Engine{} }

// Name returns the engine's name as a model, "offline-extractive-1".
func (e *Engine) Name() string { return Name }

// Generate answers p.Brief and ignores the rest of p. For study.Chat the answer is
// plain text, and is passed to onText, if that is not nil, in pieces that add up
// to Answer.Text. For every other type it is the JSON of the matching study.Aid
// (onText is not called), with fewer items than requested if the material
// has no more. Answer.Tokens is 0. Answer.Warnings list the parts of the material that
// were left out, and its language if that is not English.
//
// A sentence of the material that makes the engine panic is omitted (text.Guard).
//
// Errors: CodeInvalid with a fault on options.content if a type other than Chat
// has no usable material; context.Cause(ctx), as CodeTimeout, if ctx ends first.
// From very long material an even sample of 2000 sentences is used, so that 1 MB
// takes well under a second.
func (e *Engine) Generate(ctx context.Context, p study.Prompt, onText func(string)) (study.Answer, error) {
	answer := study.Answer{Model: Name}
	var err error
	o := facts.NewOutline(p.Brief.Material)
	answer.Text, err = attemptFor(ctx, p.Brief).answer(o)
	if err == nil && p.Brief.Type == study.Chat {
		answer.Text = o.Text().Restore(answer.Text, strings.Clone)
		err = streamText(ctx, answer.Text, onText)
	} else {
		answer.Text = o.Text().Restore(answer.Text, escapeJSON)
		answer.Warnings = warnings(o)
	}
	if err != nil {
		return study.Answer{}, study.Wrap(err, study.CodeTimeout, "the answer was not finished in time")
	}
	return answer, nil
}

// escapeJSON returns s escaped for the inside of a JSON string.
func escapeJSON(s string) string {
	raw, _ := json.Marshal(s) // a string can always be encoded
	return string(raw[1 : len(raw)-1])
}

// warnings lists, for the student, the parts of the material that were left out or that the engine
// does not understand.
func warnings(o facts.Outline) []string {
	var out []string
	if w := o.Language().Warning(); w != "" {
		out = append(out, w)
	}
	if dropped := o.Text().Dropped; len(dropped) > 0 {
		out = append(out, "left out of the text: "+strings.Join(dropped, ", "))
	}
	return out
}

// attemptFor returns the attempt that answers b.
func attemptFor(ctx context.Context, b study.Brief) attempt {
	return func(o facts.Outline) (string, error) {
		if b.Type == study.Chat {
			return answerChat(ctx, o, b)
		}
		return aidJSON(ctx, o, b)
	}
}

// streamText passes text to onText one word at a time.
func streamText(ctx context.Context, text string, onText func(string)) error {
	if onText == nil {
		return nil
	}
	for piece := range strings.SplitAfterSeq(text, " ") {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if piece != "" {
			onText(piece)
		}
	}
	return nil
}

// A source is the analysed material that the makers work on.
type source struct{ *facts.Source }

// newSource reads an outline.
func newSource(ctx context.Context, o facts.Outline) (source, error) {
	src, err := facts.Read(ctx, o)
	return source{src}, err
}

// quoting returns sentence i as the origin of an item.
func (src source) quoting(i int) study.Origin {
	return study.Origin{Source: &study.Source{Quote: src.Sentences[i].Text}}
}

// makers has the maker of each type except Chat. A maker returns nil if the material
// is too thin for even one item.
var makers = map[study.Type]func(context.Context, source, study.Brief) study.Aid{
	study.Flashcards: makeFlashcards,
	study.Quiz:       makeQuiz,
	study.Exam:       makeExam,
	study.Summary:    makeSummary,
	study.Analysis:   makeAnalysis,
	study.Plan:       makePlan,
}

// aidJSON makes the study aid that b requests from o, the outline of b's material.
func aidJSON(ctx context.Context, o facts.Outline, b study.Brief) (string, error) {
	maker := makers[b.Type]
	if maker == nil {
		return "", study.Errorf(study.CodeInvalid, "the offline engine does not know this type of request")
	}
	if strings.TrimSpace(b.Material) == "" {
		return "", materialFault("there is nothing to make this from: give the text to study here, name notes in explicit_note_ids, or put the text in the message")
	}
	if refusal := clean.Refusal(b.Material); refusal != "" {
		return "", materialFault(refusal)
	}
	src, err := newSource(ctx, o)
	if err != nil {
		return "", err
	}
	src.Aim(b)
	aid := maker(ctx, src, b)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if aid == nil && len(src.Sentences) > manySentences {
		return "", materialFault("No clear facts were found in your notes. Add headings and definitions, or a list of “term: definition” lines.")
	}
	if aid == nil {
		return "", materialFault("Your notes are too short. Paste a paragraph, or a list of “term: definition” lines.")
	}
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(aid); err != nil {
		return "", study.Wrap(err, study.CodeInternal, "the study aid could not be written down")
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// manySentences is the number of sentences from which notes are not considered too short.
const manySentences = 8

// materialFault is the error for material that is missing or too short.
func materialFault(detail string) error {
	return study.Invalid([]study.Fault{{Field: "options.content", Detail: detail}})
}

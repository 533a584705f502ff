package agent

import (
	"strings"
	"testing"

	"studysharper/app/llm/upstreamtest"
	"studysharper/app/study"
)

// inOwnWords are right answers about upstreamtest.Material that use hardly any of its words; inGerman are answers in
// another language. Both have the requested shape.
var (
	inOwnWords = map[study.Type]string{
		study.Flashcards: `{"flashcards": [{"question": "How does a leaf make food?", "answer": "It turns sunshine into sugar", "topic": "Leaves", "difficulty": "easy"},
			{"question": "What gas comes out?", "answer": "The one that we breathe", "topic": "Leaves", "difficulty": "easy"}, {"question": "Why do trees seem verdant?", "answer": "One colour bounces back", "topic": "Leaves", "difficulty": "hard"}]}`,
		study.Quiz: `{"title": "Leaves", "questions": [{"type": "multiple_choice", "question": "What does a leaf make of sunshine?", "options": ["Stone", "Sugar", "Salt", "Sand"], "correct_index": 1, "explanation": "It feeds itself.", "points": 2},
			{"type": "true_false", "question": "Trees seem verdant because one colour bounces back.", "correct_answer": true, "explanation": "The others are swallowed.", "points": 1},
			{"type": "short_answer", "question": "What gas comes out?", "acceptable_answers": ["What we breathe"], "explanation": "It is set free.", "points": 1}]}`,
		study.Exam: `{"title": "Leaves", "sections": [{"section_name": "One", "instructions": "Choose.", "questions": [{"type": "multiple_choice", "question": "What does a leaf make of sunshine?", "options": ["Stone", "Sugar", "Salt", "Sand"], "correct_index": 1, "explanation": "It feeds itself.", "points": 2},
			{"type": "true_false", "question": "Trees seem verdant because one colour bounces back.", "correct_answer": true, "explanation": "The others are swallowed.", "points": 1},
			{"type": "short_answer", "question": "What gas comes out?", "sample_answer": "What we breathe", "rubric": "Names it.", "explanation": "It is set free.", "points": 1}]}]}`,
		study.Summary:  `{"title": "Leaves", "main_points": [{"point": "Leaves feed themselves", "details": "Sunshine becomes sugar.", "importance": "high"}], "key_terms": [{"term": "Pigment", "definition": "A dye"}], "text": "Sunshine becomes sugar in two steps."}`,
		study.Analysis: `{"strengths": ["Clear and short"], "gaps": ["No formula"], "key_concepts": ["How trees feed"], "suggestions": ["Sketch a leaf"]}`,
		study.Plan: `{"title": "Two evenings", "sessions": [{"day": 1, "topic": "Sunshine", "activities": ["Sketch a leaf"], "minutes": 20}, {"day": 1, "topic": "Sugar", "activities": ["Explain it to a friend"], "minutes": 20},
			{"day": 2, "topic": "Colours", "activities": ["Test yourself"], "minutes": 20}]}`,
	}
	inGerman = map[study.Type]string{
		study.Flashcards: `{"flashcards": [{"evidence": "convert light energy into chemical energy", "question": "Was ist die Fotosynthese?", "answer": "Die Umwandlung von Licht in chemische Energie", "topic": "Pflanzen", "difficulty": "easy"},
			{"evidence": "The Calvin cycle takes place in the stroma", "question": "Wo läuft der Calvin-Zyklus ab?", "answer": "Im Stroma", "topic": "Pflanzen", "difficulty": "easy"},
			{"evidence": "", "question": "Was wird frei?", "answer": "Sauerstoff", "topic": "Pflanzen", "difficulty": "easy"}]}`,
		study.Quiz: `{"title": "Pflanzen", "questions": [{"type": "multiple_choice", "evidence": "takes place in the stroma", "question": "Wo läuft der Calvin-Zyklus ab?", "options": ["Im Kern", "Im Stroma", "Im Wasser", "Im Licht"], "correct_index": 1, "explanation": "Im Stroma.", "points": 2},
			{"type": "true_false", "evidence": "Water is split", "question": "Wasser wird gespalten.", "correct_answer": true, "explanation": "So entsteht Sauerstoff.", "points": 1},
			{"type": "short_answer", "evidence": "reflects green light", "question": "Welches Licht wird zurückgeworfen?", "acceptable_answers": ["Grünes"], "explanation": "Darum sind Blätter grün.", "points": 1}]}`,
		study.Exam: `{"title": "Pflanzen", "sections": [{"section_name": "Eins", "instructions": "Wähle.", "questions": [{"type": "multiple_choice", "evidence": "takes place in the stroma", "question": "Wo läuft der Calvin-Zyklus ab?", "options": ["Im Kern", "Im Stroma", "Im Wasser", "Im Licht"], "correct_index": 1, "explanation": "Im Stroma.", "points": 2},
			{"type": "true_false", "evidence": "Water is split", "question": "Wasser wird gespalten.", "correct_answer": true, "explanation": "So entsteht Sauerstoff.", "points": 1},
			{"type": "short_answer", "evidence": "reflects green light", "question": "Welches Licht wird zurückgeworfen?", "sample_answer": "Grünes", "rubric": "Nennt Grün.", "explanation": "Darum sind Blätter grün.", "points": 1}]}]}`,
		study.Summary:  `{"title": "Pflanzen", "main_points": [{"evidence": "convert light energy", "point": "Pflanzen wandeln Licht um", "details": "Es entsteht chemische Energie.", "importance": "high"}], "key_terms": [], "text": "Pflanzen leben vom Licht."}`,
		study.Analysis: `{"strengths": ["Knapp und klar"], "gaps": ["Keine Formel"], "key_concepts": ["Fotosynthese"], "suggestions": ["Zeichne ein Blatt"]}`,
		study.Plan: `{"title": "Zwei Abende", "sessions": [{"day": 1, "topic": "Licht", "activities": ["Zeichnen"], "minutes": 20}, {"day": 1, "topic": "Zucker", "activities": ["Erklären"], "minutes": 20},
			{"day": 2, "topic": "Farben", "activities": ["Abfragen"], "minutes": 20}]}`,
	}
)

// Limits of a request's size: bytes sent for each byte of the material, for a text that is read as a whole. An exam's
// schema and shape need 3.9 kB, whatever the text.
const (
	materialOnce  = 1.15
	materialBytes = 32_000
)

func TestRightAnswersTakeOneCallAndTheMaterialOnce(t *testing.T) {
	text := strings.Repeat(upstreamtest.Material+"\n", materialBytes/len(upstreamtest.Material))
	for name, answers := range map[string]map[study.Type]string{"verbatim": upstreamtest.Good, "in its own words": inOwnWords, "in another language": inGerman} {
		for _, typ := range upstreamtest.JSONTypes {
			raw := upstreamtest.Answer(answers[typ], "stop", true)
			got := replayText(t, upstreamtest.Case{Behaviour: name, Type: typ, First: raw, Second: raw}, text, true)
			if got.err != nil || got.calls != 1 || !got.out.Result.Validation.Passed || len(got.out.Result.Warnings) > 0 || got.cached != 1 {
				t.Errorf("%s, %s: %v, %d calls, warnings %q, %+v", name, typ, got.err, got.calls, got.out.Result.Warnings, got.out.Result.Validation)
			}
			if n, most := got.sent, materialOnce*float64(len(text)); float64(n) > most {
				t.Errorf("%s, %s: %d bytes sent for %d of material", name, typ, n, len(text))
			} else {
				t.Logf("%s, %s: %.3f of the material sent", name, typ, float64(n)/float64(len(text)))
			}
		}
	}
}

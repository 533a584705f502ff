package upstreamtest

import "studysharper/app/study"

// Material is the text that the recorded answers were made from.
const Material = `Photosynthesis is the process by which plants convert light energy into chemical energy. ` +
	`The light reactions happen in the thylakoid membranes. The Calvin cycle takes place in the stroma. ` +
	`Chlorophyll is a pigment that reflects green light, so leaves look green. ` +
	`Water is split during the light reactions, which releases oxygen.`

// JSONTypes are the types whose answers are objects.
var JSONTypes = []study.Type{study.Flashcards, study.Quiz, study.Exam, study.Summary, study.Analysis, study.Plan}

// Items is the number of cards, questions and sessions in the good answers.
const Items = 3

// Good are good answers about Material, in the shape of the API.
var Good = map[study.Type]string{
	study.Chat: "Chlorophyll reflects green light, so leaves look green. The Calvin cycle takes place in the stroma.",
	study.Flashcards: `{"flashcards": [` +
		`{"question": "What is photosynthesis?", "answer": "The process by which plants convert light energy into chemical energy.", "topic": "Photosynthesis", "difficulty": "medium"}, ` +
		`{"question": "Where do the light reactions happen?", "answer": "In the thylakoid membranes.", "topic": "Photosynthesis", "difficulty": "medium"}, ` +
		`{"question": "Where does the Calvin cycle take place?", "answer": "In the stroma.", "topic": "Photosynthesis", "difficulty": "medium"}], ` +
		`"total_count": 3, "topics_covered": ["Photosynthesis"]}`,
	study.Quiz: `{"quiz": {"title": "Photosynthesis", "questions": [` + choice + `"points": 10}, ` + statement + `"points": 5}, ` +
		short + `"points": 10, "acceptable_answers": ["Green light", "green"]}]}, "total_points": 25, "estimated_time_minutes": 4}`,
	study.Exam: `{"exam": {"title": "Photosynthesis", "duration_minutes": 60, "total_points": 100, "sections": [{"section_name": "All", "instructions": "Answer all.", ` +
		`"time_estimate_minutes": 60, "questions": [` + choice + `"points": 40}, ` + statement + `"points": 30}, ` +
		short + `"points": 30, "sample_answer": "Green light", "rubric": "Names green light."}]}]}}`,
	study.Summary: `{"summary": {"title": "Photosynthesis", "main_points": [` +
		`{"point": "Plants convert light energy into chemical energy.", "details": "The light reactions happen in the thylakoid membranes.", "importance": "high"}, ` +
		`{"point": "The Calvin cycle takes place in the stroma.", "details": "Water is split during the light reactions.", "importance": "medium"}], ` +
		`"key_terms": [{"term": "Chlorophyll", "definition": "A pigment that reflects green light."}], "text": "Plants convert light energy; the Calvin cycle takes place in the stroma."}}`,
	study.Analysis: `{"analysis": {"strengths": ["Names where the light reactions happen."], "gaps": ["Does not say what the stroma is."], ` +
		`"key_concepts": ["Calvin cycle", "Chlorophyll"], "suggestions": ["Draw the Calvin cycle in the stroma."]}}`,
	study.Plan: `{"plan": {"title": "Photosynthesis", "sessions": [{"day": 1, "topic": "Light reactions", "activities": ["Read"], "minutes": 30}, ` +
		`{"day": 2, "topic": "The stroma", "activities": ["Recall"], "minutes": 30}, {"day": 3, "topic": "Chlorophyll", "activities": ["Draw"], "minutes": 30}]}}`,
}

// Questions of a quiz and of an exam, up to their points.
const (
	choice = `{"type": "multiple_choice", "question": "Where does the Calvin cycle take place?", "options": ["The stroma", "The thylakoid membranes", "The pigment", "The water"], ` +
		`"correct_answer": "The stroma", "explanation": "The Calvin cycle takes place in the stroma.", `
	statement = `{"type": "true_false", "question": "Water is split during the light reactions.", "correct_answer": true, "explanation": "Which releases oxygen.", `
	short     = `{"type": "short_answer", "question": "Which light does chlorophyll reflect?", "explanation": "It reflects green light.", `
)

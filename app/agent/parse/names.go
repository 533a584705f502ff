package parse

// names maps our name of each field to the names that models use, the most likely first.
var names = map[string][]string{
	// of cards
	"question":   {"front", "q", "prompt", "statement", "question_text", "stem", "front_side", "problem"},
	"answer":     {"back", "a", "definition", "back_side", "response"},
	"topic":      {"category", "subject", "focus", "theme", "topics", "title", "session_title", "tag", "tags"},
	"difficulty": {"level", "difficulty_level"},
	"evidence":   {"quote", "source_quote"},

	// of questions
	"type":    {"question_type", "kind", "format"},
	"options": {"choices", "answer_options", "possible_answers", "answer_choices", "alternatives"},
	"correct_answer": {"correct_index", "correct_option", "correct", "answer_index", "correct_choice", "correct_answer_index", "correct_option_index", "correct_letter",
		"correct_answer_letter", "correct_option_letter", "answer_letter", "correct_answers", "correct_options", "right_answer", "is_true", "answer", "solution", "answer_key"},
	"acceptable_answers": {"accepted_answers", "answers", "expected_answer", "expected_answers", "model_answer", "keywords"},
	"sample_answer":      {"model_answer", "expected_answer", "ideal_answer", "suggested_answer", "reference_answer"},
	"rubric":             {"marking_scheme", "scoring_guide", "grading_criteria", "marking_criteria", "mark_scheme"},
	"explanation":        {"rationale", "reasoning", "feedback", "justification"},
	"points":             {"marks", "score", "weight", "point", "point_value", "point_values"},

	// of exams, their sections, and quizzes
	"title":                 {"quiz_title", "exam_title", "test_title"},
	"questions":             {"items", "quiz_questions", "exam_questions", "question_list", "problems"},
	"sections":              {"parts", "exam_sections"},
	"section_name":          {"name", "title", "section_title", "section"},
	"time_estimate_minutes": {"time_estimate", "time_minutes", "estimated_time", "duration_minutes", "duration"},
	"duration_minutes":      {"duration", "time_limit_minutes", "time_limit", "total_time"},

	// of summaries
	"main_points": {"key_points", "points", "main_ideas", "key_takeaways", "takeaways", "bullet_points", "bullets", "highlights", "key_ideas"},
	"key_terms":   {"terms", "glossary", "vocabulary", "definitions", "key_vocabulary", "important_terms", "terminology"},
	"text":        {"summary", "summary_text", "overview", "content", "full_text", "abstract"},
	"point":       {"text", "title", "heading", "main_point", "key_point", "idea", "statement"},
	"details":     {"detail", "explanation", "description", "elaboration", "supporting_details"},
	"importance":  {"priority", "level"},
	"term":        {"word", "name", "concept"},
	"definition":  {"meaning", "explanation", "description"},

	// of analyses
	"strengths":    {"strong_points", "positives", "pros"},
	"gaps":         {"weaknesses", "areas_for_improvement", "missing", "knowledge_gaps", "missing_information", "limitations", "areas_to_improve", "cons"},
	"key_concepts": {"concepts", "main_concepts", "key_ideas", "key_topics", "topics", "main_topics", "core_concepts"},
	"suggestions":  {"recommendations", "next_steps", "improvements", "advice", "tips", "action_items"},

	// of plans
	"sessions":   {"days", "schedule", "study_sessions", "daily_plan", "daily_schedule", "timeline", "weeks"},
	"day":        {"day_number", "session", "session_number", "date", "number"},
	"minutes":    {"duration_minutes", "duration", "time", "time_minutes", "estimated_minutes", "estimated_time", "length"},
	"activities": {"tasks", "activity", "steps", "task", "actions", "exercises", "description"},
}

// rename changes the names that models use to our names, unless a field with our name exists.
func rename(item map[string]any, fields ...string) {
	for _, field := range fields {
		for _, name := range names[field] {
			if item[field] != nil {
				break
			}
			if value := item[name]; value != nil {
				item[field] = value
				delete(item, name)
			}
		}
	}
}

// has reports whether an object has a field under our name or one of its other names.
func has(object map[string]any, field string) bool { return firstOf(object, field) != nil }

// firstOf returns the value of a field under our name or one of its other names.
func firstOf(object map[string]any, field string) any {
	if value := object[field]; value != nil {
		return value
	}
	for _, name := range names[field] {
		if value := object[name]; value != nil {
			return value
		}
	}
	return nil
}

package prompt

import (
	"slices"

	"studysharper/app/study"
)

const choiceRule = `A multiple-choice question has 4 different options, one of them right; the wrong ones are plausible and of the same kind. ` +
	`correct_index is the place of the right one, counted from 0; put it in different places. ` +
	`true_false: the question is a statement. points is a question's weight. No two questions ask the same.` + evidenceRule

var quiz = task{
	order: `write a quiz. ` + choiceRule,
	shape: func(o study.Options) node {
		short := object(oneType(study.ShortAnswer), evidence, field{"question", text("")}, field{"acceptable_answers", list(text(""))}, explanation, weight)
		return object(field{"title", text("")}, field{"questions", list(questions(o, short))})
	},
	items: "questions", tokens: 500, tokensEach: 260,
}

var (
	explanation = field{"explanation", text("")}
	weight      = field{"points", integer(10)}
)

func oneType(t string) field { return field{"type", oneOf(t)} }

// questions returns the shape of a question of any requested type; short is the shape of a short-answer question.
func questions(o study.Options, short node) node {
	kinds := []struct {
		name string
		node node
	}{
		{study.MultipleChoice, object(oneType(study.MultipleChoice), evidence, field{"question", text("")}, field{"options", list(text(""))},
			field{"correct_index", integer(2)}, explanation, weight)},
		{study.TrueFalse, object(oneType(study.TrueFalse), evidence, field{"question", text("")}, field{"correct_answer", boolean()}, explanation, weight)},
		{study.ShortAnswer, short},
	}
	var nodes []node
	for _, k := range kinds {
		if len(o.QuestionTypes) == 0 || slices.Contains(o.QuestionTypes, k.name) {
			nodes = append(nodes, k.node)
		}
	}
	return anyOf(nodes...)
}

package prompt

import "studysharper/app/study"

var exam = task{
	order: `write an exam. ` + choiceRule,
	shape: func(o study.Options) node {
		short := object(oneType(study.ShortAnswer), evidence, field{"question", text("")}, field{"sample_answer", text("")},
			field{"rubric", text("what earns the points")}, weight)
		section := object(field{"section_name", text("")}, field{"instructions", text("")}, field{"questions", list(questions(o, short))})
		return object(field{"title", text("")}, field{"sections", list(section)})
	},
	items: "questions in all", tokens: 800, tokensEach: 300,
}

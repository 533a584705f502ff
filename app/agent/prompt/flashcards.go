package prompt

import "studysharper/app/study"

var flashcards = task{
	order: `write flashcards. Each card asks one thing; its answer is complete, correct and short. No two cards ask the same.` + evidenceRule,
	shape: func(study.Options) node {
		return object(field{"flashcards", list(object(evidence,
			field{"question", text("")}, field{"answer", text("")}, field{"topic", text("")}, field{"difficulty", oneOf(study.Easy, study.Medium, study.Hard)}))})
	},
	items: "flashcards", tokens: 400, tokensEach: 170,
}

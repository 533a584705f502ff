package prompt

import "studysharper/app/study"

var plan = task{
	order: `plan the student's studying of the material. Days count from 1 and never go back; each session has a topic, activities and a length in minutes.`,
	shape: func(study.Options) node {
		session := object(field{"day", integer(1)}, field{"topic", text("")}, field{"activities", list(text(""))}, field{"minutes", integer(30)})
		return object(field{"title", text("")}, field{"sessions", list(session)})
	},
	items: "sessions", tokens: 3000, tokensEach: 150,
}

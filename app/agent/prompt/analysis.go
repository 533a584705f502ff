package prompt

import "studysharper/app/study"

var analysis = task{
	order: `review the student's notes: what they do well, what they lack, which concepts they turn on, and what to do next. Every line is concrete and names what it is about.`,
	shape: func(study.Options) node {
		lines := list(text(""))
		return object(field{"strengths", lines}, field{"gaps", lines}, field{"key_concepts", lines}, field{"suggestions", lines})
	},
	tokens: 2000,
}

package prompt

import "studysharper/app/study"

var summary = task{
	order: `summarise the material, its main points in their order; "text" is the summary itself, in the style asked for.` + evidenceRule,
	shape: func(study.Options) node {
		point := object(evidence, field{"point", text("")}, field{"details", text("")}, field{"importance", oneOf("high", "medium", "low")})
		term := object(evidence, field{"term", text("")}, field{"definition", text("")})
		return object(field{"title", text("")}, field{"main_points", list(point)}, field{"key_terms", list(term)}, field{"text", text("")})
	},
	tokens: 3500,
}

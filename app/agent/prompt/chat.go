package prompt

var chat = task{
	order:  `answer the student in plain text, patiently, clearly and briefly. Answer from the material, and say so plainly if it does not hold the answer. Quote the words of the material that prove your main statements, verbatim, between double quotation marks.`,
	tokens: 1200,
}

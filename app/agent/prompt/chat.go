package prompt

var chat = task{
	order:  `answer the student in plain text, patiently, clearly and briefly. Answer from the material, and say so plainly if it does not hold the answer.`,
	tokens: 1200,
}

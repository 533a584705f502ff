// Printing: cards to cut out, eight a page and both sides; a quiz with its key on a page of its own; plans and summaries.
import { aid, sectionsOf } from "./aids.js";
import { $, el } from "./dom.js";
import { short } from "./markdown.js";
import { t } from "./words.js";

const perPage = 8, perRow = 2;

// print prints the aid: while printing, the page shows nothing else.
export async function print(type, data, title) {
	const paper = $("paper");
	paper.replaceChildren(...sheets(type, data, title));
	await settled(paper);
	document.body.classList.add("printing");
	addEventListener("afterprint", () => { document.body.classList.remove("printing"); paper.replaceChildren(); }, { once: true });
	window.print();
}

// settled waits until the formulas are rendered, for up to two seconds.
async function settled(paper) {
	for (let i = 0; i < 20 && [...paper.querySelectorAll(".formula")].some((f) => !f.querySelector("math")); i++) await new Promise((done) => setTimeout(done, 100));
}

function sheets(type, data, title) {
	if (type === "flashcard_generation") return cutouts(data.flashcards);
	if (type === "quiz_generation" || type === "exam_generation") return quiz(sectionsOf(type, data), title);
	return [el("h1", {}, title), ...aid(type, data).body];
}

// cutouts are pages of fronts, each followed by the page of their backs, mirrored so that they match when printed on both sides.
function cutouts(cards) {
	const pages = [];
	for (let at = 0; at < cards.length; at += perPage) {
		const some = cards.slice(at, at + perPage), backs = [];
		for (let i = 0; i < perPage; i += perRow) backs.push(some[i + 1], some[i]);
		pages.push(page("fronts", some.map((c) => c.question)), page("backs", backs.map((c) => c?.answer)));
	}
	return pages;
}

const page = (kind, texts) => el("div", { class: `cutouts ${kind}` }, Array.from({ length: perPage }, (_, i) => el("div", { class: "cutout" }, texts[i] ? short(texts[i]) : "")));

function quiz(sections, title) {
	let n = 0, k = 0;
	const options = (q) => q.type === "true_false" || typeof q.correct_answer === "boolean" ? [t("quiz.true"), t("quiz.false")] : q.options ?? [];
	const answer = (q) => typeof q.correct_answer === "boolean" ? t(q.correct_answer ? "quiz.true" : "quiz.false") : q.correct_answer || q.acceptable_answers?.[0] || q.sample_answer || "";
	return [
		el("div", { class: "exam" }, el("h1", {}, title), sections.map((s) => [s.section_name ? el("h2", {}, s.section_name) : "", s.instructions ? el("p", {}, s.instructions) : "",
			s.questions.map((q) => el("div", { class: "printed" }, el("p", {}, `${++n}. `, short(q.question || q.prompt), el("small", {}, ` (${t("n.points", { n: q.points || 1 })})`)),
				options(q).length ? el("ul", { class: "boxes" }, options(q).map((o) => el("li", {}, short(o)))) : el("div", { class: "lines" })))]).flat(2)),
		el("div", { class: "key" }, el("h1", {}, t("print.key", { title })), sections.flatMap((s) => s.questions).map((q) => el("p", {}, `${++k}. `, short(answer(q)), q.explanation ? el("span", { class: "hint" }, " ", short(q.explanation)) : ""))),
	];
}

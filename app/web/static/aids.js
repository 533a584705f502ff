// Each kind of aid as it is shown: its title and its body.
import { cards } from "./cards.js";
import { el, many, prose } from "./dom.js";
import { sheet } from "./questions.js";

const items = (list) => el("ul", {}, (list ?? []).map((t) => el("li", {}, t)));
const part = (title, ...body) => el("div", {}, el("h3", {}, title), ...body);

const shown = {
	flashcard_generation: (d) => ["Flashcards", cards(d)],
	quiz_generation: (d) => [d.quiz.title || "Quiz", facts(many(d.quiz.questions.length, "question"), d.estimated_time_minutes && `about ${many(d.estimated_time_minutes, "minute")}`), sheet([d.quiz])],
	exam_generation: (d) => [d.exam.title || "Exam", facts(many(d.exam.duration_minutes, "minute"), many(d.exam.total_points, "point")), sheet(d.exam.sections)],
	summary_generation: summary,
	study_plan: plan,
	note_analysis: analysis,
	chat: (d) => ["Answer", prose(d.response)],
};

const facts = (...said) => el("p", { class: "hint" }, said.filter(Boolean).join(", "));

// aid gives the title of an aid and the nodes of its body.
export function aid(type, data) {
	const [title, ...body] = shown[type](data);
	return { title, body };
}

function summary(d) {
	const s = d.summary;
	const points = el("ul", { class: "points" }, (s.main_points ?? []).map((p) => el("li", { class: p.importance },
		el("p", {}, p.point, p.importance === "high" ? el("span", { class: "tag" }, "key point") : ""), p.details ? el("p", { class: "hint" }, p.details) : "")));
	const terms = el("dl", {}, (s.key_terms ?? []).flatMap((t) => [el("dt", {}, t.term), el("dd", {}, t.definition)]));
	const text = s.text && !/^\s*[-*•]/.test(s.text); // as bullet points it says what the main points say
	return [s.title || "Summary", facts(d.word_count && many(d.word_count, "word"), d.estimated_reading_time_minutes && `${many(d.estimated_reading_time_minutes, "minute")} to read`),
		text ? prose(s.text) : "",
		s.main_points?.length ? part("Main points", points) : "", s.key_terms?.length ? part("Terms", terms) : ""];
}

function plan(d) {
	return [d.plan.title || "Study plan", el("ol", { class: "plan" }, d.plan.sessions.map((s) => el("li", {},
		el("h3", {}, el("span", { class: "tag" }, `Day ${s.day}`), ` ${s.topic}`, el("small", {}, ` ${many(s.minutes, "minute")}`)),
		(s.activities ?? []).map((a) => el("label", { class: "option" }, el("input", { type: "checkbox" }), el("span", {}, a))))))];
}

function analysis(d) {
	const a = d.analysis;
	return ["Analysis of your notes", el("div", { class: "pairs" }, part("Strengths", items(a.strengths)), part("Gaps", items(a.gaps))),
		part("Key concepts", el("p", { class: "tags" }, (a.key_concepts ?? []).map((c) => el("span", { class: "tag" }, c)))), part("What to do", items(a.suggestions))];
}

// How each kind of study aid is shown: its title, facts about it, and its body.
import { listed } from "./cards.js";
import { el } from "./dom.js";
import { markdown, short } from "./markdown.js";
import { sourceOf } from "./source.js";
import { t } from "./words.js";

const items = (list) => el("ul", {}, (list ?? []).map((text) => el("li", {}, short(text))));
const part = (title, ...body) => el("div", {}, el("h3", {}, title), ...body);

export const sectionsOf = (type, data) => type === "exam_generation" ? data.exam.sections : [{ questions: data.quiz.questions }];

const deck = (cards) => el("ol", { class: "deck" }, cards.map((c) => listed(c)));

const point = (p) => el("li", { class: p.importance }, el("div", {}, short(p.point), p.importance === "high" ? el("span", { class: "tag" }, t("summary.key")) : ""),
	p.details ? el("div", { class: "hint" }, short(p.details)) : "", sourceOf(p));

function summary(d) {
	const s = d.summary, text = s.text && !/^\s*[-*•]/.test(s.text); // as bullet points it repeats the main points
	return [s.title, [d.word_count && t("n.words", { n: d.word_count }), d.estimated_reading_time_minutes && t("to.read", { n: d.estimated_reading_time_minutes })],
		text ? markdown(s.text) : "",
		s.main_points?.length ? part(t("summary.points"), el("ul", { class: "points" }, s.main_points.map(point))) : "",
		s.key_terms?.length ? part(t("summary.terms"), el("dl", {}, s.key_terms.flatMap((k) => [el("dt", {}, short(k.term)), el("dd", {}, short(k.definition), sourceOf(k))]))) : ""];
}

const session = (s) => el("li", {},
	el("h3", {}, el("span", { class: "tag" }, t("plan.day", { n: s.day })), " ", short(s.topic), " ", el("small", {}, t("n.minutes", { n: s.minutes }))),
	(s.activities ?? []).map((a) => el("label", { class: "option" }, el("input", { type: "checkbox" }), short(a))));

const plan = (d) => [d.plan.title, [t("n.sessions", { n: d.plan.sessions.length })], el("ol", { class: "plan" }, d.plan.sessions.map(session))];

function analysis(d) {
	const a = d.analysis;
	return [t("analysis.title"), [], el("div", { class: "pairs" }, part(t("analysis.strengths"), items(a.strengths)), part(t("analysis.gaps"), items(a.gaps))),
		part(t("analysis.concepts"), el("p", { class: "tags" }, (a.key_concepts ?? []).map((c) => el("span", { class: "tag" }, short(c))))),
		part(t("analysis.suggestions"), items(a.suggestions))];
}

const shown = {
	flashcard_generation: (d) => ["", [t("n.cards", { n: d.flashcards.length })], deck(d.flashcards)],
	quiz_generation: (d) => [d.quiz.title, [t("n.questions", { n: d.quiz.questions.length }), d.estimated_time_minutes && t("about.minutes", { n: d.estimated_time_minutes })]],
	exam_generation: (d) => [d.exam.title, [t("n.minutes", { n: d.exam.duration_minutes }), t("n.points", { n: d.exam.total_points })]],
	summary_generation: summary,
	study_plan: plan,
	note_analysis: analysis,
};

// aid returns an aid's title, facts, and the nodes of its body. Quizzes and exams have no body: they are taken.
export function aid(type, data) {
	const [title, facts, ...body] = shown[type](data);
	return { title: title || t(`type.${type}`), facts: facts.filter(Boolean).join(", "), body };
}

const made = { card: (i) => listed(i), question: (i) => el("li", { class: "flash" }, el("div", { class: "ask" }, short(i.question))), point, session };

// finished renders an item of an aid that is not complete yet; null if the kind is unknown.
export const finished = (kind, item) => made[kind]?.(item) ?? null;



// One question: its options or a text field, and the verdict in words and colour.
import { button, el, newID } from "./dom.js";
import { short } from "./markdown.js";
import { sourceOf } from "./source.js";
import { t } from "./words.js";

const plain = (text) => String(text).toLowerCase().normalize("NFKD").replace(/[^\p{L}\p{N}]+/gu, " ").trim().replace(/^(the|an?) /, "");

const accepted = (q) => [...q.acceptable_answers ?? [], q.sample_answer, q.correct_answer].filter((a) => typeof a === "string" && a);

function choices(q) {
	if (q.type === "true_false" || typeof q.correct_answer === "boolean") return [[t("quiz.true"), true], [t("quiz.false"), false]];
	return (q.options ?? []).map((o) => [o, o]);
}

// question renders a question with its number. It returns its box, the given answer, mark, which shows the verdict, and follow, which shows
// the server's verdict. changed is called when the user overrules a short answer's verdict.
export function question(q, n, changed) {
	const options = choices(q), points = q.points || 1, name = newID();
	const inputs = options.map(([text, value]) => ({ text, value, node: el("input", { type: "radio", name }) }));
	const field = options.length ? null : el("textarea", { rows: 2, "aria-label": t("quiz.answerto", { n }) });
	const verdict = el("div", { class: "verdict" });
	const box = el("fieldset", { class: "question" }, el("legend", {}, el("span", { class: "n" }, `${n}. `), short(q.question || q.prompt), el("small", {}, ` ${t("n.points", { n: points })}`)),
		inputs.map((i) => i.row = el("label", { class: "option" }, i.node, short(i.text))), field, verdict);
	let right = false, counted = false, by = "";

	const picked = () => inputs.find((i) => i.node.checked);
	const given = () => field ? field.value.trim() : picked()?.value ?? null;
	function judge() {
		if (!field) return given() === q.correct_answer;
		const said = plain(given());
		return said !== "" && accepted(q).some((a) => plain(a) === said);
	}
	function show() {
		box.classList.toggle("right", right);
		box.classList.toggle("wrong", !right);
		for (const i of inputs) label(i, i.value === q.correct_answer, i.node.checked);
		const answer = field ? accepted(q)[0] : null, own = field && !right && given() !== "";
		verdict.replaceChildren(
			el("p", {}, el("strong", {}, right ? t("quiz.right") : given() === null || given() === "" ? t("quiz.open") : own ? t("quiz.compare") : t("quiz.wrong")),
				answer && !right ? [" ", short(answer)] : ""),
			q.explanation && q.explanation !== answer ? el("div", {}, short(q.explanation)) : "",
			q.rubric && field ? el("div", { class: "hint" }, short(q.rubric)) : "", sourceOf(q),
			by ? el("p", { class: "hint" }, t("quiz.bymodel")) : "", own ? button(t("quiz.count"), () => { right = counted = true; by = ""; show(); changed(); }) : "");
	}
	return {
		box, points, question: q, given,
		get answered() { return given() !== null && given() !== ""; },
		get right() { return right; },
		// follow shows the server's grades, except where the user has overruled them in the meantime.
		follow({ correct, checked_by }) {
			const model = counted || checked_by === "rules" || checked_by === "student" ? "" : checked_by;
			if (counted || right === correct && by === model) return;
			right = correct;
			by = model;
			show();
		},
		// fill restores an answer that was given earlier.
		fill(value) {
			if (field) field.value = value;
			for (const i of inputs) i.node.checked = i.value === value;
		},
		focus: () => (picked()?.node ?? inputs[0]?.node ?? field).focus({ preventScroll: true }),
		mark() {
			right = judge();
			for (const i of inputs) i.node.disabled = true;
			if (field) field.readOnly = true;
			show();
		},
	};
}

// label marks an option after grading, in words: right, or wrong.
function label(option, correct, picked) {
	option.row.querySelector(".tag")?.remove();
	option.row.classList.toggle("correct", correct);
	option.row.classList.toggle("mistaken", picked && !correct);
	const said = correct && picked ? t("quiz.yours.right") : correct ? t("quiz.this") : picked ? t("quiz.yours") : "";
	if (said) option.row.append(el("span", { class: "tag" }, said));
}

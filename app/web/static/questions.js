// A sheet of questions to answer: a quiz, or an exam with its sections.
import { button, el, many, newID } from "./dom.js";

const plain = (text) => String(text).toLowerCase().normalize("NFKD").replace(/[^\p{L}\p{N}]+/gu, " ").trim().replace(/^(the|an?) /, "");

// sheet takes sections of questions and gives them as one form with a score.
export function sheet(sections, heading = "h3") {
	const all = [];
	const form = el("form", { class: "questions", novalidate: true, onsubmit: mark });
	for (const section of sections) {
		if (section.section_name) form.append(el(heading, {}, section.section_name));
		if (section.instructions) form.append(el("p", { class: "hint" }, section.instructions, section.time_estimate_minutes ? ` About ${section.time_estimate_minutes} minutes.` : ""));
		for (const q of section.questions) {
			all.push(question(q, all.length + 1));
			form.append(all.at(-1).box);
		}
	}
	const score = el("p", { class: "score", tabIndex: -1, role: "status" });
	const hand = el("button", { class: "main" }, "Check my answers");
	form.append(el("div", { class: "row" }, score, hand));

	function tally() {
		const got = all.reduce((n, q) => n + q.got(), 0), most = all.reduce((n, q) => n + q.points, 0);
		const right = all.filter((q) => q.got() === q.points).length;
		score.textContent = `${got} of ${many(most, "point")}: ${right} of ${all.length} right.`;
	}
	function mark(e) {
		e.preventDefault();
		for (const q of all) q.mark(tally);
		tally();
		hand.replaceWith(button("Try again", () => form.replaceWith(sheet(sections, heading))));
		score.focus();
		score.scrollIntoView({ block: "nearest" });
	}
	return form;
}

function question(q, n) {
	const name = newID(), options = choices(q), points = q.points || 1;
	const inputs = options.length
		? options.map(([text, value]) => ({ value, text, node: el("input", { type: "radio", name, value: text }) }))
		: [{ node: el("textarea", { rows: 2, "aria-label": `Answer to question ${n}` }) }];
	const verdict = el("div", { class: "verdict" });
	const box = el("fieldset", { class: "question" }, el("legend", {}, el("span", { class: "n" }, `${n}. `), q.question || q.prompt, el("small", {}, ` ${many(points, "point")}`)),
		inputs.map((i) => i.text ? el("label", { class: "option" }, i.node, el("span", {}, i.text)) : i.node), verdict);
	let right = false;

	function given() {
		return options.length ? inputs.find((i) => i.node.checked)?.value : inputs[0].node.value;
	}
	function judge() {
		if (options.length) return given() === q.correct_answer;
		const said = plain(given());
		return said !== "" && accepted(q).some((a) => plain(a) === said);
	}
	function show(tally) {
		box.classList.toggle("right", right);
		box.classList.toggle("wrong", !right);
		const answer = options.length ? options.find(([, v]) => v === q.correct_answer)?.[0] : accepted(q)[0];
		const own = !options.length && !right && given().trim() !== "";
		verdict.replaceChildren(
			el("p", {}, el("strong", {}, right ? "Right. " : own ? "Compare yours: " : "The answer: "), right ? "" : answer ?? ""),
			q.explanation && q.explanation !== answer ? el("p", {}, q.explanation) : "",
			q.rubric && !options.length ? el("p", { class: "hint" }, q.rubric) : "",
			own ? button("Count mine as right", () => { right = true; show(tally); tally(); }) : "");
	}
	return {
		box, points,
		got: () => right ? points : 0,
		mark(tally) {
			right = judge();
			for (const i of inputs) i.node.disabled = true;
			show(tally);
		},
	};
}

function choices(q) {
	if (q.type === "true_false" || typeof q.correct_answer === "boolean") return [["True", true], ["False", false]];
	return (q.options ?? []).map((o) => [o, o]);
}

const accepted = (q) => [...q.acceptable_answers ?? [], q.sample_answer, q.correct_answer].filter((a) => typeof a === "string" && a);

// The form for one card or question. It returns the fields that the server accepts.
import { button, el, newID } from "./dom.js";
import { t } from "./words.js";

const types = ["multiple_choice", "true_false", "short_answer"];
const options = 4; // of a multiple-choice question

const field = (label, value, rows = 2, required = true) => {
	const input = el("textarea", { rows: String(rows), dir: "auto", maxlength: "8000", required });
	input.value = value ?? "";
	return { input, node: el("label", {}, el("span", {}, label), input), get text() { return input.value.trim(); } };
};

const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

// itemForm edits a card or a question of a list of this kind; with null, it creates one. save(fields) may throw to reject the fields.
export function itemForm(kind, item, { save, cancel }) {
	const said = el("p", { class: "fault", role: "alert" }), body = kind === "flashcards" ? card(item) : question(kind, item);
	const submit = async (e) => {
		e.preventDefault();
		said.textContent = "";
		try { await save(body.fields()); } catch (fault) { said.textContent = fault.message; }
	};
	return el("form", { class: "fields item-form", onsubmit: submit }, body.nodes, said,
		el("div", { class: "row end" }, button(t("cancel"), cancel), el("button", { class: "main" }, t("save"))));
}

function card(item) {
	const ask = field(t("card.question"), item?.question), answer = field(t("card.answer"), item?.answer, 3);
	return { nodes: [ask.node, answer.node], fields: () => ({ question: ask.text, answer: answer.text }) };
}

function question(kind, item) {
	const ask = field(t("card.question"), item?.question), why = field(t("edit.explanation"), item?.explanation, 2, false);
	const box = el("div", { class: "fields" });
	let type = item?.type ?? types[0], answer;
	const show = () => { answer = answers[type](kind, item); box.replaceChildren(...answer.nodes); };
	const pick = el("select", { onchange: () => { type = pick.value; show(); } }, types.map((name) => el("option", { value: name }, t(`option.${name}`))));
	show();
	return {
		nodes: [item ? "" : el("label", {}, el("span", {}, t("edit.kind")), pick), ask.node, box, why.node],
		fields: () => ({ ...item ? {} : { type }, question: ask.text, explanation: why.text, ...answer.fields() }),
	};
}

const answers = {
	multiple_choice(_, item) {
		const name = newID(), given = item?.options ?? [];
		const rows = Array.from({ length: options }, (_, i) => {
			const right = el("input", { type: "radio", name, required: true, checked: Boolean(item) && given[i] === item.correct_answer, "aria-label": t("edit.right", { n: i + 1 }) });
			const text = el("input", { "aria-label": t("edit.option", { n: i + 1 }), dir: "auto", maxlength: "2000", required: true });
			text.value = given[i] ?? "";
			return { right, text, node: el("div", { class: "choice" }, right, text) };
		});
		const texts = () => rows.map((row) => row.text.value.trim());
		return {
			nodes: [el("fieldset", { class: "choices" }, el("legend", {}, t("edit.choices")), rows.map((row) => row.node))],
			fields: () => ({ options: texts(), correct_answer: texts()[rows.findIndex((row) => row.right.checked)] }),
		};
	},
	true_false(_, item) {
		const name = newID();
		const choice = (value, text) => el("label", { class: "option" }, el("input", { type: "radio", name, required: true, value: String(value), checked: item?.correct_answer === value }), text);
		const box = el("fieldset", { class: "choices" }, el("legend", {}, t("card.answer")), choice(true, t("quiz.true")), choice(false, t("quiz.false")));
		return { nodes: [box], fields: () => ({ correct_answer: box.querySelector(":checked").value === "true" }) };
	},
	short_answer(kind, item) {
		const exam = kind === "exams", input = field(exam ? t("edit.sample") : t("edit.accepted"), exam ? item?.sample_answer : item?.acceptable_answers?.join("\n"), 3);
		return { nodes: [input.node], fields: () => exam ? { sample_answer: input.text } : { acceptable_answers: lines(input.text) } };
	},
};

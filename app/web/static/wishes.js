// What can be made, and what can be wished for it: the request's options.
import { $, el, newID } from "./dom.js";

const levels = ["easy", "medium", "hard", "adaptive"];
const kinds = { multiple_choice: "Multiple choice", true_false: "True or false", short_answer: "Short answer" };

const number = (label, most, usual) => ({ label, most, usual });
const choice = (label, values) => ({ label, values });
const words = (label, list) => ({ label, list });

const topic = words("Topic (optional)");
const focus = words("Focus on", true);
const difficulty = choice("Difficulty", levels);
const question_count = number("Questions", 50, 10), question_types = { label: "Kinds", kinds };

export const types = {
	flashcard_generation: { name: "Flashcards", go: "Make flashcards", wishes: { count: number("Cards", 50, 10), difficulty, topic } },
	quiz_generation: { name: "Quiz", go: "Make a quiz", wishes: { question_count, difficulty, topic, question_types } },
	exam_generation: { name: "Exam", go: "Make an exam", wishes: {
		question_count, sections: number("Sections", 10, 3), duration_minutes: number("Minutes", 480, 60), difficulty, topic, question_types } },
	summary_generation: { name: "Summary", go: "Summarise", wishes: {
		length: choice("Length", ["short", "medium", "long"]), style: choice("Style", ["bullet_points", "paragraph", "outline"]), focus_areas: focus, topic } },
	study_plan: { name: "Plan", go: "Make a plan", wishes: { count: number("Sessions", 50), duration_minutes: number("Minutes each", 480, 30), focus_areas: focus } },
	note_analysis: { name: "Analysis", go: "Analyse my notes", wishes: { focus_areas: focus } },
	chat: { name: "Ask", go: "Ask", wishes: {} },
};

export const chosen = () => document.querySelector("input[name=type]:checked").value;

// offer puts the types up for choice; onChange hears of each choice.
export function offer(onChange) {
	const tabs = document.querySelector(".tabs");
	for (const [type, { name }] of Object.entries(types)) {
		tabs.append(el("label", { class: "tab" },
			el("input", { type: "radio", name: "type", value: type, checked: type === "flashcard_generation", onchange: () => ask(type, onChange) }),
			el("span", {}, name)));
	}
	ask(chosen(), onChange);
}

function ask(type, onChange) {
	const { go, wishes } = types[type];
	$("wishes").replaceChildren(...Object.entries(wishes).map(([name, wish]) => field(name, wish)));
	$("go").textContent = go;
	const chat = type === "chat";
	$("message-label").textContent = chat ? "Your question" : "Extra instructions (optional)";
	$("message").placeholder = chat ? "Why does chlorophyll look green?" : "";
	onChange(type);
}

function field(name, wish) {
	if (wish.kinds) return boxes(name, wish);
	const id = newID();
	let input;
	if (wish.values) {
		input = el("select", { id, name }, el("option", { value: "" }, "Default"),
			wish.values.map((v) => el("option", { value: v }, v.replace("_", " "))));
	} else if (wish.most) {
		input = el("input", { id, name, type: "number", min: "1", max: String(wish.most), inputmode: "numeric", value: wish.usual ? String(wish.usual) : "", placeholder: "any" });
	} else {
		input = el("input", { id, name, type: "text", maxlength: wish.list ? "2000" : "200", placeholder: wish.list ? "e.g. mitosis, osmosis" : null });
	}
	return el("div", { class: wish.most ? "wish small" : "wish" }, el("label", { for: id }, wish.label), input);
}

const boxes = (name, wish) => el("fieldset", { class: "wish boxes" }, el("legend", {}, wish.label),
	Object.entries(wish.kinds).map(([value, label]) => el("label", {}, el("input", { type: "checkbox", name, value, checked: true }), ` ${label}`)));

// options reads the wishes that were made; the server fills in the rest.
export function options(type) {
	const read = {};
	for (const [name, wish] of Object.entries(types[type].wishes)) {
		const inputs = [...$("wishes").querySelectorAll(`[name=${name}]`)];
		const text = inputs[0].value.trim();
		if (wish.kinds) {
			const ticked = inputs.filter((i) => i.checked).map((i) => i.value);
			if (ticked.length) read[name] = ticked;
		} else if (!text) continue;
		else if (wish.most) read[name] = Math.trunc(+text);
		else if (wish.list) read[name] = text.split(",").map((t) => t.trim()).filter(Boolean).slice(0, 10);
		else read[name] = text;
	}
	return read;
}

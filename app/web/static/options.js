// What can be made, and the options of each kind.
import { $, el, newID } from "./dom.js";
import { t } from "./words.js";

const number = (label, most, usual) => ({ label, most, usual });
const choice = (label, values) => ({ label, values });
const words = (label, list) => ({ label, list });

const topic = words("topic"), focus = words("focus", true), difficulty = choice("difficulty", ["easy", "medium", "hard", "adaptive"]);
const question_count = number("questions", 50, 10), question_types = { label: "kinds", kinds: ["multiple_choice", "true_false", "short_answer"] };

// types are the kinds of study aid, with the options that the user can choose.
export const types = {
	flashcard_generation: { count: number("cards", 50, 10), difficulty, topic },
	quiz_generation: { question_count, difficulty, topic, question_types },
	exam_generation: { question_count, sections: number("sections", 10, 3), duration_minutes: number("minutes", 480, 60), difficulty, topic, question_types },
	summary_generation: { length: choice("length", ["short", "medium", "long"]), style: choice("style", ["bullet_points", "paragraph", "outline"]), focus_areas: focus, topic },
	study_plan: { count: number("sessions", 50), duration_minutes: number("each", 480, 30), focus_areas: focus },
	note_analysis: { focus_areas: focus },
};

export const chosen = () => document.querySelector("input[name=type]:checked").value;

// offer shows the types to choose from; onChange is called with each choice.
export function offer(onChange) {
	const tabs = document.querySelector(".tabs");
	for (const type of Object.keys(types)) {
		tabs.append(el("label", { class: "tab" },
			el("input", { type: "radio", name: "type", value: type, checked: type === "flashcard_generation", onchange: () => { ask(type); onChange(type); } }),
			el("span", {}, t(`type.${type}`))));
	}
	ask(chosen());
}

export function choose(type) {
	document.querySelector(`input[name=type][value=${type}]`).checked = true;
	ask(type);
}

const ask = (type) => $("wishes").replaceChildren(...Object.entries(types[type]).map(([name, wish]) => field(name, wish)));

function field(name, wish) {
	if (wish.kinds) return boxes(name, wish);
	const id = newID();
	let input;
	if (wish.values) {
		input = el("select", { id, name }, el("option", { value: "" }, t("option.default")), wish.values.map((v) => el("option", { value: v }, t(`option.${v}`))));
	} else if (wish.most) {
		input = el("input", { id, name, type: "number", min: "1", max: String(wish.most), inputmode: "numeric", value: wish.usual ? String(wish.usual) : "", placeholder: t("option.any") });
	} else {
		input = el("input", { id, name, type: "text", maxlength: wish.list ? "2000" : "200", placeholder: wish.list ? t("option.example") : null });
	}
	return el("div", { class: wish.most ? "wish small" : "wish" }, el("label", { for: id }, t(`option.${wish.label}`)), input);
}

const boxes = (name, wish) => el("fieldset", { class: "wish boxes" }, el("legend", {}, t(`option.${wish.label}`)),
	wish.kinds.map((value) => el("label", {}, el("input", { type: "checkbox", name, value, checked: true }), ` ${t(`option.${value}`)}`)));

// options returns the chosen options; the server supplies the rest.
export function options(type) {
	const read = {};
	for (const [name, wish] of Object.entries(types[type])) {
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

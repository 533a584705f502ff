// Dialogs that ask the user something and wait for the answer.
import { button, el, newID, sleep } from "./dom.js";
import { span, t } from "./words.js";

// ask opens a dialog with a body. It resolves with the result of read when it is confirmed, else with null.
function ask(title, yes, body, read) {
	const id = newID(), answer = Promise.withResolvers();
	const dialog = el("dialog", { "aria-labelledby": id, onclose: () => { answer.resolve(dialog.returnValue === "yes" ? read() : null); dialog.remove(); } },
		el("form", { method: "dialog" }, el("p", { id }, title), body,
			el("div", { class: "row end" }, button(t("cancel"), () => dialog.close("")), el("button", { class: "main", value: "yes" }, yes))));
	document.body.append(dialog);
	dialog.showModal();
	return answer.promise;
}

// confirmed asks for confirmation before something that cannot be undone.
export const confirmed = async (question, yes) => await ask(question, yes, "", () => true) === true;

// asked asks for one or more texts: fields are [label, value, long?]. It resolves with the texts, or null.
export function asked(title, yes, fields) {
	const inputs = fields.map(([label, value, long]) => el(long ? "textarea" : "input", { "aria-label": label, rows: long ? "4" : null, maxlength: long ? "20000" : "200" }));
	inputs.forEach((input, i) => { input.value = fields[i][1] ?? ""; });
	const body = el("div", { class: "fields" }, inputs.map((input, i) => el("label", {}, el("span", {}, fields[i][0]), input)));
	return ask(title, yes, body, () => inputs.map((input) => input.value.trim()));
}

// countdown disables a button for so many seconds and shows how many remain.
export async function countdown(b, seconds) {
	const text = b.textContent;
	b.disabled = true;
	for (let left = seconds; left > 0 && b.isConnected; left--) {
		b.textContent = t("in", { what: text, time: span(left) });
		await sleep(1000);
	}
	b.disabled = false;
	b.textContent = text;
}

// Editing a study aid in place: its title and subject, its cards or questions, merging another into it, deleting it.
import { sectionsOf } from "./aids.js";
import { call, mine } from "./api.js";
import { listed } from "./cards.js";
import { confirmed } from "./dialog.js";
import { button, el } from "./dom.js";
import { pathOf } from "./entries.js";
import { itemForm } from "./itemform.js";
import { short } from "./markdown.js";
import { retitle } from "./route.js";
import { sourceOf } from "./source.js";
import { t } from "./words.js";

const longest = 60; // characters of an item in a button's label

const itemsOf = ({ kind, item: { type, data } }) => kind === "flashcards" ? data.flashcards : kind === "quizzes" || kind === "exams" ? sectionsOf(type, data).flatMap((s) => s.questions) : null;

// editor returns the tools that edit an entry. others are entries that can be merged into it; changed is called when it must be fetched
// again, gone when it is deleted.
export function editor(entry, others, { changed, gone }) {
	const items = itemsOf(entry);
	const end = remover(entry, gone);
	return [about(entry, () => { end.querySelector("button").textContent = t("delete.what", { title: entry.title }); }), items ? new Items(entry, items).node : "", items && entry.kind !== "exams" && others.length ? merger(entry, others, changed) : "", end];
}

const sheet = (title, ...body) => el("section", { class: "sheet", "aria-label": title }, el("h2", {}, title), ...body);

const attempt = async (said, act) => {
	said.textContent = "";
	try { await act(); } catch (e) { said.textContent = e.message; }
};

function about(entry, renamed) {
	const input = (label, value) => {
		const node = el("input", { maxlength: "200", dir: "auto" });
		node.value = value ?? "";
		return [node, el("label", {}, el("span", {}, label), node)];
	};
	const [title, titleRow] = input(t("note.title"), entry.title), [subject, subjectRow] = input(t("edit.subject"), entry.item.subject);
	const said = el("p", { class: "hint", role: "status" });
	title.required = true;
	const save = (e) => {
		e.preventDefault();
		attempt(said, async () => {
			await call("PATCH", mine(pathOf(entry)), { title: title.value.trim(), subject: subject.value.trim() });
			entry.title = title.value.trim();
			heading.textContent = t("edit.what", { title: entry.title });
			retitle(entry.title);
			renamed();
			said.textContent = t("edit.saved");
		});
	};
	const heading = el("h2", { tabIndex: -1 }, t("edit.what", { title: entry.title }));
	return el("form", { class: "sheet fields", onsubmit: save }, heading, titleRow, subjectRow, el("div", { class: "row end" }, said, el("button", { class: "main" }, t("save"))));
}

class Items {
	#entry; #list; #add;
	#said = el("p", { class: "fault", role: "alert" });

	constructor(entry, items) {
		const cards = entry.kind === "flashcards";
		this.#entry = entry;
		this.#list = el("ol", { class: "deck" }, items.map((item) => this.#row(item)));
		this.#add = button(cards ? t("edit.addcard") : t("edit.addquestion"), () => this.#edit(this.#list.appendChild(el("li", { class: "flash" })), null));
		this.node = sheet(cards ? t("option.cards") : t("option.questions"), this.#list, this.#said, this.#add);
	}

	#row(item) {
		const tools = el("div", { class: "row start edits" }, button(t("edit"), () => this.#edit(row, item), "plain"), button(t("delete"), () => this.#remove(row, item), "plain"));
		const name = { title: item.question.slice(0, longest) };
		tools.firstChild.setAttribute("aria-label", t("edit.what", name));
		tools.lastChild.setAttribute("aria-label", t("delete.what", name));
		const row = this.#entry.kind === "flashcards" ? listed(item, tools)
			: el("li", { class: "flash" }, el("div", { class: "ask" }, short(item.question)), el("div", { class: "reply" }, short(answerOf(item)), sourceOf(item), tools));
		return row;
	}

	// #edit replaces a row by a form; item is null for a new one.
	#edit(row, item) {
		const form = el("li", { class: "flash" }), path = `${pathOf(this.#entry)}/items`;
		const close = (next) => {
			form.replaceWith(...next ? [next] : []);
			(next?.querySelector(".edits button") ?? this.#add).focus();
		};
		form.append(itemForm(this.#entry.kind, item, {
			save: async (fields) => close(this.#row(await (item ? call("PATCH", mine(`${path}/${item.id}`), fields) : call("POST", mine(path), fields)))),
			cancel: () => close(item ? row : null),
		}));
		row.replaceWith(form);
		form.querySelector("select, textarea").focus();
	}

	async #remove(row, item) {
		if (!await confirmed(t("delete.sure", { title: item.question.slice(0, longest) }), t("delete"))) return;
		await attempt(this.#said, async () => {
			await call("DELETE", mine(`${pathOf(this.#entry)}/items/${item.id}`));
			const next = (row.nextElementSibling ?? row.previousElementSibling)?.querySelector(".edits button") ?? this.#add;
			row.remove();
			next.focus();
		});
	}
}

const answerOf = (q) => typeof q.correct_answer === "boolean" ? q.correct_answer ? t("quiz.true") : t("quiz.false") : q.correct_answer || q.acceptable_answers?.join(" · ") || q.sample_answer || "";

function merger(entry, others, changed) {
	const pick = el("select", { "aria-label": t("edit.merge") }, others.map((other) => el("option", { value: other.id }, other.title))), said = el("p", { class: "fault", role: "alert" });
	const merge = async () => {
		const other = others.find(({ id }) => id === pick.value);
		if (!await confirmed(t("edit.merge.sure", { title: other.title }), t("edit.merge.go"))) return;
		await attempt(said, async () => {
			await call("POST", mine(`${pathOf(entry)}/merge`), { from: [other.id] });
			changed();
		});
	};
	return sheet(t("edit.merge"), el("div", { class: "row start joined" }, pick, button(t("edit.merge.go"), merge)), said);
}

function remover(entry, gone) {
	const said = el("p", { class: "fault", role: "alert" }), remove = async () => {
		if (!await confirmed(t("delete.sure", { title: entry.title }), t("delete"))) return;
		await attempt(said, async () => {
			await call("DELETE", mine(pathOf(entry)));
			gone();
		});
	};
	return el("div", { class: "row end" }, said, button(t("delete.what", { title: entry.title }), remove, "quiet stop"));
}

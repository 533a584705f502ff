// One note: to read, with the passage that a source names, and to edit.
import { call, mine, user } from "./api.js";
import { button, el } from "./dom.js";
import { confirmed } from "./dialog.js";
import { languageOf } from "./language.js";
import { pieces } from "./markdown.js";
import { go, retitle } from "./route.js";
import { t } from "./words.js";

// openNote shows a note in a box; query may select a passage by from and to, in code points.
export async function openNote(box, id, query) {
	const note = await call("GET", mine(`/api/notes/${id}`));
	read(box, note, query.has("from") ? [+query.get("from"), +query.get("to")] : null);
}

const crumb = () => el("p", { class: "crumb" }, el("a", { href: "#/library?kind=notes" }, "‹ ", t("library.back")));

function read(box, note, passage) {
	retitle(note.title || t("note"));
	const said = el("p", { class: "hint", role: "status" });
	const body = text(note.content, passage);
	box.replaceChildren(crumb(), el("article", { class: "sheet" }, el("h2", { dir: "auto", tabIndex: -1 }, note.title || t("note.untitled")),
		el("div", { class: "row start tools" }, button(t("edit"), () => edit(box, note)), button(t("delete"), () => remove(note, said))), said, body));
	const cited = body.querySelector(".cited");
	cited ? cited.focus({ preventScroll: true }) : box.querySelector("h2").focus({ preventScroll: true });
	cited ? cited.scrollIntoView({ block: "center" }) : scrollTo(0, 0);
}

// text renders a note's Markdown; the blocks of the passage are highlighted and focusable.
function text(content, passage) {
	const box = el("div", { class: "prose reading", dir: "auto", lang: languageOf(content) || null });
	const [from, to] = passage ? passage.map((n) => unitsOf(content, n)) : [-1, -1];
	let at = 0, first = true;
	for (const piece of pieces(content)) {
		const start = Math.max(at, content.indexOf(piece.source.split("\n")[0], at));
		at = start + piece.source.length;
		const node = piece.make();
		box.append(node);
		if (from >= at || to <= start) continue;
		node.classList.add("cited");
		if (first) {
			node.prepend(el("span", { class: "sr" }, t("source.here")));
			node.tabIndex = -1;
		}
		first = false;
	}
	return box;
}

// unitsOf converts a position in code points to a position in a JavaScript string.
const unitsOf = (content, points) => [...content].slice(0, points).join("").length;

function edit(box, note) {
	const title = el("input", { maxlength: "200", "aria-label": t("note.title") }), content = el("textarea", { rows: "22", class: "manuscript", "aria-label": t("note.text") });
	title.value = note.title;
	content.value = note.content;
	const said = el("p", { class: "hint", role: "alert" });
	const save = async (e) => {
		e.preventDefault();
		try {
			read(box, await call("PATCH", `/api/notes/${note.id}`, () => ({ ...user(), title: title.value.trim(), content: content.value })), null);
		} catch (fault) {
			said.textContent = fault.message;
		}
	};
	box.replaceChildren(crumb(), el("form", { class: "sheet fields", onsubmit: save }, el("h2", {}, t("note.edit")), title, content, said,
		el("div", { class: "row end" }, button(t("cancel"), () => read(box, note, null)), el("button", { class: "main" }, t("save")))));
	content.focus();
}

async function remove(note, said) {
	if (!await confirmed(t("delete.sure", { title: note.title }), t("delete"))) return;
	try {
		await call("DELETE", mine(`/api/notes/${note.id}`));
		go("library?kind=notes");
	} catch (e) {
		said.textContent = e.message;
	}
}

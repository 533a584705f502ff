// The material of an aid: pasted text, and picked notes.
import { call, mine, own, user, whenUserKnown } from "./api.js";
import { $, el } from "./dom.js";
import { beginFiles } from "./files.js";
import { t } from "./words.js";

const most = 20; // notes per request
const picked = new Map(); // id -> title

// material returns the request's options and fields for the pasted text and picked notes.
export function material() {
	const text = $("text").value;
	return { content: text.trim() ? text : undefined, notes: [...picked.keys()] };
}

export async function showNotes() {
	const q = $("find").value.trim();
	const { notes, next_cursor: more } = await call("GET", mine("/api/notes", { limit: 200, brief: true, ...q && { q } }));
	if (q !== $("find").value.trim()) return; // a newer search has begun
	$("shelf").hidden = !notes.length && !q;
	$("notes").replaceChildren(...notes.map((n) => el("li", {},
		el("label", {}, el("input", { type: "checkbox", checked: picked.has(n.id), onchange: (e) => pick(n, e.target) }), el("span", { dir: "auto" }, n.title || n.content.slice(0, 60))),
		el("a", { class: "open", href: `#/library/notes/${n.id}`, "aria-label": t("note.open", { title: n.title }) }, t("open")))));
	if (!notes.length) $("notes").append(el("li", { class: "hint" }, t("notes.nomatch")));
	for (const id of picked.keys()) if (!q && !more && !notes.some((n) => n.id === id)) picked.delete(id); // deleted elsewhere
	count();
}

function pick(note, box) {
	if (box.checked && picked.size === most) {
		box.checked = false;
		$("notes-said").textContent = t("notes.most", { n: most });
		return;
	}
	box.checked ? picked.set(note.id, note.title) : picked.delete(note.id);
	count();
}

const count = () => { $("notes-said").textContent = picked.size ? t("notes.picked", { n: picked.size }) : ""; };

// keepNote saves a text as a note, with its first line as the title, and picks it.
async function keepNote(text) {
	const title = text.trim().split("\n")[0].replace(/^#+\s*/, "").slice(0, 80);
	const note = await call("POST", "/api/notes", () => ({ ...user(), title, content: text }));
	picked.set(note.id, title);
	await showNotes();
}

function typed() {
	const n = $("text").value.split(/\s+/).filter(Boolean).length;
	$("words").textContent = n ? t("n.words", { n }) : "";
	$("keep").disabled = !n;
	own.set("draft", $("text").value || null);
}

// restore restores the draft if nothing has been typed yet.
function restore() {
	$("text").value ||= own.get("draft") ?? "";
	typed();
}

export function beginMaterial() {
	$("text").addEventListener("input", typed);
	$("find").addEventListener("input", () => showNotes().catch(() => {}));
	$("keep").addEventListener("click", () => keepNote($("text").value).then(() => { $("text").value = ""; typed(); }, (e) => { $("notes-said").textContent = e.message; }));
	beginFiles((note) => {
		if (picked.size < most) picked.set(note.id, note.title);
		showNotes().catch(() => {});
	});
	restore();
	whenUserKnown.then(restore); // drafts belong to a user: until the user is known, what is typed cannot be stored
}

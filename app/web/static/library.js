// What is kept on the server: notes to pick from, aids made before, conversations.
import { call, user } from "./api.js";
import { $, button, confirmed, el, many } from "./dom.js";
import { types } from "./wishes.js";

const mine = (path, more) => () => `${path}?${new URLSearchParams({ ...user(), ...more })}`;
const list = (path, more) => call("GET", mine(path, more));
const when = (at) => new Date(at).toLocaleDateString(undefined, { day: "numeric", month: "short" });
const picked = new Map(); // id -> title

export const pickedNotes = () => [...picked.keys()];

export async function showNotes() {
	const q = $("find").value.trim();
	const { notes } = await list("/api/notes", q ? { limit: 50, q } : { limit: 50 });
	if (q !== $("find").value.trim()) return; // a newer search has begun meanwhile
	if (notes.length || q) $("shelf").hidden = false;
	$("notes").replaceChildren(...notes.map((n) => el("li", {},
		el("label", {}, el("input", { type: "checkbox", checked: picked.has(n.id), onchange: (e) => pick(n, e.target) }), el("span", {}, n.title || n.content.slice(0, 60))),
		el("button", { type: "button", class: "remove", "aria-label": `Delete the note ${n.title || "without a title"}`, onclick: () => remove(n) }, "×"))));
	if (!notes.length) $("notes").append(el("li", { class: "hint" }, "No note has these words."));
}

function pick(note, box) {
	if (box.checked && picked.size === 20) {
		box.checked = false;
		$("notes-said").textContent = "Twenty notes at most.";
		return;
	}
	box.checked ? picked.set(note.id, note.title) : picked.delete(note.id);
	$("notes-said").textContent = picked.size ? `${many(picked.size, "note")} picked` : "";
}

async function remove(note) {
	if (!await confirmed(`Delete the note “${note.title}”?`, "Delete")) return;
	await call("DELETE", mine(`/api/notes/${note.id}`)).catch((e) => { $("notes-said").textContent = e.message; });
	picked.delete(note.id);
	await showNotes();
}

// keepNote saves a text as a note, titled by its first line, and picks it.
export async function keepNote(text) {
	const title = text.trim().split("\n")[0].slice(0, 80);
	const note = await call("POST", "/api/notes", () => ({ ...user(), title, content: text }));
	picked.set(note.id, title);
	$("notes-said").textContent = `Saved. ${many(picked.size, "note")} picked`;
	await showNotes();
}

const listed = { flashcards: "flashcard_generation", quizzes: "quiz_generation", exams: "exam_generation", summaries: "summary_generation" };

// showSaved lists what was made before; open is told of the one that is clicked.
export async function showSaved(open, openTalk) {
	const [talks, ...kinds] = await Promise.all([list("/api/ai/sessions", { limit: 8 }),
		...Object.keys(listed).map((kind) => list(`/api/ai/generated-content/${kind}`, { limit: 8 }))]);
	const items = kinds.flatMap((k) => k.items).sort((a, b) => b.created_at.localeCompare(a.created_at)).slice(0, 12);
	fill($("saved"), items.map((i) => [i.title, `${types[i.type].name}, ${when(i.created_at)}`, () => open(i)]), "What you make is kept here.");
	fill($("talks"), talks.sessions.filter((s) => s.message_count > 1).map((s) => [s.title, when(s.updated_at), () => openTalk(s.id)]), "None yet.");
}

function fill(box, rows, none) {
	box.replaceChildren(...rows.map(([title, hint, open]) => {
		const row = button("", open, "item");
		row.append(el("span", {}, title), el("small", {}, hint));
		return el("li", {}, row);
	}));
	if (!rows.length) box.append(el("li", { class: "hint" }, none));
}

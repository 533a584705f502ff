// Library: everything that is kept. The list, and one study aid that is open: to look at, to practise, to print.
import { aid, sectionsOf } from "./aids.js";
import { attemptsAt, past } from "./attempts.js";
import { call, mine } from "./api.js";
import { practise } from "./cards.js";
import { $, button, el } from "./dom.js";
import { confirmed } from "./dialog.js";
import { editor, pathOf } from "./edit.js";
import { openNote } from "./note.js";
import { print } from "./print.js";
import { go, here, place, retitle } from "./route.js";
import { menu } from "./save.js";
import { take } from "./quiz.js";
import { day, t } from "./words.js";

// kinds are the lists of the library, as the server names them.
const kinds = ["flashcards", "quizzes", "exams", "summaries", "plans", "analyses"];
const most = 200; // entries of a list

let entries = [], wanted = 0;

async function load() {
	const [notes, talks, ...aids] = await Promise.all([call("GET", mine("/api/notes", { limit: most })), call("GET", mine("/api/ai/sessions", { limit: most })),
		...kinds.map((kind) => call("GET", mine(`/api/ai/generated-content/${kind}`, { limit: most })))]);
	return [
		...aids.flatMap(({ items }, i) => items.map((item) => ({ kind: kinds[i], id: item.id, title: item.title, at: item.created_at, item }))),
		...notes.notes.map((n) => ({ kind: "notes", id: n.id, title: n.title || n.content.slice(0, 60), at: n.updated_at, item: n })),
		...talks.sessions.filter((s) => s.message_count > 1).map((s) => ({ kind: "talks", id: s.id, title: s.title, at: s.updated_at, item: s })),
	].sort((a, b) => b.at.localeCompare(a.at));
}

const hrefOf = ({ kind, id }) => kind === "talks" ? `#/ask/${id}` : `#/library/${kind}/${id}`;

// recent gives the newest study aids and conversations.
export async function recent(n) {
	return (await load()).filter((e) => e.kind !== "notes").slice(0, n);
}

export const row = (entry, ...tools) => el("li", { class: "entry" },
	el("a", { class: "item", href: hrefOf(entry) }, el("span", { dir: "auto" }, entry.title), el("small", {}, `${t(`kind.${entry.kind}`)}, ${day(entry.at)}`)), tools);

function list(query) {
	const find = $("library-find").value.trim().toLowerCase(), kind = query.get("kind") ?? "";
	for (const b of $("kinds").children) b.setAttribute("aria-pressed", String(b.value === kind));
	const shown = entries.filter((e) => (!kind || e.kind === kind) && (!find || e.title.toLowerCase().includes(find) || e.kind === "notes" && e.item.content.toLowerCase().includes(find)));
	$("entries").replaceChildren(...shown.map((e) => row(e, button("×", () => remove(e), "remove"))));
	for (const b of $("entries").querySelectorAll(".remove")) b.setAttribute("aria-label", t("delete.what", { title: b.parentElement.querySelector("span").textContent }));
	$("library-said").textContent = shown.length ? "" : entries.length ? t("library.nomatch") : t("library.empty");
	$("library-made").hidden = entries.length > 0;
}

async function remove(entry) {
	if (!await confirmed(t("delete.sure", { title: entry.title }), t("delete"))) return;
	try {
		await call("DELETE", mine(pathOf(entry)));
		entries = entries.filter((e) => e !== entry);
	} catch (e) {
		$("library-said").textContent = e.message;
	}
	list(here().query);
}

async function open(parts, query) {
	const mineNow = ++wanted, one = parts.length > 1;
	$("shelves").hidden = one;
	$("opened").hidden = !one;
	$("library-title").classList.toggle("sr", one);
	try {
		if (parts[0] === "notes" && one) return await openNote($("opened"), parts[1], query);
		const taken = takable(parts[0]) && parts.length === 2 ? past(...parts).catch(() => "") : ""; // it may be gone
		entries = await load();
		const before = await taken;
		if (mineNow !== wanted) return;
		one ? openAid(parts, before) : list(query);
	} catch (e) {
		if (mineNow !== wanted) return;
		one ? $("opened").replaceChildren(missing(e.message)) : $("library-said").textContent = e.message;
	}
}

const missing = (text) => el("div", { class: "sheet" }, el("h2", {}, text), el("a", { href: "#/library" }, t("library.back")));

const takable = (kind) => kind === "quizzes" || kind === "exams";

function openAid([kind, id, doing], before) {
	const entry = entries.find((e) => e.kind === kind && e.id === id);
	if (!entry) return $("opened").replaceChildren(missing(t("library.gone")));
	const { type, data, title } = entry.item, shown = aid(type, data), address = `library/${kind}/${id}`;
	retitle(title);
	const close = () => go(address);
	if (doing === "study" && kind === "flashcards") return $("opened").replaceChildren(head(title, address), practise(data.flashcards, close));
	if (doing === "take" && takable(kind)) {
		return $("opened").replaceChildren(head(title, address), el("div", { class: "sheet" }, take(sectionsOf(type, data), { minutes: kind === "exams" ? data.exam.duration_minutes : 0, leave: close, attempts: attemptsAt(kind, id) })));
	}
	if (doing === "edit") return edit(entry, address);
	const start = { flashcards: [`study/review?deck=${id}`, t("review.start")], quizzes: [`${address}/take`, t("quiz.start")], exams: [`${address}/take`, t("exam.start")] }[kind];
	const link = (to, text, kind = "quiet") => el("a", { class: `button ${kind}`, href: `#/${to}` }, text);
	$("opened").replaceChildren(head(t("library.back"), "library"), el("article", { class: "sheet" }, el("h2", { dir: "auto", tabIndex: -1 }, title), el("p", { class: "hint" }, shown.facts),
		el("div", { class: "row start tools" }, start ? link(...start, "main") : "", kind === "flashcards" ? link(`${address}/study`, t("card.practise")) : "",
			link(`${address}/edit`, t("edit")), button(t("print"), () => print(type, data, title)), menu(kind, id)),
		before, shown.body));
	$("opened").querySelector("h2").focus({ preventScroll: true });
	scrollTo(0, 0);
}

function edit(entry, address) {
	const others = entries.filter((e) => e.kind === entry.kind && e !== entry);
	$("opened").replaceChildren(head(entry.title, address), ...editor(entry, others, { changed: () => go(address), gone: () => go("library") }));
	$("opened").querySelector("h2").focus({ preventScroll: true });
	scrollTo(0, 0);
}

const head = (text, to) => el("p", { class: "crumb" }, el("a", { href: `#/${to}`, dir: "auto" }, "‹ ", text));

export function beginLibrary() {
	$("kinds").append(...["", ...kinds, "notes", "talks"].map((kind) => el("button", { type: "button", class: "quiet mode", value: kind, onclick: () => { history.replaceState(null, "", `#/library${kind ? `?kind=${kind}` : ""}`); list(here().query); } }, t(kind ? `kinds.${kind}` : "kinds.all"))));
	$("library-find").addEventListener("input", () => list(here().query));
	place("library", open);
}


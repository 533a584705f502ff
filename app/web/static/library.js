// Library: everything that is stored. The list, and one open study aid: to view, to practise, to print.
import { aid, sectionsOf } from "./aids.js";
import { attemptsAt, past } from "./attempts.js";
import { call, mine } from "./api.js";
import { practise } from "./cards.js";
import { $, button, el, sleep } from "./dom.js";
import { confirmed } from "./dialog.js";
import { fetchSuspended } from "./due.js";
import { editor } from "./edit.js";
import { aidsOf, everything, kinds, matching, pathOf, row } from "./entries.js";
import { openNote } from "./note.js";
import { print } from "./print.js";
import { go, here, isID, retitle } from "./route.js";
import { menu } from "./save.js";
import { take } from "./quiz.js";
import { t } from "./words.js";

const pause = 200; // ms without a key press before the server is queried

let entries = [], wanted = 0, listed = 0;

// list shows what the address asks for: "?kind=notes&find=water". Titles are searched at once; for texts the server is queried, after a
// pause in typing.
async function list() {
	const { query } = here(), find = query.get("find") ?? "", now = ++listed;
	if ($("library-find").value.trim() !== find) $("library-find").value = find;
	draw(find, null);
	if (!find || !entries.length) return;
	await sleep(pause);
	if (now !== listed) return;
	const ids = await matching(find).catch(() => new Set());
	if (now === listed) draw(find, ids);
}

// draw lists the entries of the address's kind that contain the words in their title, or whose id is among ids.
function draw(find, ids) {
	const kind = here().query.get("kind") ?? "", words = find.toLowerCase();
	for (const b of $("kinds").children) b.setAttribute("aria-pressed", String(b.value === kind));
	const shown = entries.filter((e) => (!kind || e.kind === kind) && (!words || e.title.toLowerCase().includes(words) || ids?.has(e.id)));
	$("entries").replaceChildren(...shown.map((e) => row(e, button("×", () => remove(e), "remove"))));
	for (const b of $("entries").querySelectorAll(".remove")) b.setAttribute("aria-label", t("delete.what", { title: b.parentElement.querySelector("span").textContent }));
	$("library-said").textContent = shown.length || find && !ids && entries.length ? "" : entries.length ? t("library.nomatch") : t("library.empty");
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
	list();
}

export async function show(parts, query) {
	const mineNow = ++wanted, one = parts.length > 1;
	$("shelves").hidden = one;
	$("opened").hidden = !one;
	$("library-title").classList.toggle("sr", one);
	try {
		if (parts[0] === "notes" && one) return await openNote($("opened"), parts[1], query);
		const taken = parts.length === 2 ? about(...parts).catch(() => "") : ""; // the aid may be deleted
		const found = one ? await openedAid(parts) : await everything(), before = await taken;
		if (mineNow !== wanted) return;
		if (one) return openAid(found, parts, before);
		entries = found;
		list();
	} catch (e) {
		if (mineNow !== wanted) return;
		one ? $("opened").replaceChildren(missing(e.status === 404 || e.status === 422 ? t("library.gone") : e.message)) : $("library-said").textContent = e.message;
	}
}

const missing = (text) => el("div", { class: "sheet" }, el("h2", {}, text), el("a", { href: "#/library" }, t("library.back")));

// about returns additional information on an aid: attempts at a quiz, and a link to a deck's suspended cards.
async function about(kind, id) {
	if (!isID(id)) return "";
	if (takable(kind)) return past(kind, id);
	if (kind !== "flashcards" || !(await fetchSuspended(id, 1)).length) return "";
	return el("p", {}, el("a", { href: `#/study/suspended?deck=${id}` }, t("suspended.title")));
}

const takable = (kind) => kind === "quizzes" || kind === "exams";

// openedAid returns the study aid of an address, with the aids that can be merged into it.
async function openedAid([kind, id, doing]) {
	const item = kinds.includes(kind) && isID(id) ? await call("GET", mine(pathOf({ kind, id }))) : null;
	const others = doing === "edit" ? (await aidsOf(kind)).filter((e) => e.id !== id) : [];
	return item && { kind, id, title: item.title, item, others };
}

function openAid(entry, [kind, id, doing], before) {
	if (!entry) return $("opened").replaceChildren(missing(t("library.gone")));
	const { type, data, title } = entry.item, shown = aid(type, data), address = `library/${kind}/${id}`;
	retitle(title);
	const close = () => go(address);
	if (doing === "study" && kind === "flashcards") return $("opened").replaceChildren(head(title, address), practise(data.flashcards, close));
	if (doing === "take" && takable(kind)) {
		return $("opened").replaceChildren(head(title, address), el("div", { class: "sheet" }, take(sectionsOf(type, data), { id, minutes: kind === "exams" ? data.exam.duration_minutes : 0, leave: close, attempts: attemptsAt(kind, id) })));
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
	$("opened").replaceChildren(head(entry.title, address), ...editor(entry, entry.others, { changed: () => go(address), gone: () => go("library") }));
	$("opened").querySelector("h2").focus({ preventScroll: true });
	scrollTo(0, 0);
}

const head = (text, to) => el("p", { class: "crumb" }, el("a", { href: `#/${to}`, dir: "auto" }, "‹ ", text));

// narrow changes one part of the list's address.
function narrow(name, value) {
	const { query } = here();
	value ? query.set(name, value) : query.delete(name);
	history.replaceState(null, "", `#/library${query.size ? `?${query}` : ""}`);
	list();
}

export function begin() {
	$("kinds").append(...["", ...kinds, "notes", "talks"].map((kind) => el("button", { type: "button", class: "quiet mode", value: kind, onclick: () => narrow("kind", kind) }, t(kind ? `kinds.${kind}` : "kinds.all"))));
	$("library-find").addEventListener("input", (e) => narrow("find", e.target.value.trim()));
}

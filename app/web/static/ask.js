// Ask: conversations about the user's notes. A conversation is a session, identified by its id.
import { call, mine, own, uuid } from "./api.js";
import { $, button, el } from "./dom.js";
import { countdown } from "./dialog.js";
import { Growing } from "./growing.js";
import { markdown } from "./markdown.js";
import { here, isID } from "./route.js";
import { Run } from "./run.js";
import { sourceOf } from "./source.js";
import { warning } from "./warnings.js";
import { day, t } from "./words.js";

let session = null, onLog = null; // the id that is open, and the one that the log shows
let answer = null; // {question, turn, growing} of the question in progress

const toEnd = () => { $("log").scrollTop = $("log").scrollHeight; };

function say(role, ...what) {
	const turn = el("article", { class: `said ${role}` }, el("p", { class: "who" }, t(`ask.${role}`)), ...what);
	$("log").append(turn);
	$("empty").hidden = true;
	toEnd();
	return turn;
}

const asked = (text) => say("user", el("div", { class: "raw", dir: "auto" }, text));

// answered renders a complete answer: its text, the passages that it quotes, and actions.
function answered(text, citations = []) {
	const copy = button(t("copy"), async () => {
		await navigator.clipboard.writeText(text);
		copy.textContent = t("copied");
	}, "plain");
	return [markdown(text), citations.map((source) => sourceOf({ source })), el("div", { class: "row start after" }, navigator.clipboard ? copy : "")];
}

// drawnFrom names the notes that an answer is based on if it quotes none of them.
const drawnFrom = (notes) => el("p", { class: "source" }, t("ask.sources"), ": ",
	notes.flatMap((n, i) => [i ? ", " : "", el("a", { href: `#/library/notes/${n.id}`, dir: "auto" }, n.title || t("note.untitled"))]));

// expect shows a question and the place where its answer will appear.
function expect(text) {
	const question = asked(text), growing = new Growing(toEnd);
	answer = { question, growing, turn: say("assistant", growing.node) };
	$("log").setAttribute("aria-busy", "true");
	label();
}

const run = new Run("ask", {
	again: () => answer.growing.clear(),
	step: (_, text) => { $("wait").textContent = text; },
	token: (text) => answer.growing.add(text),
	item() {},
	done,
	failed,
	over() {
		$("wait").textContent = "";
		$("log").removeAttribute("aria-busy");
		label();
	},
});

function done(e, r) {
	const type = e.intent ?? r.type, { turn } = answer;
	const nodes = type === "chat" ? answered(e.data.response, e.data.citations) : answered(e.message);
	if (type === "chat" && !e.data.citations.length && e.data.context_used.notes.length) nodes.push(drawnFrom(e.data.context_used.notes));
	if (e.saved?.content_id) nodes.push(el("p", {}, el("a", { href: `#/library/${e.saved.content_type}/${e.saved.content_id}` }, t("library.open"))));
	turn.replaceChildren(turn.firstChild, ...nodes.flat());
	answer = null;
	label();
	toEnd();
	fail((e.warnings ?? []).map((w) => t("note", { text: warning(w).replace(/[.]$/, "") })).join(" "));
	if (here().name === "ask") $("question").focus({ preventScroll: true });
	talks();
}

function failed(e, r, { after, retryable }) {
	drop();
	if (!$("question").value) $("question").value = r.message;
	fail(e.message);
	if (!retryable) return;
	const retry = button(t("retry"), () => { $("question").value = ""; start(r); });
	$("ask-said").append(" ", retry);
	if (after) countdown(retry, after);
}

function drop() {
	answer?.question.remove();
	answer?.turn.remove();
	answer = null;
	$("empty").hidden = $("log").children.length > 0;
	label();
}

const fail = (text) => $("ask-said").replaceChildren(text);

const label = () => {
	$("send").textContent = run.busy ? t("cancel") : t("ask.send");
	$("send").classList.toggle("stop", run.busy);
};

function start(r) {
	fail("");
	expect(r.message);
	run.start(r);
	label();
}

function submit(e) {
	e.preventDefault();
	if (run.busy) {
		const text = answer.question.querySelector(".raw").textContent;
		run.cancel();
		drop();
		if (!$("question").value) $("question").value = text;
		return fail(t("run.cancelled"));
	}
	const message = $("question").value.trim();
	if (!message) return fail(t("ask.nothing"));
	if (!session) {
		session = onLog = uuid();
		own.set("session", session);
		history.replaceState(null, "", `#/ask/${session}`);
	}
	$("question").value = "";
	start({ type: "chat", message, options: {}, session_id: session });
}

// open shows a conversation; a new one has no id.
export async function show([id]) {
	if (!isID(id)) id = own.get("session");
	if (id && here().parts[0] !== id) history.replaceState(null, "", `#/ask/${id}`);
	talks();
	if (id && id === onLog) return;
	if (run.busy) {
		run.leave();
		answer = null;
		label();
	}
	session = onLog = id ?? null;
	own.set("session", session);
	$("log").replaceChildren();
	$("empty").hidden = false;
	fail("");
	if (!id) return;
	const messages = await read(id);
	if (session !== id) return; // another was opened in the meantime
	for (const m of messages) m.role === "user" ? asked(m.content) : say("assistant", ...answered(m.content, m.citations).flat());
	const finished = (r) => r.session_id === id && messages.at(-2)?.content !== r.message;
	const before = run.busy ? null : run.resume(finished);
	if (before) expect(before.message);
}

// read returns the messages of a conversation; none if it has none yet.
async function read(id) {
	try {
		return (await call("GET", mine(`/api/ai/sessions/${id}/messages`, { limit: 200 }))).messages;
	} catch (e) {
		if (e.status !== 404) fail(e.message);
		return [];
	}
}

async function talks() {
	const { sessions } = await call("GET", mine("/api/ai/sessions", { limit: 20 })).catch(() => ({ sessions: [] }));
	const list = sessions.filter((s) => s.message_count > 1);
	$("talks").replaceChildren(...list.map((s) => el("li", {}, el("a", { class: "item", href: `#/ask/${s.id}`, "aria-current": s.id === session ? "true" : null },
		el("span", { dir: "auto" }, s.title), el("small", {}, day(s.updated_at))))));
	$("talkbox").hidden = !list.length;
}

export function begin() {
	$("ask-form").addEventListener("submit", submit);
	$("question").addEventListener("keydown", (e) => {
		if (e.key !== "Enter" || e.shiftKey || e.isComposing) return;
		e.preventDefault();
		if (!run.busy) $("ask-form").requestSubmit();
	});
	$("fresh").addEventListener("click", () => {
		own.set("session", null);
		history.replaceState(null, "", "#/ask");
		show([]);
		$("question").focus();
	});
	label();
}

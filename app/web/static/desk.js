// The study desk: what is asked, what happens then, and what comes of it.
import { aid } from "./aids.js";
import { call, kept, tab, user, watchBanners } from "./api.js";
import { $, button, countdown, el, many } from "./dom.js";
import { keepNote, pickedNotes, showNotes, showSaved } from "./library.js";
import { follow } from "./stream.js";
import { answering, newTalk, openTalk, session } from "./talk.js";
import { chosen, offer, options, types } from "./wishes.js";

const steps = ["Understand", "Gather", "Work", "Check", "Safety", "Finish"];

let running = null; // {request, turn, stop, abort, again}: what is being made now

function request() {
	const type = chosen(), message = $("message").value.trim();
	const r = { type, message, options: options(type) };
	if ($("text").value.trim()) r.options.content = $("text").value;
	if (pickedNotes().length) r.explicit_note_ids = pickedNotes();
	if (type === "chat") r.session_id = session();
	return r;
}

// missing says what a request lacks, before the server has to.
function missing(r) {
	if (r.type === "chat") return r.message ? "" : "Write a question first.";
	return r.message || r.options.content || r.explicit_note_ids ? "" : "Paste some notes, pick saved ones, or say below what it is about.";
}

async function go(r, again = false) {
	const turn = r.type === "chat" ? answering(r.message) : null;
	const abort = new AbortController();
	running = { request: r, turn, abort, again, stop: () => {} };
	say("");
	if (turn) $("message").value = "";
	busy(true);
	showStep({ step: 0, message: "Asking" });
	try {
		const started = await call("POST", "/api/ai/process-stream", () => ({ ...user(), ...r }), abort.signal);
		if (!abort.signal.aborted) watch(started.stream_url, started.run_id);
	} catch (e) {
		if (!abort.signal.aborted) failed(e, e.retryAfter);
	}
}

function watch(url, run) {
	tab.set("running", JSON.stringify({ url, run, request: running.request }));
	running.stop = follow(url, run, { event: heard, lost });
}

function heard(e) {
	switch (e.type) {
	case "start":
	case "gap":
		running.turn?.again();
		break;
	case "progress":
		showStep(e.data);
		break;
	case "token":
		running.turn?.token(e.text);
		break;
	case "complete":
		complete(e);
		break;
	case "error":
		failed(new Error(e.error), e.retry_after_seconds, e.retryable);
		break;
	}
}

function complete(e) {
	const { turn, request: r } = running;
	const type = e.intent ?? r.type;
	ended();
	library();
	turn?.whole(type === "chat" ? e.data.response : e.message);
	if (type === "chat") say(warnings(e).join(" "));
	showStep({ step: steps.length + 1, message: e.message });
	$("run").hidden = $("result").hidden = type === "chat";
	type === "chat" ? $("message").focus({ preventScroll: true }) : show(type, e.data, e);
}

// lost handles a server that was restarted and has forgotten the run: the request is sent once more.
function lost() {
	const { request: r, turn, again } = running;
	turn?.drop();
	if (again) return failed(new Error("The server has lost this request twice."), 0, true);
	go(r, true);
}

function failed(e, after = 0, retryable = after > 0) {
	const { request: r, turn } = running;
	turn?.drop();
	if (turn && !$("message").value) $("message").value = r.message;
	ended();
	$("run").hidden = true;
	say(sentence(e.message || "something went wrong"));
	if (!retryable) return;
	const retry = button("Try again", () => go(r));
	$("said").append(" ", retry);
	if (after) countdown(retry, after);
}

const sentence = (text) => text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

function ended() {
	running = null;
	tab.set("running", null);
	busy(false);
}

function busy(is) {
	if (is) $("run").hidden = false;
	$("go").textContent = is ? "Cancel" : types[chosen()].go;
}

const say = (text) => $("said").replaceChildren(text);

function showStep({ step, message, total_steps: total = 6 }) {
	$("steps").replaceChildren(...steps.map((name, i) => el("li", { class: i + 1 < step ? "done" : i + 1 === step ? "now" : "", "aria-current": i + 1 === step ? "step" : null }, name)));
	$("step").textContent = step === 0 ? `${message}…` : step > total ? `${message}.` : `Step ${step} of ${total}: ${message}`;
}

function show(type, data, e = {}) {
	const { title, body } = aid(type, data);
	$("result-title").textContent = title;
	$("aid").replaceChildren(...body);
	$("checked").replaceChildren(...remarks(e).map((t) => el("span", {}, t)));
	$("result").hidden = false;
	$("result").focus({ preventScroll: true });
	$("result").scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

function remarks(e) {
	const v = e.validation;
	const said = [];
	if (v?.checked_by === "rules") said.push("Made from your text by rules.");
	else if (v) said.push(`Checked by ${v.checked_by}: ${["safety", "quality", "accuracy"].filter((n) => v[`${n}_score`] != null).map((n) => `${n} ${Math.round(100 * v[`${n}_score`])} %`).join(", ")}.`);
	if (e.metadata) said.push(`${e.from_cache ? "From the cache" : `Made by ${e.metadata.model_used || "the server"}`} in ${e.execution_time_ms} ms.`);
	return said.concat(warnings(e));
}

const warnings = (e) => (e.warnings ?? []).map((w) => `Note: ${w}.`);

const library = () => showSaved((item) => show(item.type, item.data), async (id) => {
	await openTalk(id);
	document.querySelector("input[value=chat]").click();
	$("talk").scrollIntoView({ block: "nearest" });
}).catch((e) => { $("state").textContent = e.message; });

function count() {
	const n = $("text").value.split(/\s+/).filter(Boolean).length;
	$("words").textContent = n ? many(n, "word") : "";
	$("keep").disabled = !n;
	kept.set("draft", $("text").value || null);
}

function listen() {
	watchBanners();
	$("form").addEventListener("submit", (e) => {
		e.preventDefault();
		if (running) return stopWaiting();
		const r = request(), fault = missing(r);
		fault ? say(fault) : go(r);
	});
	$("message").addEventListener("keydown", (e) => {
		if (e.key !== "Enter" || e.shiftKey || e.isComposing || chosen() !== "chat") return;
		e.preventDefault();
		if (!running) $("form").requestSubmit();
	});
	$("text").addEventListener("input", count);
	$("find").addEventListener("input", () => showNotes().catch(() => {}));
	$("keep").addEventListener("click", () => keepNote($("text").value).then(() => { $("text").value = ""; count(); }, (e) => { $("notes-said").textContent = e.message; }));
	$("fresh").addEventListener("click", newTalk);
}

function stopWaiting() {
	running.abort.abort();
	running.stop();
	running.turn?.drop();
	ended();
	$("run").hidden = true;
	say("Stopped. If it finishes, you will find it in your library.");
}

// resume continues to watch what was under way when the page was left.
function resume(talk) {
	const before = JSON.parse(tab.get("running") ?? "null");
	if (!before) return;
	const r = before.request;
	document.querySelector(`input[value=${r.type}]`).click();
	if (r.type === "chat" && talk.at(-2)?.content === r.message) return tab.set("running", null); // it is finished
	running = { request: r, turn: r.type === "chat" ? answering(r.message) : null, abort: new AbortController(), again: false, stop: () => {} };
	busy(true);
	watch(before.url, before.run);
}

async function begin() {
	$("text").value = kept.get("draft") ?? "";
	offer(() => say(""));
	count();
	listen();
	const talk = kept.get("session") ? await openTalk(kept.get("session")).catch(() => []) : [];
	resume(talk);
	await Promise.all([showNotes(), library()]).catch(() => {});
}

begin();

// Make: from material to study aids. Items appear one by one while the rest is being made.
import { aid, finished } from "./aids.js";
import { $, button, el, reveal } from "./dom.js";
import { countdown } from "./dialog.js";
import { beginMaterial, material, showNotes } from "./material.js";
import { receive } from "./files.js";
import { choose, chosen, offer, options } from "./options.js";
import { print } from "./print.js";
import { Run } from "./run.js";
import { warning } from "./warnings.js";
import { t } from "./words.js";

const steps = 6;
const lists = { card: ["ol", "deck"], question: ["ol", "deck"], point: ["ul", "points"], session: ["ol", "plan"] };

function request() {
	const type = chosen(), { content, notes } = material();
	const r = { type, message: $("message").value.trim(), options: options(type) };
	if (content) r.options.content = content;
	if (notes.length) r.explicit_note_ids = notes;
	return r;
}

const run = new Run("make", {
	again: () => $("aid").replaceChildren(),
	step: showStep,
	token() {},
	item: showItem,
	done,
	failed,
	over: () => busy(false),
});

function showStep(n, text) {
	$("steps").replaceChildren(...Array.from({ length: steps }, (_, i) => el("li", { class: i + 1 < n ? "done" : i + 1 === n ? "now" : "" })));
	$("step").textContent = text;
}

function showItem(kind, item) {
	const node = finished(kind, item);
	if (!node) return;
	const [name, type] = lists[kind];
	if (!$("aid").children.length) $("aid").append(el(name, { class: type, "aria-busy": "true" }));
	node.classList.add("new");
	$("aid").firstChild.append(node);
	$("made").textContent = t("make.sofar", { n: $("aid").firstChild.children.length });
}

function done(e, r) {
	const type = e.intent ?? r.type, { title, facts, body } = aid(type, e.data);
	$("result-title").textContent = title;
	$("made").textContent = facts;
	$("aid").replaceChildren(...body);
	$("tools").replaceChildren(...actions(type, e), button(t("print"), () => print(type, e.data, title)));
	$("checked").replaceChildren(...remarks(e).map((text) => el("span", {}, text)));
	reveal($("result"));
	showNotes().catch(() => {});
}

// actions are what the user can do next with a saved aid.
function actions(type, { saved }) {
	if (!saved?.content_id) return [];
	const to = `#/library/${saved.content_type}/${saved.content_id}`, link = (text, href, kind) => el("a", { class: `button ${kind}`, href }, text);
	const start = { flashcard_generation: [t("review.start"), `#/study/review?deck=${saved.content_id}`], quiz_generation: [t("quiz.start"), `${to}/take`], exam_generation: [t("exam.start"), `${to}/take`] }[type];
	return [start ? link(...start, "main") : "", link(t("library.open"), to, "quiet")].filter(Boolean);
}

function remarks(e) {
	const said = [];
	const model = e.metadata?.model_used;
	if (model) said.push(model.startsWith("offline-") ? t("made.rules") : t("made.model"));
	if (e.from_cache) said.push(t("made.before"));
	return said.concat((e.warnings ?? []).map((w) => t("note", { text: warning(w).replace(/[.]$/, "") })));
}

function failed(e, r, { after, retryable }) {
	$("result").hidden = true;
	say(e.message);
	if (!retryable) return;
	const retry = button(t("retry"), () => go(r));
	$("said").append(" ", retry);
	if (after) countdown(retry, after);
}

const say = (text) => $("said").replaceChildren(text);

function go(r) {
	say("");
	expect();
	run.start(r);
}

// expect shows the place where the aid will appear, before its first item arrives.
function expect() {
	$("result-title").textContent = t("make.under", { what: t(`type.${chosen()}`) });
	for (const id of ["aid", "tools", "checked", "made"]) $(id).replaceChildren();
	$("result").hidden = false;
	busy(true);
}

function busy(is) {
	$("run").hidden = !is;
	$("result").setAttribute("aria-busy", String(is));
	label(is);
}

const label = (is = run.busy) => {
	$("go").textContent = is ? t("cancel") : t(`go.${chosen()}`);
	$("go").classList.toggle("stop", is);
};

function submit(e) {
	e.preventDefault();
	if (run.busy) {
		run.cancel();
		$("result").hidden = true;
		return say(t("run.cancelled"));
	}
	const r = request();
	if (!r.message && !r.options.content && !r.explicit_note_ids) {
		say(t("make.nothing"));
		return $("text").focus();
	}
	go(r);
}

export { receive };

export const show = () => showNotes().catch((e) => say(e.message));

export function begin() {
	offer(() => { say(""); label(); });
	beginMaterial();
	$("form").addEventListener("submit", submit);
	const before = run.resume();
	if (before) {
		choose(before.type);
		expect();
	}
	label();
}

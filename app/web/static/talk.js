// The conversation: one session, kept by its id, shown as it was said.
import { call, kept, uuid } from "./api.js";
import { $, el, prose } from "./dom.js";

export const session = () => {
	if (!kept.get("session")) kept.set("session", uuid());
	return kept.get("session");
};

const who = { user: "You", assistant: "StudySharper" };

function say(role, ...what) {
	const turn = el("div", { class: `said ${role}` }, el("p", { class: "who" }, who[role]), ...what);
	$("log").append(turn);
	$("talk").hidden = false;
	toEnd();
	return turn;
}

const toEnd = () => { $("log").scrollTop = $("log").scrollHeight; };

const asked = (text) => say("user", el("p", { class: "raw" }, text));

// answering is a question and its answer, which grows with the tokens until it is whole.
export function answering(question) {
	const before = asked(question);
	const raw = el("p", { class: "raw growing" });
	const turn = say("assistant", raw);
	$("log").setAttribute("aria-busy", "true");
	const done = (node) => {
		raw.replaceWith(node);
		$("log").removeAttribute("aria-busy");
		toEnd();
	};
	return {
		token(text) { raw.append(text); toEnd(); },
		again() { raw.replaceChildren(); },
		whole(text) { done(prose(text)); },
		drop() {
			before.remove();
			turn.remove();
			$("log").removeAttribute("aria-busy");
			$("talk").hidden = !$("log").children.length;
		},
	};
}

// openTalk shows a conversation that was held before, so that it can continue.
export async function openTalk(id) {
	const { messages } = await call("GET", `/api/ai/sessions/${id}/messages?limit=100`);
	kept.set("session", id);
	$("log").replaceChildren();
	for (const m of messages) m.role === "user" ? asked(m.content) : say("assistant", prose(m.content));
	return messages;
}

export function newTalk() {
	kept.set("session", null);
	$("log").replaceChildren();
	$("talk").hidden = true;
}

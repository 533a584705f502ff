// A pile of flashcards, one at a time.
import { button, el, many } from "./dom.js";

export function cards({ flashcards }) {
	let deck = flashcards, at = 0, turned = false;
	const known = new Set();
	const front = el("span", { class: "side front" }), behind = el("span", { class: "side behind" });
	const card = el("button", { type: "button", class: "card", onclick: () => turn() }, el("span", { class: "turn" }, front, behind));
	const place = el("p", { class: "place" }), told = el("p", { class: "sr", role: "status" });
	const previous = button("Previous", () => go(at - 1)), next = button("Next", () => go(at + 1));
	const knew = button("I knew it", () => { known.add(deck[at]); go(at + 1); }), not = button("Not yet", () => { known.delete(deck[at]); go(at + 1); });
	const marks = el("div", { class: "row marks" }, not, knew);
	const end = el("div", { class: "row centre" });
	const box = el("div", { class: "cards", onkeydown: key }, place, card,
		el("div", { class: "moves" }, previous, marks, next), el("p", { class: "hint keys" }, "← and → move, ↑ and space turn"), end, told);

	function turn(to = !turned) {
		turned = to;
		card.classList.toggle("turned", turned);
		front.setAttribute("aria-hidden", turned);
		behind.setAttribute("aria-hidden", !turned);
		marks.classList.toggle("unseen", !turned);
		knew.disabled = not.disabled = !turned;
		if (turned) told.textContent = `Answer: ${deck[at].answer}`;
	}
	function go(to) {
		const within = document.activeElement;
		if (to < 0) return;
		if (to >= deck.length) return finish();
		at = to;
		const { question, answer, topic, difficulty } = deck[at];
		front.replaceChildren(el("small", {}, topic || "Question"), el("span", {}, question));
		behind.replaceChildren(el("small", {}, "Answer"), el("span", {}, answer));
		place.textContent = `Card ${at + 1} of ${deck.length}${difficulty ? `, ${difficulty}` : ""}`;
		told.textContent = `Card ${at + 1} of ${deck.length}: ${question}`;
		previous.disabled = at === 0;
		end.replaceChildren();
		turn(false);
		if (within?.disabled) card.focus();
	}
	function finish() {
		const rest = flashcards.filter((c) => !known.has(c));
		const said = el("p", { role: "status" }, `Deck finished: ${known.size} of ${many(flashcards.length, "card")} known.`);
		const again = (pile) => { deck = pile; go(0); card.focus(); };
		end.replaceChildren(said, rest.length && rest.length < flashcards.length ? button(`Review the ${rest.length} you missed`, () => again(rest)) : "", button("From the start", () => again(flashcards)));
		end.querySelector("button").focus();
	}
	function key(e) {
		const moves = { ArrowLeft: () => go(at - 1), ArrowRight: () => go(at + 1), ArrowUp: () => turn(), ArrowDown: () => turn() };
		if (!moves[e.key]) return;
		e.preventDefault();
		moves[e.key]();
	}
	go(0);
	return box;
}

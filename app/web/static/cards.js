// Flashcards: the list of a deck, and cards one at a time.
import { button, el, newID } from "./dom.js";
import { short } from "./markdown.js";
import { sourceOf } from "./source.js";
import { t } from "./words.js";

// listed is one card of a list: question, answer, source. more contains its tools.
export const listed = (card, ...more) => el("li", { class: "flash" },
	el("div", { class: "ask" }, short(card.question)), el("div", { class: "reply" }, short(card.answer), sourceOf(card), more));

// One shows one card at a time. on has: grades(card), the buttons under an answer as [label, hint, act]; left(), a text; undo(), or null if
// nothing can be undone; suspend(), if cards can be suspended; and keys, a text. Space turns the card, digits press the buttons, U undoes,
// S suspends.
export class One {
	#card = null; #turned = false; #on;
	#front = el("div", { class: "front", tabIndex: -1 });
	#back = el("div", { class: "back", tabIndex: -1 });
	#left = el("p", { class: "left" });
	#marks = el("div", { class: "marks" });
	#face = el("div", { class: "face" }, this.#front, this.#back);
	#key = (e) => this.node.isConnected ? this.#press(e) : document.removeEventListener("keydown", this.#key);
	#undo = button(t("card.undo"), () => this.#on.undo(), "plain");
	#suspend = button(t("review.suspend"), () => this.#on.suspend(), "plain");

	constructor(on) {
		this.#on = on;
		this.node = el("section", { class: "one", "aria-label": t("card.one") },
			el("div", { class: "row over" }, this.#left, this.#undo, on.suspend ? this.#suspend : ""), this.#face, this.#marks, el("p", { class: "hint keys" }, on.keys ?? t("card.keys")));
		this.#undo.setAttribute("aria-keyshortcuts", "u");
		this.#suspend.setAttribute("aria-keyshortcuts", "s");
		this.#face.addEventListener("click", (e) => { if (!e.target.closest("a, button, pre") && !this.#turned && !String(getSelection())) this.turn(); });
	}

	// show displays a card with only its question.
	show(card) {
		document.addEventListener("keydown", this.#key);
		this.#card = card;
		this.#turned = false;
		this.#left.textContent = this.#on.left();
		this.#undo.hidden = !this.#on.undo || !this.#on.undoable();
		this.#front.replaceChildren(el("p", { class: "side" }, card.topic || t("card.question")), short(card.question));
		this.#back.replaceChildren();
		this.#back.hidden = true;
		this.#marks.replaceChildren(button(t("card.turn"), () => this.turn(), "main"));
		this.#front.focus({ preventScroll: true });
	}

	turn() {
		this.#turned = true;
		this.#back.append(el("p", { class: "side" }, t("card.answer")), short(this.#card.answer), sourceOf(this.#card));
		this.#back.hidden = false;
		this.#marks.replaceChildren(...this.#on.grades(this.#card).map(([label, hint, act, kind = "quiet"], i) => {
			const b = button("", act, `grade ${kind}`);
			b.append(el("span", {}, label), hint ? el("small", {}, hint) : "");
			b.setAttribute("aria-keyshortcuts", String(i + 1));
			return b;
		}));
		this.#back.focus({ preventScroll: true });
	}

	#press(e) {
		if (!this.node.checkVisibility() || e.ctrlKey || e.metaKey || e.altKey || e.repeat || document.querySelector("dialog[open]") || e.target.closest?.("input, textarea, select")) return;
		const button = e.target.closest?.("button, a");
		if (e.key === " " && !this.#turned && !button) this.turn();
		else if (this.#turned && /^[1-9]$/.test(e.key) && this.#marks.children[e.key - 1]) this.#marks.children[e.key - 1].click();
		else if (e.key.toLowerCase() === "u" && !this.#undo.hidden) this.#undo.click();
		else if (e.key.toLowerCase() === "s" && this.#on.suspend) this.#suspend.click();
		else return;
		e.preventDefault();
	}
}

// practise goes through cards without recording a score on the server; it can repeat those that were not known.
export function practise(all, leave) {
	const box = el("div", { class: "practise" }), known = new Set(), id = newID();
	let deck = all, at = 0;
	const past = [];
	const mark = (is) => {
		past.push([deck[at], known.has(deck[at])]);
		is ? known.add(deck[at]) : known.delete(deck[at]);
		at++;
		next();
	};
	const one = new One({
		left: () => t("card.of", { at: at + 1, all: deck.length }),
		grades: () => [[t("card.not"), "", () => mark(false)], [t("card.knew"), "", () => mark(true), "main"]],
		undoable: () => past.length > 0 && at > 0,
		undo() {
			const [card, was] = past.pop();
			was ? known.add(card) : known.delete(card);
			at--;
			next();
		},
	});
	const begin = (pile) => { deck = pile; at = 0; past.length = 0; box.replaceChildren(one.node); next(); };
	function next() {
		if (at < deck.length) return one.show(deck[at]);
		const rest = all.filter((c) => !known.has(c));
		box.replaceChildren(el("h2", { id, tabIndex: -1 }, t("card.finished", { known: known.size, all: all.length })),
			el("div", { class: "row start" }, rest.length && rest.length < all.length ? button(t("card.missed", { n: rest.length }), () => begin(rest), "main") : "",
				button(t("card.again"), () => begin(all)), button(t("back"), leave)));
		box.querySelector("h2").focus();
	}
	queueMicrotask(() => begin(all));
	return box;
}

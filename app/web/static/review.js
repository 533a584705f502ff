// Review: the due cards, one at a time. It continues offline, with the cards fetched before.
import { call, own, user } from "./api.js";
import { One } from "./cards.js";
import { $, button, el } from "./dom.js";
import { fetchQueue, keepQueue, nextDay, putBack, take, total } from "./due.js";
import { grade, suspend, ungrade, waiting, whenChanged } from "./outbox.js";
import { retitle } from "./route.js";
import { day, span, t } from "./words.js";

const grades = ["again", "hard", "good", "easy"];

let now = null; // the open review

// openReview reviews the due cards of a deck, or of all decks with "".
export async function openReview(box, deck) {
	const mineNow = now = new Review(box, deck);
	retitle(t("review.title"));
	await mineNow.begin();
}

// closeReview ends the open review.
export const closeReview = () => { now = null; };

class Review {
	#box; #deck; #queue = null; #past = []; #shownAt = 0;
	#said = el("p", { class: "hint wait", role: "status" });
	#main = el("div", { class: "reviewing" });
	#one = new One({
		left: () => t("review.left", { n: total(this.#queue) }),
		grades: (card) => grades.map((name, i) => [t(`review.${name}`), span(card.intervals[name]), () => this.#grade(card, i + 1), name === "good" ? "main" : "quiet"]),
		undoable: () => this.#past.length > 0,
		undo: () => this.#undo(),
		suspend: () => this.#suspend(),
		keys: t("review.keys"),
	});

	constructor(box, deck) {
		this.#box = box;
		this.#deck = deck;
	}

	async begin() {
		const [to, text] = this.#deck ? [`#/library/flashcards/${this.#deck}`, t("review.deck")] : ["#/study", t("place.study")];
		this.#box.replaceChildren(el("p", { class: "crumb" }, el("a", { href: to }, "‹ ", text)), this.#main, this.#said);
		whenChanged(() => this.#tell());
		await this.#more();
		setOffset();
	}

	// #more fetches the due cards; when a queue is finished there may be more, because cards in learning return.
	async #more() {
		try {
			this.#queue = await fetchQueue(this.#deck);
		} catch (e) {
			return this.#main.replaceChildren(el("div", { class: "sheet" }, el("p", { class: "fault" }, e.message)));
		}
		if (now !== this) return;
		this.#tell();
		this.#queue?.cards.length ? this.#show() : this.#finish();
	}

	#show() {
		if (!this.#queue.cards.length) return this.#more();
		if (!this.#one.node.isConnected) this.#main.replaceChildren(this.#one.node);
		this.#one.show(this.#queue.cards[0]);
		this.#shownAt = Date.now();
	}

	#next(card, past) {
		this.#past.push({ card, ...past });
		this.#change(take(this.#queue, card));
	}

	#change(queue) {
		this.#queue = queue;
		keepQueue(queue);
		this.#show();
	}

	#grade(card, rating) {
		const id = grade(card.card_id, rating, Date.now() - this.#shownAt);
		this.#next(card, { id, rating, due: Date.now() + 1000 * card.intervals[grades[rating - 1]] });
	}

	#suspend() {
		const [card] = this.#queue.cards;
		suspend(card.card_id, true);
		this.#next(card, {});
	}

	#undo() {
		const { card, id } = this.#past.pop();
		id ? ungrade(card.card_id, id) : suspend(card.card_id, false);
		this.#change(putBack(this.#queue, card));
	}

	// #tell shows what waits to be sent while the server is away.
	#tell() {
		const n = waiting();
		this.#said.textContent = $("away").hidden ? "" : n ? t("review.waiting", { n }) : t("review.offline", { time: clock(this.#queue?.at ?? Date.now()) });
	}

	tell() { this.#tell(); }

	async #finish() {
		const reviews = this.#past.filter((p) => p.id), known = reviews.filter((p) => p.rating > 1).length;
		const next = el("p", {}), title = el("h2", { tabIndex: -1 }, reviews.length ? t("review.finished", { n: reviews.length, known }) : this.#queue ? t("review.none") : t("review.nothing"));
		this.#main.replaceChildren(el("div", { class: "sheet" }, title, next, el("div", { class: "row start" },
			el("a", { class: "button main", href: this.#deck ? `#/library/flashcards/${this.#deck}` : "#/study" }, t("review.done")),
			button(t("review.look"), () => this.#more()), this.#past.length ? button(t("card.undo"), () => this.#undo()) : "")));
		title.focus();
		next.textContent = await nextText(reviews.map((p) => p.due));
	}
}

// nextText says when the next card is due: one of those just reviewed, or one on another day.
async function nextText(dues) {
	const soon = Math.min(...dues) - Date.now();
	if (soon < 86400e3) return t("review.next", { time: span(Math.max(60, soon / 1000)) });
	const next = await nextDay().catch(() => null);
	if (next) return t("review.nextday", { n: next.count, day: day(`${next.date}T12:00`) });
	return dues.length ? t("review.next", { time: span(soon / 1000) }) : "";
}

const clock = (at) => new Date(at).toLocaleTimeString(document.documentElement.lang, { hour: "numeric", minute: "2-digit" });

// setOffset tells the server when this student's day begins.
async function setOffset() {
	const minutes = -new Date().getTimezoneOffset();
	if (own.get("day offset") === String(minutes)) return;
	try {
		await call("PUT", "/api/review/settings", () => ({ ...user(), utc_offset_minutes: minutes }), { hasty: true });
		own.set("day offset", String(minutes));
	} catch { /* next time */ }
}

// The review shows when the server becomes unreachable and when it is back.
new MutationObserver(() => now?.tell()).observe($("away"), { attributes: true, attributeFilter: ["hidden"] });

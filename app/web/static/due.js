// The due cards: from the server or, while it is away, the ones fetched last.
import { Away, call, mine, own } from "./api.js";
import { done } from "./outbox.js";
import { t } from "./words.js";

const key = "review queue";
const most = 200; // cards of one request

const kind = (card) => card.state === "new" || card.state === "review" ? card.state : "learning";

// without returns a queue without some cards.
function without(queue, ids) {
	const gone = queue.cards.filter((c) => ids.includes(c.card_id)), counts = { ...queue.counts };
	for (const card of gone) counts[kind(card)] = Math.max(0, counts[kind(card)] - 1);
	return { ...queue, counts, cards: queue.cards.filter((c) => !gone.includes(c)) };
}

// fetchQueue returns {at, away, counts, cards} of a deck, or of all decks with "". Cards whose review is not sent yet are left out.
export async function fetchQueue(deck) {
	const sent = done(); // the response may not include a review that arrives in the meantime
	try {
		const { counts, cards } = await call("GET", mine("/api/review/queue", { limit: most, ...deck && { deck } }), undefined, { hasty: true });
		const queue = without({ at: Date.now(), counts, cards }, [...sent, ...done()]);
		keepQueue(queue);
		return queue;
	} catch (e) {
		if (!(e instanceof Away)) throw e;
		const last = JSON.parse(own.get(key) ?? "null");
		if (!last) return null;
		const other = deck ? last.cards.filter((c) => c.deck_id !== deck).map((c) => c.card_id) : [];
		return { ...without(last, [...done(), ...other]), away: true };
	}
}

// keepQueue stores a queue for offline use.
export const keepQueue = ({ at, counts, cards }) => own.set(key, JSON.stringify({ at, counts, cards }));

// take removes a card from a queue, and putBack inserts it first.
export const take = (queue, card) => without(queue, [card.card_id]);
export const putBack = (queue, card) => ({ ...queue, counts: { ...queue.counts, [kind(card)]: queue.counts[kind(card)] + 1 }, cards: [card, ...queue.cards] });

export const total = ({ counts }) => counts.new + counts.learning + counts.review;

// fetchSuspended returns the suspended cards of a deck, or of all decks with "".
export const fetchSuspended = async (deck, limit = most) => (await call("GET", mine("/api/review/suspended", { limit, ...deck && { deck } }), undefined, { hasty: true })).cards;

// dueText says how many cards are due, by their state.
export const dueText = ({ counts }) => ["learning", "review", "new"].filter((kind) => counts[kind]).map((kind) => t(`due.${kind}`, { n: counts[kind] })).join(" · ");

// nextDay returns the next day with due cards and their number, or null.
export async function nextDay() {
	const { due_by_day: days } = await call("GET", mine("/api/review/stats", { days: 60 }), undefined, { hasty: true });
	return days.slice(1).find((d) => d.count > 0) ?? null;
}

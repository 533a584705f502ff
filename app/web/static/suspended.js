// Suspended cards: excluded from the review until they are put back.
import { call, mine } from "./api.js";
import { listed } from "./cards.js";
import { button, el } from "./dom.js";
import { fetchSuspended } from "./due.js";
import { retitle } from "./route.js";
import { t } from "./words.js";

const longest = 60; // characters of a card in a button's label

// openSuspended lists the suspended cards of a deck, or of all decks with "".
export async function openSuspended(box, deck) {
	retitle(t("suspended.title"));
	const cards = await fetchSuspended(deck);
	const said = el("p", { class: "hint", role: "status" }), title = el("h2", { tabIndex: -1 }, t("suspended.title")), rows = el("ol", { class: "deck" });
	const tell = (text = "") => { said.textContent = rows.children.length ? text : t("suspended.none"); };
	for (const card of cards) rows.append(row(card, title, tell));
	const [to, text] = deck ? [`#/library/flashcards/${deck}`, t("review.deck")] : ["#/study", t("place.study")];
	box.replaceChildren(el("p", { class: "crumb" }, el("a", { href: to }, "‹ ", text)), el("div", { class: "sheet" }, title, said, rows));
	tell();
	title.focus({ preventScroll: true });
}

function row(card, title, tell) {
	const back = button(t("suspended.back"), async () => {
		try {
			await call("POST", mine(`/api/review/${card.card_id}/suspend`), { suspended: false });
			((node.nextElementSibling ?? node.previousElementSibling)?.querySelector("button") ?? title).focus();
			node.remove();
			tell(t("suspended.done"));
		} catch (e) {
			tell(e.message);
		}
	}, "plain");
	back.setAttribute("aria-label", t("suspended.backwhat", { title: card.question.slice(0, longest) }));
	const node = listed(card, el("div", { class: "row start edits" }, back));
	return node;
}

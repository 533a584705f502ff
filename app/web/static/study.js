// Study: what is due today, and where one left off.
import { $, el } from "./dom.js";
import { fetchQueue, nextDay, total } from "./due.js";
import { recent, row } from "./library.js";
import { send } from "./outbox.js";
import { beginReview, closeReview, dueText, openReview } from "./review.js";
import { place } from "./route.js";
import { day, t } from "./words.js";

const most = 6; // entries to continue with

const fault = (e) => { $("study-said").textContent = e.message; };

async function open([doing], query) {
	const one = doing === "review";
	$("study-title").classList.toggle("sr", one);
	$("day").hidden = one;
	$("review").hidden = !one;
	closeReview();
	if (one) return openReview($("review"), query.get("deck") ?? "");
	$("review").replaceChildren();
	$("study-said").textContent = "";
	await Promise.all([showDue().catch(fault), showRecent().catch(fault)]);
}

async function showDue() {
	const queue = await fetchQueue("");
	const n = queue ? total(queue) : 0;
	$("due").textContent = n ? dueText(queue) : "";
	$("due-go").hidden = !n;
	$("due-box").hidden = !n;
	if (n || !queue) return;
	const next = await nextDay().catch(() => null);
	$("due-box").hidden = !next;
	$("due").textContent = next ? `${t("review.none")} ${t("review.nextday", { n: next.count, day: day(`${next.date}T12:00`) })}` : "";
}

async function showRecent() {
	const entries = await recent(most);
	$("continue").replaceChildren(...entries.map((e) => row(e)));
	$("continue-box").hidden = !entries.length;
	$("welcome").hidden = entries.length > 0;
}

export function beginStudy() {
	$("welcome-steps").replaceChildren(...[1, 2, 3].map((n) => el("li", {}, t(`welcome.${n}`))));
	beginReview();
	place("study", open, closeReview);
	send();
}

// Study: what is due today, and where one left off.
import { $, el } from "./dom.js";
import { dueText, fetchQueue, nextDay, total } from "./due.js";
import { recent, row } from "./entries.js";
import { here } from "./route.js";
import { day, t } from "./words.js";

const most = 6; // entries to continue with

const fault = (e) => { $("study-said").textContent = e.message; };

let review = null; // its module, once it was needed

export async function show([doing], query) {
	const one = doing === "review";
	$("study-title").classList.toggle("sr", one);
	$("day").hidden = one;
	$("review").hidden = !one;
	leave();
	if (one) {
		review = await import("./review.js");
		return here().parts[0] === doing && review.openReview($("review"), query.get("deck") ?? "");
	}
	$("review").replaceChildren();
	$("study-said").textContent = "";
	const some = showRecent();
	await Promise.all([showDue(some).catch(fault), some.catch(fault)]);
}

async function showDue(some) {
	const queue = await fetchQueue("");
	const n = queue ? total(queue) : 0;
	$("due").textContent = n ? dueText(queue) : "";
	$("due-go").hidden = !n;
	$("due-box").hidden = !n;
	if (n || !queue || !await some.catch(() => false)) return;
	const next = await nextDay().catch(() => null);
	$("due-box").hidden = !next;
	$("due").textContent = next ? `${t("review.none")} ${t("review.nextday", { n: next.count, day: day(`${next.date}T12:00`) })}` : "";
}

async function showRecent() {
	const entries = await recent(most);
	$("continue").replaceChildren(...entries.map((e) => row(e)));
	$("continue-box").hidden = !entries.length;
	$("welcome").hidden = entries.length > 0;
	return entries.length > 0;
}

export function begin() {
	$("welcome-steps").replaceChildren(...[1, 2, 3].map((n) => el("li", {}, t(`welcome.${n}`))));
}

export const leave = () => review?.closeReview();

// Study: what is due today, and where the user left off.
import { $, el } from "./dom.js";
import { dueText, fetchQueue, fetchSuspended, nextDay, total } from "./due.js";
import { recent, row } from "./entries.js";
import { here } from "./route.js";
import { day, t } from "./words.js";

const most = 6; // entries to continue

const fault = (e) => { $("study-said").textContent = e.message; };

let review = null; // its module, once it is needed

async function openOne(doing, deck) {
	if (doing === "suspended") {
		const { openSuspended } = await import("./suspended.js");
		return openSuspended($("review"), deck).catch((e) => $("review").replaceChildren(el("p", { class: "sheet fault" }, e.message)));
	}
	review = await import("./review.js");
	if (here().parts[0] === doing) review.openReview($("review"), deck);
}

export async function show([doing], query) {
	const one = doing === "review" || doing === "suspended";
	$("study-title").classList.toggle("sr", one);
	$("day").hidden = one;
	$("review").hidden = !one;
	leave();
	if (one) {
		return openOne(doing, query.get("deck") ?? "");
	}
	$("review").replaceChildren();
	$("study-said").textContent = "";
	const some = showRecent();
	await Promise.all([showDue(some).catch(fault), showSuspended(some).catch(() => {}), some.catch(fault)]);
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

// showSuspended links to the suspended cards, if there are any.
async function showSuspended(some) {
	$("suspended").hidden = !await some || !(await fetchSuspended("", 1)).length;
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

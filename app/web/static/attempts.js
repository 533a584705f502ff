// Attempts at a quiz or an exam, which the server grades and stores.
import { call, mine, uuid } from "./api.js";
import { el } from "./dom.js";
import { moment, span, t } from "./words.js";

const most = 10; // attempts shown in the list

const pathOf = (kind, id) => `/api/ai/generated-content/${kind}/${id}/attempts`;

// attemptsAt returns the functions that a running quiz needs from the server. An attempt that is sent twice is stored once.
export const attemptsAt = (kind, id) => ({
	add: (answers, duration_ms) => call("POST", mine(pathOf(kind, id)), { answers, duration_ms }, { headers: { "Idempotency-Key": uuid() } }),
	overrule: (n, item_id) => call("PATCH", mine(`${pathOf(kind, id)}/${n}`), { item_id, correct: true }),
});

// past lists the newest attempts, if there are any.
export async function past(kind, id) {
	const { attempts } = await call("GET", mine(pathOf(kind, id), { limit: most }));
	return attempts.length ? el("section", { class: "past", "aria-label": t("quiz.attempts") }, el("h3", {}, t("quiz.attempts")), el("ol", {}, attempts.map(one))) : "";
}

function one({ points, total_points, duration_ms, created_at }) {
	const score = t("quiz.attempt", { got: points, most: total_points });
	return el("li", {}, el("span", {}, moment(created_at)), el("meter", { max: total_points, value: points, "aria-label": score }),
		el("span", {}, score, duration_ms ? `, ${span(duration_ms / 1000)}` : ""));
}

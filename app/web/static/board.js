// The operator's charts and tables, and how they are computed from the server's figures.
import { Chart } from "./chart.js";
import { $, el } from "./dom.js";
import { knows, t } from "./words.js";

const MB = 2 ** 20;
const megabytes = (n) => `${Math.round(n / MB)} MB`;
const count = (n) => n >= 1e6 ? `${+(n / 1e6).toFixed(1)}M` : n >= 1e4 ? `${Math.round(n / 1e3)}k` : String(+n.toFixed(n < 10 ? 1 : 0));
const rate = (n) => `${count(n)}/s`;
const millis = (n) => n >= 1000 ? `${+(n / 1000).toFixed(1)} s` : `${+n.toFixed(n < 10 ? 1 : 0)} ms`;
const age = (s) => s < 120 ? `${Math.round(s)} s` : s < 7200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`;

const charts = {
	memory: new Chart("Container memory", megabytes, 64 * MB, MB),
	workers: new Chart("Memory of each worker", megabytes, 16 * MB, MB),
	open: new Chart("Open now", count, 4),
	requests: new Chart("Requests", rate),
	runs: new Chart("Runs", rate),
	cache: new Chart("Cache", rate),
	requestLatency: new Chart("Latency of requests, last minute", millis, 10),
	runLatency: new Chart("Latency of runs, last minute", millis, 10),
	modelLatency: new Chart("Latency of the model, last minute", millis, 10),
};

let before = null; // the previous figures, to compute differences

// show updates the board with the latest figures.
export function show(m, at) {
	if (!$("charts").children.length) $("charts").append(...Object.values(charts).map((c) => c.node));
	const mark = before ? recycled(before.m, m) : "";
	charts.memory.add(at, { used: m.memory.container_bytes, ...(m.memory.limit_bytes ? { limit: m.memory.limit_bytes } : {}) }, mark);
	charts.workers.add(at, Object.fromEntries(m.workers.map((w) => [nameOf(w), w.rss_bytes])), mark);
	charts.open.add(at, { streams: m.sse.active_connections, runs: m.runs.active }, mark);
	charts.requestLatency.add(at, percentiles(m.latency.requests), mark);
	charts.runLatency.add(at, percentiles(m.latency.runs), mark);
	charts.modelLatency.add(at, percentiles(m.latency.upstream), mark);
	charts.modelLatency.node.hidden = m.llm.provider === "offline";
	if (before) rates(before, m, at, mark);
	else for (const chart of [charts.requests, charts.cache, charts.runs]) chart.add(at, {});
	before = { m, at };
	tables(m);
}

function rates({ m: old, at: then }, m, at, mark) {
	const each = (now, was) => Math.max(0, now - was) * 1000 / Math.max(1, at - then);
	const was = Object.fromEntries(old.workers.map((w) => [w.pid, w.requests]));
	charts.requests.add(at, Object.fromEntries(m.workers.map((w) => [nameOf(w), each(w.requests, was[w.pid] ?? 0)])), mark);
	charts.cache.add(at, { hits: each(m.cache.hits, old.cache.hits), misses: each(m.cache.misses, old.cache.misses) }, mark);
	charts.runs.add(at, { completed: each(m.runs.completed, old.runs.completed), failed: each(m.runs.failed, old.runs.failed), shed: each(m.runs.shed, old.runs.shed) }, mark);
}

// percentiles returns the lines of a latency chart: none while there was nothing to measure.
const percentiles = (l) => l.count ? { p50: l.p50_ms, p95: l.p95_ms, p99: l.p99_ms } : {};

const nameOf = (w) => `worker ${w.pid}`;

// recycled returns the workers that are new since the previous figures.
function recycled(old, m) {
	const known = new Set(old.workers.map((w) => w.pid));
	return m.workers.filter((w) => !known.has(w.pid)).map((w) => `worker ${w.pid} came, generation ${w.generation}`).join(", ");
}

const table = (id, heads, rows, none) => $(id).replaceChildren(
	el("thead", {}, el("tr", {}, heads.map((h) => el("th", { scope: "col" }, h)))),
	el("tbody", {}, rows.length ? rows.map((r) => el("tr", {}, r.map((c, i) => el(i ? "td" : "th", i ? {} : { scope: "row" }, String(c))))) : el("tr", {}, el("td", { colSpan: heads.length }, none))));

function tables(m) {
	const c = m.cache, mem = m.memory;
	$("facts").textContent = [mem.limit_bytes ? `memory limit ${megabytes(mem.limit_bytes)}` : "no memory limit", `peak ${megabytes(mem.peak_bytes)}`, `${mem.oom_kills} out-of-memory kills`, `supervisor ${megabytes(mem.supervisor_rss_bytes)}`,
		`cache ${c.items} of ${c.max_items} items, ${c.estimated_size_mb.toFixed(1)} of ${c.max_size_mb.toFixed(0)} MB`, `cache backend ${c.backend}`, `${m.sse.sessions} sessions, ${m.sse.dropped_events} events dropped`, `model ${m.llm.provider}`, `${m.llm.open_breakers} models not asked for now (open breakers)`].join(" · ");
	table("workers", ["Worker", "Slot", "Generation", "State", "Requests", "In flight", "Streams", "Memory", "Heap", "Goroutines", "Up for"],
		m.workers.map((w) => [w.pid, w.slot, w.generation, w.state, w.requests, w.in_flight, w.streams, megabytes(w.rss_bytes), megabytes(w.heap_bytes), w.goroutines, age(w.uptime_seconds)]), "none");
	$("recycles").replaceChildren(...Object.entries(m.recycles).flatMap(([why, n]) => [el("dt", {}, why.replace("_", " ")), el("dd", {}, String(n))]));
	$("limits").replaceChildren(...limits(m.limits).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
	if (m.metrics) totals(m.metrics, m.llm.provider);
}

// totals are the sums of the last hour, by type and by model.
function totals({ agent_metrics: types, model_metrics: models, total_cost: cost }, provider) {
	const sums = (of) => [of.requests, of.failed, millis(of.avg_execution_time_ms), count(of.tokens_used)];
	table("agents", ["Type", "Requests", "Failed", "Average", "Tokens"], Object.entries(types).map(([type, of]) => [type.replaceAll("_", " "), ...sums(of)]), "No runs in the last hour.");
	table("models", ["Model", "Requests", "Failed", "Average", "Tokens", "Cost"], Object.entries(models).sort(([, a], [, b]) => b.tokens_used - a.tokens_used || b.requests - a.requests)
		.map(([model, of]) => [model || "none answered", ...sums(of), of.cost ? money(of.cost) : "–"]), "No runs in the last hour.");
	$("cost").textContent = provider === "offline" ? "The built-in engine costs nothing." : cost ? "The cost is what the AI service tells, in the currency of its account." : "The AI service does not tell what a call costs: multiply the tokens by its prices.";
}

const money = (n) => n < .01 ? n.toPrecision(2) : n.toFixed(2);

// limits shows what is left of each limit on costs; a setting of 0 means unlimited.
const limits = (l) => [
	["tokens today", l.tokens_per_day ? `${count(l.tokens_today)} of ${count(l.tokens_per_day)}` : `${count(l.tokens_today)}, no limit`],
	["tokens a day for a user", l.tokens_per_day_per_user ? count(l.tokens_per_day_per_user) : "no limit"],
	["runs refused by a limit", count(l.refused_runs)],
	["free on the disk", l.free_disk_bytes ? megabytes(l.free_disk_bytes) : "not watched"],
];

// showErrors lists the latest failures and explains each code.
export function showErrors(errors) {
	table("errors", ["When", "Type", "Error", "What it means", "Took", "Model", "Run"],
		errors.map((e) => [new Date(e.created_at).toLocaleString(), e.type.replaceAll("_", " "), e.error_code, knows(`error.${e.error_code}`) ? t(`error.${e.error_code}`) : "–", millis(e.execution_time_ms), e.model_used || "–", e.run_id]), "None.");
}

// runbook describes what to do, by component; docs/operations.md has more.
const runbook = {
	database: "Nothing is read or saved. See whether DATABASE_URL can be reached, and whether the disk is full.",
	cache: "Redis does not answer, or refuses to write: answers are cached in each worker alone. Look at REDIS_URL and at Redis's memory.",
	events: "Redis does not answer, or refuses to write: streams stay within this container. Look at REDIS_URL and at Redis's memory.",
	rate_limiting: "Limits are counted in this container alone until Redis answers.",
	llm: "The AI service fails or asks to wait. See the latest errors, LLM_BASE_URL, the key and its credit. An open breaker means that a model is not asked for now; it closes by itself.",
	authentication: "The keys of the token's issuer cannot be fetched: see JWT_JWKS_URL.",
	workers: "Many recycles for memory: raise the container's limit or MAX_WORKER_MEMORY_MB, or lower WEB_CONCURRENCY. Crashes and timeouts are in the log, with the worker's pid.",
	disk: "Below DISK_RESERVE_MB, writes are refused with 507. Free space, enlarge the volume, or set RETENTION_DAYS.",
	budget: "Runs are refused until midnight UTC when TOKENS_PER_DAY is used up. Raise it, or wait.",
};

// showRunbook lists what to do, whether or not a component currently works.
export function showRunbook() {
	$("runbook").replaceChildren(...Object.entries(runbook).flatMap(([part, text]) => [el("dt", { id: `runbook-${part}` }, part.replaceAll("_", " ")), el("dd", {}, text)]));
}

// showParts lists the components of the service, and what to do about those that do not work.
export function showParts({ components, version, environment }) {
	$("version").textContent = `Version ${version}, ${environment}`;
	$("parts").replaceChildren(...Object.entries(components).flatMap(([part, state]) => [el("dt", {}, part.replaceAll("_", " ")),
		el("dd", { class: state === "degraded" ? "fault" : null }, state, state === "degraded" && runbook[part] ? el("p", {}, runbook[part]) : "")]));
}

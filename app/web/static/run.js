// A run: started, followed to its end, cancelled. The tab stores it, so that a reload continues to follow it.
import { call, explain, mine, tab, user } from "./api.js";
import { follow } from "./stream.js";
import { span, t } from "./words.js";

const twice = "lost"; // the code of a run that the server has lost twice

// Run follows one run at a time for a place of the page. on has: again() at its start, step(n, text), token(text), item(kind, item),
// done(event), failed(error), and over() after its end or cancellation.
export class Run {
	#slot; #on; #now = null; // {request, id, abort, stop, again, step}

	constructor(slot, on) {
		this.#slot = `running ${slot}`;
		this.#on = on;
	}

	get busy() { return this.#now !== null; }

	// start starts a run.
	async start(request, again = false) {
		const now = this.#now = { request, again, abort: new AbortController(), stop: () => {}, step: 0 };
		this.#on.step(0, t("run.asking"));
		try {
			const started = await call("POST", "/api/ai/process-stream", () => ({ ...user(), ...request }), { signal: now.abort.signal });
			if (now.abort.signal.aborted) return stopOnServer(started.run_id);
			this.#watch(started.stream_url, started.run_id);
		} catch (e) {
			if (!now.abort.signal.aborted) this.#fail(e, e.retryAfter);
		}
	}

	// resume continues to follow the run that the tab stored, and returns its request.
	resume(wanted = () => true) {
		const before = JSON.parse(tab.get(this.#slot) ?? "null");
		if (!before || !wanted(before.request)) return null;
		this.#now = { request: before.request, again: false, abort: new AbortController(), stop: () => {}, step: 0 };
		queueMicrotask(() => this.#watch(before.url, before.run));
		return before.request;
	}

	// leave stops following; the run continues, and resume finds it.
	leave() {
		const { stop, abort } = this.#now;
		abort.abort();
		stop();
		this.#now = null;
		this.#on.over();
	}

	// cancel cancels the run, on the page and on the server.
	cancel() {
		const { abort, stop, id } = this.#now;
		abort.abort();
		stop();
		if (id) stopOnServer(id);
		this.#end();
	}

	#watch(url, id) {
		const now = this.#now;
		now.id = id;
		tab.set(this.#slot, JSON.stringify({ url, run: id, request: now.request }));
		now.stop = follow(url, id, { event: (e) => this.#hear(e), lost: () => this.#lose() });
	}

	#hear(e) {
		switch (e.type) {
		case "start":
		case "gap":
			this.#on.again();
			break;
		case "progress":
			this.#on.step(e.data.step, this.#say(e.data));
			break;
		case "token":
			this.#on.token(e.text);
			break;
		case "item":
			this.#on.item(e.kind, e.item);
			break;
		case "complete": {
			const { request } = this.#now;
			this.#end();
			this.#on.done(e, request);
			break;
		}
		case "error":
			this.#fail(Object.assign(new Error(explain(e.code, e.error)), { code: e.code }), e.retry_after_seconds, e.retryable);
			break;
		}
	}

	// say describes a step. A repeated step is a wait that the AI service requested.
	#say({ step, message }) {
		const again = step === this.#now.step, wait = /(\d+) (s|min|h)$/.exec(message);
		this.#now.step = step;
		return again && wait ? t("run.wait", { time: span(wait[1] * { s: 1, min: 60, h: 3600 }[wait[2]]) }) : t(`step.${step}`);
	}

	// lose handles a server that was restarted and has lost the run: it sends the request once more.
	#lose() {
		const { request, again } = this.#now;
		if (again) return this.#fail(Object.assign(new Error(t("run.lost")), { code: twice }), 0, true);
		this.#on.again();
		this.start(request, true);
	}

	#fail(error, after = 0, retryable = after > 0) {
		const { request } = this.#now;
		this.#end();
		this.#on.failed(error, request, { after, retryable });
	}

	#end() {
		this.#now = null;
		tab.set(this.#slot, null);
		this.#on.over();
	}
}

// stopOnServer cancels a run whose result is not needed. It ignores a run that has ended in the meantime.
const stopOnServer = (id) => call("DELETE", mine(`/api/ai/runs/${id}`)).catch(() => {});

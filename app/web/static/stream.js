// Following a run. The browser's EventSource reconnects after the last event it has; what it cannot know is told apart
// here: a server that is away, one that has forgotten the run, and a refusal.
import { back, call, there, token } from "./api.js";
import { sleep } from "./dom.js";

const silent = 3000; // ms after which a server that should have something has nothing
const refusals = 5; // in a row, without an event between them

// follow gives the events of one run to on.event until its end, or calls on.lost once when
// nobody knows the run any more. It returns how to stop.
export function follow(url, run, on) {
	let source, last = "", silence, refused = 0, stopped = false;

	const stop = () => {
		stopped = true;
		clearTimeout(silence);
		source?.close();
	};
	const lost = () => {
		if (stopped) return;
		stop();
		on.lost();
	};
	const unlessHeard = (what) => {
		clearTimeout(silence);
		silence = setTimeout(what, silent);
	};
	// A run's first event is there before its stream is opened. Where it does not come, the
	// server was restarted and has forgotten the run. After a position, silence may be a run
	// that thinks: then it is asked for from the start, which begins with that event.
	const fresh = () => {
		last = "";
		source.close();
		open();
	};
	const heard = (message) => {
		clearTimeout(silence);
		refused = 0;
		last = message.lastEventId || last;
		const event = JSON.parse(message.data);
		if (event.type === "complete" || event.type === "error") stop();
		on.event(event);
	};
	const failed = async () => {
		clearTimeout(silence);
		const closed = source.readyState === EventSource.CLOSED;
		if (!await there()) await back();
		if (closed && !stopped) await again();
	};
	const again = async () => {
		if (++refused > refusals) return lost();
		await sleep(300 * 2 ** refused);
		try {
			await call("GET", "/api/ai/stream-status"); // asks for a token where that was it
		} catch { /* then the next try says so too */ }
		if (!stopped) open();
	};
	const open = () => {
		const [path, ticket] = url.split("?"); // a ticket is good for ten minutes
		const query = new URLSearchParams(refused ? "" : ticket);
		query.set("run_id", run);
		if (last) query.set("last_event_id", last);
		if (token() && !query.has("ticket")) query.set("access_token", token());
		source = new EventSource(`${path}?${query}`);
		source.onopen = () => unlessHeard(last ? fresh : lost);
		source.onmessage = heard;
		source.onerror = failed;
	};
	open();
	return stop;
}

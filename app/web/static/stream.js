// Following a run. The browser's EventSource reconnects after the last event received. This module handles what EventSource cannot: a
// server that is away, a server that has lost the run, and a refusal.
import { back, call, there, token } from "./api.js";
import { sleep } from "./dom.js";

const silent = 3000; // ms without an event after which a server that should have one has none
const refusals = 5; // consecutive refusals, without an event between them

// follow passes the events of one run to on.event until its end, or calls on.lost once if the server does not know the run any more. It
// returns a function that stops.
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
	// A run's first event exists before its stream is opened. If it does not arrive, the server was restarted and has lost the run. After a
	// position, silence may be a run that is still working: then the stream is opened from the start, which begins with that event.
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
			await call("GET", "/api/ai/stream-status"); // asks for a token if that was the problem
		} catch { /* then the next try says so too */ }
		if (!stopped) open();
	};
	const open = () => {
		const [path, ticket] = url.split("?"); // a ticket is valid for ten minutes
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

// Reviews that wait to be sent: they are stored in this browser for their user and sent in order, however long the server is away. Each has
// its own id, so that a review that is sent twice counts once.
import { call, mine, own, uuid } from "./api.js";
import { sleep } from "./dom.js";

const key = "review waiting";
const pause = 5; // seconds before a busy server is retried

let unkept = null; // the list, if the browser does not allow storage
let working = false, changed = () => {};

const read = () => unkept ?? JSON.parse(own.get(key) ?? "[]");

function write(list) {
	const text = list.length ? JSON.stringify(list) : null;
	own.set(key, text);
	unkept = own.get(key) === text ? null : list;
	changed();
}

const add = (change) => { write([...read(), { id: uuid(), ...change }]); send(); };

// grade queues a review of a card; ungrade withdraws it. suspend and unsuspend do the same for suspensions.
export const grade = (card, rating, milliseconds) => {
	const id = uuid(), body = { rating, review_id: id, duration_ms: milliseconds, reviewed_at: new Date().toISOString() };
	add({ card, done: true, grade: id, method: "POST", path: `/api/review/${card}`, body });
	return id;
};
export const ungrade = (card, id) => add({ card, done: false, undoes: id, method: "DELETE", path: `/api/review/${card}/${id}` });
export const suspend = (card, suspended) => add({ card, done: suspended, method: "POST", path: `/api/review/${card}/suspend`, body: { suspended } });

// waiting returns the number of grades that the server does not have yet.
export function waiting() {
	const list = read();
	return list.filter(({ grade: id }) => id && !list.some(({ undoes }) => undoes === id)).length;
}

// done returns the ids of the cards that will not be due once the server has everything.
export function done() {
	const last = new Map(read().map((change) => [change.card, change.done]));
	return [...last.keys()].filter((card) => last.get(card));
}

// whenChanged registers a listener for changes.
export const whenChanged = (listener) => { changed = listener; };

// send sends what waits; only in one tab at a time, if the browser supports locks.
export async function send() {
	if (working) return;
	working = true;
	try {
		await (navigator.locks ? navigator.locks.request("reviews", sendAll) : sendAll());
	} finally {
		working = false;
	}
}

async function sendAll() {
	for (let next; (next = read()[0]);) {
		await deliver(next);
		write(read().filter(({ id }) => id !== next.id));
	}
}

async function deliver({ method, path, body }) {
	for (;;) {
		try {
			return await call(method, mine(path), body);
		} catch (e) {
			if (e.status === 422 && body?.reviewed_at) delete body.reviewed_at; // this device's clock is ahead
			else if (e.status === 429 || e.status >= 500) await sleep(1000 * (e.retryAfter || pause));
			else return null; // the card no longer exists, or was reviewed later on another device
		}
	}
}

// Communication with the server: the user's identity, errors, and whether the server is reachable.
import { $, sleep } from "./dom.js";
import { knows, language, t } from "./words.js";

// keepIn wraps a storage that may be full or forbidden: then the page works without it.
export const keepIn = (store) => ({
	get(key) { try { return store().getItem(key); } catch { return null; } },
	set(key, value) { try { value == null ? store().removeItem(key) : store().setItem(key, value); } catch { /* not kept */ } },
});
export const kept = keepIn(() => localStorage);
export const tab = keepIn(() => sessionStorage);

// uuid works without crypto.randomUUID, which browsers do not provide over plain http on a network.
export function uuid() {
	const b = crypto.getRandomValues(new Uint8Array(16));
	b[6] = b[6] & 15 | 64;
	b[8] = b[8] & 63 | 128;
	const hex = [...b].map((x) => x.toString(16).padStart(2, "0")).join("");
	return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

// mine returns a path with the user and more parameters.
export const mine = (path, more) => () => `${path}?${new URLSearchParams({ ...user(), ...more })}`;

// user is this browser's user id, if the server uses it. With a token or an account, the server determines the user.
export function user() {
	if (token() || mode !== "none") return {};
	if (!kept.get("user")) kept.set("user", memory);
	return { user_id: kept.get("user") ?? memory };
}
const memory = uuid();

let mode = ""; // how the server identifies users: none, jwt or account

export const token = () => tab.get("token") ?? "";

// who is the user whose data this tab shows; null until it is known. A user with a token is known only to this tab.
let who = token() ? tab.get("who") : kept.get("who")?.startsWith("jwt ") ? null : kept.get("who");

// own stores data per user of this browser.
export const own = {
	get: (key) => who && kept.get(`${key} of ${who}`),
	set: (key, value) => who && kept.set(`${key} of ${who}`, value),
};
const userKnown = Promise.withResolvers();

// whenUserKnown resolves when the server has said who the user is.
export const whenUserKnown = userKnown.promise;

const ofUser = ["session", "draft", "review queue", "day offset"], ofTab = ["running make", "running ask", "taking"];

// become sets the user. Of the previous user, only grades that were not sent yet are preserved; they are sent when that user is back. A tab
// that shows another user's data is reloaded.
async function become(name) {
	const before = who ?? kept.get("who"), shown = who !== null && who !== name;
	if (before && before !== name) forgetUser(before);
	who = name;
	for (const store of [kept, tab]) store.set("who", name);
	if (!shown) return userKnown.resolve();
	location.reload();
	await new Promise(() => {});
}

function forgetUser(name) {
	for (const key of ofUser) kept.set(`${key} of ${name}`, null);
	for (const key of ofTab) tab.set(key, null);
}

// Problem is an error response (RFC 9457).
export class Problem extends Error {
	constructor(status, body, retryAfter) {
		super(explain(body.code, body.detail || body.title) || t("error.status", { status: String(status) }));
		this.status = status;
		this.code = body.code;
		this.detail = body.detail;
		this.retryAfter = retryAfter;
	}
}

// explain puts an error into words. The server's own words are the most precise, but English.
export function explain(code, detail) {
	const own = code === "too_large" || language !== "en" || !detail;
	if (/_?id: must be a UUID|^deck: must be a UUID/.test(detail)) return t("error.not_found"); // someone changed the address by hand
	const said = own && knows(`error.${code}`) ? t(`error.${code}`) : (detail ?? "").replace(/^[a-z_]+(\.[a-z_]+|\[\d+\])*: /, "");
	return said && said[0].toUpperCase() + said.slice(1) + (/[.!?…]$/.test(said) ? "" : ".");
}

// Away means no response at all, or a proxy's response that it cannot reach the server.
export class Away extends Error {
	constructor() { super(t("error.away")); }
}

export async function ask(method, path, body, headers = {}) {
	if (body !== undefined) headers["Content-Type"] = "application/json";
	if (token()) headers.Authorization ??= `Bearer ${token()}`;
	let res;
	try {
		res = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
	} catch {
		throw new Away();
	}
	const json = (res.headers.get("Content-Type") ?? "").includes("json");
	if (res.status >= 502 && !json) throw new Away();
	if (res.ok) return json ? res.json() : null;
	throw new Problem(res.status, json ? await res.json() : {}, +res.headers.get("Retry-After") || 0);
}

// call is ask on behalf of a user: it waits while the server is away, creates an account or asks for a token if one is required, and stops
// when the signal says so. A path or body that names the user is a function, because the user may change during the wait. With hasty it
// throws Away instead of waiting.
export async function call(method, path, body, { signal, headers, hasty = false } = {}) {
	for (;;) {
		try {
			mode ||= await askMode();
			return await ask(method, typeof path === "function" ? path() : path, typeof body === "function" ? body() : body, { ...headers });
		} catch (e) {
			if (signal?.aborted) throw e;
			if (e instanceof Away && hasty) throw e;
			else if (e instanceof Away) await back();
			else if (e.status === 401) await (token() ? signedIn(e.message) : admitted());
			else throw e;
			if (signal?.aborted) throw e;
		}
	}
}

let modeAsked = null;

// askMode queries the mode once, for all callers that wait.
function askMode() {
	return modeAsked ??= (async () => {
		try {
			const account = await ask("GET", "/api/account");
			$("warning").hidden = !account.warning;
			mode = account.auth_mode;
			await become(`${mode} ${account.user_id || user().user_id}`);
			return mode;
		} finally {
			modeAsked = null;
		}
	})();
}

let admitting = null;

// admitted creates an account, once for all callers that wait. A server without accounts requires a token. A server that has signed this
// browser out requires the study code, because a new account would look as if everything were lost.
function admitted() {
	return admitting ??= (async () => {
		try {
			if (kept.get("account")) return await signedIn("");
			showCode((await ask("POST", "/api/account")).study_code);
			kept.set("account", "1");
		} catch (e) {
			if (e.status === 404) await signedIn("");
			else if (e.status !== 409) throw e;
		} finally {
			admitting = null;
		}
	})();
}

// showCode shows a study code until it is dismissed, because the server sends it only once.
export function showCode(code) {
	tab.set("code", code);
	$("code").hidden = !code;
	$("code").querySelector("output").textContent = code ?? "";
}

// openLibrary opens the account of a study code in this browser, replacing the one that was open.
export async function openLibrary(code) {
	await ask("POST", "/api/account/session", { study_code: code });
	kept.set("account", "1");
	showCode(null);
	await askMode();
}

// forget removes what this browser stores about its user.
export function forget() {
	own.set("review waiting", null);
	forgetUser(who);
	for (const key of ["user", "account", "who"]) kept.set(key, null);
	for (const key of ["token", "who", "code"]) tab.set(key, null);
	who = null;
}

let waiting = null, wake = () => {};

// back resolves when the server is reachable again. One loop polls for all callers that wait.
export function back() {
	return waiting ??= (async () => {
		$("away").hidden = false;
		for (let pause = 500; !await there(); pause = Math.min(2 * pause, 5000)) {
			await Promise.race([sleep(pause), new Promise((now) => { wake = now; })]);
		}
		$("away").hidden = true;
		waiting = null;
	})();
}

export async function there() {
	try {
		return (await fetch("/livez", { cache: "no-store" })).ok;
	} catch {
		return false;
	}
}

let asking = null;

// signedIn asks for credentials: the study code of the account that was open here, or a token.
function signedIn(why) {
	const account = Boolean(kept.get("account"));
	$("signin").hidden = false;
	$("signin-label").textContent = account ? t("signin.code") : token() ? t("signin.refused", { why }) : t("signin");
	$("fresh-account").hidden = !account;
	$("token").focus();
	asking ??= Promise.withResolvers();
	return asking.promise;
}

function admit() {
	$("token").value = "";
	$("signin").hidden = true;
	asking?.resolve();
	asking = null;
}

async function signIn(e) {
	e.preventDefault();
	const given = $("token").value.trim();
	if (!kept.get("account")) {
		tab.set("token", given);
		mode = ""; // it may be a different user's
		return admit();
	}
	try {
		await openLibrary(given);
		admit();
	} catch (fault) {
		$("signin-label").textContent = fault.message;
	}
}

export function watchBanners() {
	$("retry").addEventListener("click", () => wake());
	addEventListener("online", () => wake());
	$("code").querySelector("button").addEventListener("click", () => showCode(null));
	$("signin").addEventListener("submit", signIn);
	$("fresh-account").addEventListener("click", () => { forget(); location.reload(); });
	if (tab.get("code")) showCode(tab.get("code"));
}

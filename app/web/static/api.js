// Talking to the server: who we are, what an error is, and whether the server is there.
import { $, sleep } from "./dom.js";
import { knows, language, t } from "./words.js";

// keepIn is a store that may be full or forbidden: then the page works without it.
export const keepIn = (store) => ({
	get(key) { try { return store().getItem(key); } catch { return null; } },
	set(key, value) { try { value == null ? store().removeItem(key) : store().setItem(key, value); } catch { /* not kept */ } },
});
export const kept = keepIn(() => localStorage);
export const tab = keepIn(() => sessionStorage);

// uuid works without crypto.randomUUID, which plain http on a network lacks.
export function uuid() {
	const b = crypto.getRandomValues(new Uint8Array(16));
	b[6] = b[6] & 15 | 64;
	b[8] = b[8] & 63 | 128;
	const hex = [...b].map((x) => x.toString(16).padStart(2, "0")).join("");
	return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

// mine is a path with the user and more parameters.
export const mine = (path, more) => () => `${path}?${new URLSearchParams({ ...user(), ...more })}`;

// user is the id of this browser, where the server goes by that. A token or an account says itself who its user is.
export function user() {
	if (token() || mode !== "none") return {};
	if (!kept.get("user")) kept.set("user", memory);
	return { user_id: kept.get("user") ?? memory };
}
const memory = uuid();

let mode = ""; // how the server knows its users: none, jwt or account

export const token = () => tab.get("token") ?? "";

// who is the user that this tab shows; null until that is known. A user with a token is known to the tab alone.
let who = token() ? tab.get("who") : kept.get("who")?.startsWith("jwt ") ? null : kept.get("who");

// own keeps what is the user's, apart from other users of this browser.
export const own = {
	get: (key) => who && kept.get(`${key} of ${who}`),
	set: (key, value) => who && kept.set(`${key} of ${who}`, value),
};
const userKnown = Promise.withResolvers();

// whenUserKnown is done once the server has said whose page this is.
export const whenUserKnown = userKnown.promise;

const ofUser = ["session", "draft", "review queue", "day offset"], ofTab = ["running make", "running ask", "taking"];

// become notes who the user is. Of one who was here before, nothing stays but the grades that wait: they are sent when that
// user is back. A tab that shows another user's things is loaded again.
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

// Problem is an answer that says no: RFC 9457.
export class Problem extends Error {
	constructor(status, body, retryAfter) {
		super(explain(body.code, body.detail || body.title) || t("error.status", { status: String(status) }));
		this.status = status;
		this.code = body.code;
		this.detail = body.detail;
		this.retryAfter = retryAfter;
	}
}

// explain says what an error means. The server's own words are the most precise, and English.
export function explain(code, detail) {
	const own = code === "too_large" || language !== "en" || !detail;
	if (/_?id: must be a UUID|^deck: must be a UUID/.test(detail)) return t("error.not_found"); // an address that somebody changed
	const said = own && knows(`error.${code}`) ? t(`error.${code}`) : (detail ?? "").replace(/^[a-z_]+(\.[a-z_]+|\[\d+\])*: /, "");
	return said && said[0].toUpperCase() + said.slice(1) + (/[.!?…]$/.test(said) ? "" : ".");
}

// Away means no answer at all, or one of a proxy that has nothing to pass it to.
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

// call is ask for a user: it waits while the server is away, makes an account or asks for a token where one
// is wanted, and gives up when the signal says so. A path or body that names the user is a
// function, because a token may have come meanwhile. With hasty it throws Away instead of waiting.
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

// askMode asks once for all who wait.
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

// admitted makes an account, once for all who wait. A server without accounts wants a token; one that has signed this
// browser out wants the study code, because a new account would look as if everything were lost.
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

// showCode shows a study code until it is put away: the server tells it only once.
export function showCode(code) {
	tab.set("code", code);
	$("code").hidden = !code;
	$("code").querySelector("output").textContent = code ?? "";
}

// openLibrary opens the account of a study code here, instead of what was open before.
export async function openLibrary(code) {
	await ask("POST", "/api/account/session", { study_code: code });
	kept.set("account", "1");
	showCode(null);
	await askMode();
}

// forget removes what this browser keeps of its user.
export function forget() {
	own.set("review waiting", null);
	forgetUser(who);
	for (const key of ["user", "account", "who"]) kept.set(key, null);
	for (const key of ["token", "who", "code"]) tab.set(key, null);
	who = null;
}

let waiting = null, wake = () => {};

// back is there again when the server is. One loop asks for all who wait.
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

// signedIn asks for what opens the server: the study code of an account that was open here, or a token.
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
		mode = ""; // it may be another user's
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

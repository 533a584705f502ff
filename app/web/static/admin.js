// The operator's page: it asks for the token, and refreshes the figures every second while the page is visible.
import { ask, Away, tab } from "./api.js";
import { showErrors, showParts, showRunbook, show } from "./board.js";
import { confirmed, countdown } from "./dialog.js";
import { $ } from "./dom.js";

const every = 1000; // ms between two refreshes
const errorsEvery = 5; // refreshes
const totalsEvery = 30; // refreshes; summing an hour's runs costs more than everything else
const patience = 3; // wrong tokens before the page enforces a wait

let token = tab.get("admin") ?? "", wrong = 0, timer = 0, looks = 0, away = 0, looking = false;

const admin = (method, path) => ask(method, path, undefined, { "X-Admin-Token": token });

async function look() {
	clearTimeout(timer);
	if (!token || looking || document.visibilityState !== "visible") return;
	looking = true;
	let wait = every;
	try {
		show(await admin("GET", `/api/admin/metrics?hours=${looks % totalsEvery === 0 ? 1 : 0}`), Date.now());
		if (looks++ % errorsEvery === 0) {
			showErrors((await admin("GET", "/api/admin/errors?limit=10")).errors);
			showParts(await admin("GET", "/health"));
		}
		entered();
	} catch (e) {
		wait = refused(e);
	}
	looking = false;
	if (token) timer = setTimeout(look, wait);
}

function entered() {
	away = wrong = 0;
	tab.set("admin", token);
	$("door").hidden = true;
	$("inside").hidden = false;
	$("state").textContent = "Live";
}

// refused shows the error and returns how long to wait before the next refresh.
function refused(e) {
	if (e.status === 401 || e.status === 403) {
		shut("That is not the admin token, or the server has none set.", ++wrong < patience ? 0 : Math.min(60, 5 * 2 ** (wrong - patience)));
		return 0;
	}
	if (e.status === 429 && $("inside").hidden) {
		shut("Too many wrong tokens came from here.", e.retryAfter);
		return 0;
	}
	$("door-said").textContent = $("inside").hidden ? e.message : "";
	away++;
	const wait = e.retryAfter ? 1000 * e.retryAfter : Math.min(10000, every * 2 ** Math.min(away, 4));
	$("state").textContent = `${(e instanceof Away ? "The server cannot be reached" : e.message).replace(/\.$/, "")}; looking again in ${Math.round(wait / 1000)} s`;
	return wait;
}

// shut asks for the token again, after at least so many seconds.
function shut(why, seconds = 0) {
	token = "";
	tab.set("admin", null);
	$("inside").hidden = true;
	$("door").hidden = false;
	$("state").textContent = "";
	$("door-said").textContent = why;
	$("admin-token").value = "";
	$("admin-token").focus();
	if (seconds) countdown($("enter"), seconds);
}

async function act(question, yes, method, path, done) {
	if (!await confirmed(question, yes)) return;
	$("done").textContent = "";
	try {
		await admin(method, path);
		$("done").textContent = done;
	} catch (e) {
		$("done").textContent = e.message;
	}
}

$("door").addEventListener("submit", (e) => {
	e.preventDefault();
	if ($("enter").disabled) return;
	token = $("admin-token").value.trim();
	looks = 0;
	look();
});
$("enter").disabled = false; // from here on this script handles the form, not the browser
$("clear").addEventListener("click", () => act("Clear the cache of every worker? The next answers are generated again.", "Clear cache", "DELETE", "/api/admin/cache", "The cache is cleared."));
$("reload").addEventListener("click", () => act("Replace every worker by a new one? Open streams and connections continue.", "Reload workers", "POST", "/api/admin/reload", "The workers are being replaced."));
$("leave").addEventListener("click", () => shut("You are signed out."));
document.addEventListener("visibilitychange", look);
showRunbook();
token ? look() : $("admin-token").focus();

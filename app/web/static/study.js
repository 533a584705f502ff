// Study: what to do today. It continues where one left off.
import { $, el } from "./dom.js";
import { recent, row } from "./library.js";
import { place } from "./route.js";
import { t } from "./words.js";

const most = 6; // entries to continue with

async function open() {
	try {
		const entries = await recent(most);
		$("continue").replaceChildren(...entries.map((e) => row(e)));
		$("continue-box").hidden = !entries.length;
		$("welcome").hidden = entries.length > 0;
		$("study-said").textContent = "";
	} catch (e) {
		$("study-said").textContent = e.message;
	}
}

export function beginStudy() {
	$("welcome-steps").replaceChildren(...[1, 2, 3].map((n) => el("li", {}, t(`welcome.${n}`))));
	place("study", open);
}

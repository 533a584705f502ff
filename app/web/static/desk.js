// The students' page: its four places, the account, and what they share.
import { watchBanners, whenUserKnown } from "./api.js";
import { $ } from "./dom.js";
import { send } from "./outbox.js";
import { begin, go, loadPlace, place } from "./route.js";
import { fill } from "./words.js";

place("study", () => import("./study.js"));
place("make", () => import("./make.js"));
place("library", () => import("./library.js"));
place("ask", () => import("./ask.js"));
place("account", () => import("./account.js"));

// receiveFiles accepts files that are dropped anywhere on the page.
function receiveFiles() {
	const holds = (e) => [...e.dataTransfer?.types ?? []].includes("Files");
	addEventListener("dragover", (e) => { if (holds(e)) { e.preventDefault(); $("drop").classList.add("over"); } });
	addEventListener("dragleave", (e) => { if (!e.relatedTarget) $("drop").classList.remove("over"); });
	addEventListener("drop", async (e) => {
		$("drop").classList.remove("over");
		if (!holds(e)) return;
		e.preventDefault();
		const files = [...e.dataTransfer.files]; // the browser empties the list after the event
		if ($("make").hidden) go("make");
		(await loadPlace("make")).receive(files);
	});
}

// whenLoaded runs tasks that nothing waits for, after the page has loaded.
const whenLoaded = (act) => document.readyState === "complete" ? setTimeout(act) : addEventListener("load", () => setTimeout(act));

fill(document);
watchBanners();
receiveFiles();
whenUserKnown.then(send); // for a user who signs in
$("skip").addEventListener("click", () => document.querySelector("main > section:not([hidden]) h1").focus());
await begin();
document.body.classList.remove("loading");
whenLoaded(async () => {
	send(); // for the previous user, as soon as the server is reachable
	(await import("./offline.js")).beginOffline();
});

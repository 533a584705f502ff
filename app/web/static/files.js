// Importing files as notes: dropped, chosen or pasted, read by the server, and reviewed before anything is made from them.
import { call, mine, Problem, token } from "./api.js";
import { $, el } from "./dom.js";
import { translated, warning } from "./warnings.js";
import { t } from "./words.js";

const atOnce = 2; // files sent at the same time

const queue = [];
let sending = 0, added = () => {};

// send uploads a file; onProgress gets the share that has been sent, from 0 to 1.
function send(file, onProgress) {
	return new Promise((done, fail) => {
		const ask = new XMLHttpRequest(); // fetch does not report upload progress
		ask.open("POST", mine("/api/notes/import", { filename: file.name })());
		ask.setRequestHeader("Content-Type", "application/octet-stream");
		if (token()) ask.setRequestHeader("Authorization", `Bearer ${token()}`);
		ask.upload.onprogress = (e) => onProgress(e.lengthComputable ? e.loaded / e.total : 0);
		ask.onerror = () => fail(new Error(t("error.away")));
		ask.onload = () => {
			const body = read(ask.responseText);
			ask.status === 201 ? done(body) : fail(new Problem(ask.status, body, 0));
		};
		ask.send(file);
	});
}

function read(text) {
	try { return JSON.parse(text); } catch { return {}; }
}

function entry(file) {
	const bar = el("progress", { max: 1, value: 0, "aria-label": `${t("file.sending")}: ${file.name}` }), said = el("span", { class: "hint", role: "status" }, t("file.waiting"));
	const row = el("li", { class: "file" }, el("span", { dir: "auto" }, file.name), bar, said);
	$("files").append(row);
	return { file, row, bar, said };
}

async function take({ file, row, bar, said }) {
	try {
		await call("GET", "/api/account"); // waits until the user is known
		said.textContent = t("file.sending");
		const { note, pages, words, warnings } = await send(file, (share) => {
			share < 1 ? bar.value = share : bar.removeAttribute("value");
			if (share === 1) said.textContent = t("file.reading");
		});
		bar.remove();
		said.replaceChildren([pages && t("n.pages", { n: pages }), t("n.words", { n: words })].filter(Boolean).join(", "), ". ",
			el("a", { href: `#/library/notes/${note.id}` }, t("file.look")), warnings.map((w) => el("span", { class: "warning" }, ` ${warning(w)}`)));
		added(note);
	} catch (e) {
		bar.remove();
		row.classList.add("failed");
		said.textContent = e.code === "too_large" ? t("file.large") : translated(e.detail ?? "") ?? e.message;
	}
}

async function work() {
	while (sending < atOnce && queue.length) {
		sending++;
		take(queue.shift()).finally(() => { sending--; work(); });
	}
}

export function receive(files) {
	queue.push(...[...files].map(entry));
	work();
}

// beginFiles enables choosing and pasting files; onAdded is called with each note.
export function beginFiles(onAdded) {
	added = onAdded;
	$("choose").addEventListener("change", (e) => { receive(e.target.files); e.target.value = ""; });
	$("text").addEventListener("paste", (e) => {
		if (!e.clipboardData.files.length || e.clipboardData.types.includes("text/plain")) return;
		e.preventDefault();
		receive(e.clipboardData.files);
	});
}

// The API page: all operations of the OpenAPI document, by tag, to search and to expand.
import { $, el, reveal } from "./dom.js";
import { show } from "./operation.js";
import { resolve, use } from "./schema.js";

const methods = ["get", "post", "put", "patch", "delete"];

let entries = [];

async function load() {
	const answer = await fetch("/openapi.json");
	if (!answer.ok) throw new Error(`The document cannot be read: ${answer.status}.`);
	const document = await answer.json();
	use(document);
	$("version").textContent = `Version ${document.info.version}`;
	$("about").textContent = document.info.description;
	entries = Object.entries(document.paths).flatMap(([path, item]) => methods.filter((m) => item[m]).map((m) => entry(m.toUpperCase(), path, item[m], item.parameters ?? [])));
	$("groups").replaceChildren(...document.tags.map(group));
	filter();
	follow();
}

function entry(method, path, operation, common) {
	const node = el("details", { class: "op", id: operation.operationId }, el("summary", {},
		el("span", { class: `method ${method.toLowerCase()}` }, method), " ", el("code", {}, path), " ", el("span", {}, operation.summary)));
	node.addEventListener("toggle", () => node.append(show({ method, path, operation, common })), { once: true });
	const names = [...common, ...operation.parameters ?? []].map((p) => resolve(p).name);
	const words = [method, path, operation.operationId, operation.summary, operation.description ?? "", ...names].join(" ").toLowerCase();
	return { node, words, tag: operation.tags[0] };
}

function group({ name, description }) {
	const own = entries.filter((e) => e.tag === name);
	return el("section", { class: "group", "aria-labelledby": `tag-${name}` }, el("h2", { id: `tag-${name}` }, name), el("p", { class: "hint" }, description), own.map((e) => e.node));
}

// filter shows the operations that contain all words of the search.
function filter() {
	const words = $("find").value.toLowerCase().split(/\s+/);
	for (const e of entries) e.node.hidden = !words.every((word) => e.words.includes(word));
	for (const section of $("groups").children) section.hidden = !section.querySelector(".op:not([hidden])");
	const shown = entries.filter((e) => !e.node.hidden).length;
	$("found").textContent = shown === entries.length ? `${shown} operations` : `${shown} of ${entries.length} operations`;
}

// follow opens the operation in the address.
function follow() {
	const named = entries.find((e) => e.node.id === decodeURIComponent(location.hash.slice(1)))?.node;
	if (!named) return;
	named.open = true;
	reveal(named.firstElementChild, "start");
}

$("find").addEventListener("input", filter);
addEventListener("hashchange", follow);
load().catch((e) => { $("said").textContent = e.message; });

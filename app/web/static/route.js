// The page's places and their addresses: "#/library/flashcards/ID?find=water". The browser's history does the rest. A place's modules are
// loaded when it is first opened.
import { back, tab } from "./api.js";
import { $ } from "./dom.js";
import { t } from "./words.js";

const loaders = new Map(), loaded = new Map(); // by name
let shown = "";

// place adds a place. load returns its module: begin() is called once, show(parts, query) each time the place is opened or its address
// changes, and leave(), if it exists, when another place is opened.
export const place = (name, load) => loaders.set(name, load);

// loadPlace returns a place's module after begin(). If its files cannot be loaded, the page is reloaded once the server is reachable, but
// only once, because files of two releases may not fit together.
export function loadPlace(name) {
	if (!loaded.has(name)) loaded.set(name, loaders.get(name)().then((module) => { module.begin?.(); return module; }, reload));
	return loaded.get(name);
}

async function reload(fault) {
	await back();
	if (tab.get("loaded again") === location.hash) throw fault;
	tab.set("loaded again", location.hash);
	location.reload();
	return new Promise(() => {});
}

const plain = (part) => { try { return decodeURIComponent(part); } catch { return part; } };

export const here = () => {
	const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
	const [name, ...parts] = path.split("/").map(plain);
	return { name: loaders.has(name) ? name : "study", parts: loaders.has(name) ? parts : [], query: new URLSearchParams(query) };
};

// isID reports whether a part of an address may be an id of the server.
export const isID = (part) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(part);

export const go = (to) => { location.hash = `#/${to}`; };

// retitle shows the name of what is open in the window's title.
export const retitle = (title) => { document.title = `${title} · StudySharper`; };

// open shows the address's place when its module is loaded; until then, the previous place remains.
async function open(moved) {
	const { name, parts, query } = here(), address = location.hash;
	const module = await loadPlace(name);
	if (location.hash !== address) return;
	const changed = shown !== name;
	if (shown && changed) (await loadPlace(shown)).leave?.();
	shown = name;
	for (const other of loaders.keys()) $(other).hidden = other !== name;
	for (const link of document.querySelectorAll("[data-place]")) {
		link.dataset.place === name ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
	}
	retitle(t(`place.${name}`));
	if (moved && changed) {
		scrollTo(0, 0);
		$(name).querySelector("h1").focus({ preventScroll: true });
	}
	module.show(parts, query);
}

export async function begin() {
	addEventListener("hashchange", () => open(true));
	await open(false);
	tab.set("loaded again", null);
}

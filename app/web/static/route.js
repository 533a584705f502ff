// The places of the page and their addresses: "#/library/flashcards/ID?find=water". The browser's history does the rest.
import { $ } from "./dom.js";
import { t } from "./words.js";

const places = new Map(); // name -> {title, show(parts, query)}
let shown = "";

// place adds a place; show is called with the rest of the address each time it is opened or its address changes, and leave
// when another place is opened.
export function place(name, show, leave = () => {}) {
	places.set(name, { show, leave });
}

const plain = (part) => { try { return decodeURIComponent(part); } catch { return part; } };

export const here = () => {
	const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
	const [name, ...parts] = path.split("/").map(plain);
	return { name: places.has(name) ? name : "study", parts: places.has(name) ? parts : [], query: new URLSearchParams(query) };
};

export const go = (to) => { location.hash = `#/${to}`; };

// retitle names what is open in the window's title.
export const retitle = (title) => { document.title = `${title} · StudySharper`; };

function open(moved) {
	const { name, parts, query } = here();
	if (shown && shown !== name) places.get(shown).leave();
	const changed = shown !== name;
	shown = name;
	for (const other of places.keys()) $(other).hidden = other !== name;
	for (const link of document.querySelectorAll("[data-place]")) {
		link.dataset.place === name ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
	}
	retitle(t(`place.${name}`));
	if (moved && changed) {
		scrollTo(0, 0);
		$(name).querySelector("h1").focus({ preventScroll: true });
	}
	places.get(name).show(parts, query);
}

export function begin() {
	addEventListener("hashchange", () => open(true));
	open(false);
}

// Creating elements. All text is inserted as text, never as markup.

export const $ = (id) => document.getElementById(id);

export function el(name, props = {}, ...children) {
	const node = document.createElement(name);
	for (const [key, value] of Object.entries(props)) {
		if (value == null) continue;
		if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
		else if (key in node && typeof value !== "string") node[key] = value;
		else node.setAttribute(key, value);
	}
	node.append(...children.flat().filter((c) => c != null && c !== false));
	return node;
}

let ids = 0;
export const newID = () => `n${++ids}`;

export const button = (text, onclick, kind = "quiet") => el("button", { type: "button", class: kind, onclick }, text);

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// reveal scrolls a node into view and moves the focus to it.
export function reveal(node, block = "nearest") {
	node.focus({ preventScroll: true });
	node.scrollIntoView({ block, behavior: calm() ? "auto" : "smooth" });
}

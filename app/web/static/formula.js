// TeX formulas as MathML, by KaTeX, which is loaded for the first formula. If KaTeX cannot parse one, its source is shown.
import { el } from "./dom.js";

const longest = 2000; // characters of a formula
const options = { output: "mathml", trust: false, maxExpand: 100, maxSize: 20, strict: "ignore", throwOnError: true };

let loading = null;

const katex = () => loading ??= import("./katex.js").then(() => globalThis.katex, (e) => { loading = null; throw e; });

// formula returns an element that shows the source until the formula is rendered.
export function formula(source, display) {
	const node = el("span", { class: display ? "formula display" : "formula", dir: "ltr" }, el("code", {}, source));
	if (source.length <= longest) set(node, source, display);
	return node;
}

async function set(node, source, display) {
	try {
		const tree = (await katex()).__renderToDomTree(source, { ...options, displayMode: display });
		unstyled(tree);
		node.replaceChildren(tree.toNode());
	} catch { /* the source is shown */ }
}

// unstyled removes style attributes, which the page's policy blocks.
function unstyled(tree) {
	if (tree.attributes) delete tree.attributes.style;
	for (const child of tree.children ?? []) unstyled(child);
}

// The marks within a line of Markdown: code, bold, italics, links, formulas.
import { el } from "./dom.js";
import { formula } from "./formula.js";

const longest = 20_000; // characters of a paragraph whose marks are parsed

// Each kind with its expression. The earliest match wins; at the same place, the first kind. Every expression stops at a character that it
// may not cross, so that no text makes it scan the same characters more than a few times.
const kinds = [
	[/\\([\\`*_{}[\]()#+\-.!|$<>~])/, (m) => m[1], (m) => m[0] !== "\\(" && m[0] !== "\\["],
	[/(`{1,3})([^`]{1,2000})\1/, (m) => el("code", { dir: "ltr" }, m[2].trim() || m[2])],
	[/\$\$([^$]{1,4000})\$\$|\\\[((?:[^\\]|\\[^\]]){1,4000})\\\]/, (m) => formula((m[1] ?? m[2]).trim(), true)],
	[/\\\(((?:[^\\]|\\[^)]){1,4000})\\\)/, (m) => formula(m[1].trim(), false)],
	[/\$(?![\s$])([^$\n]{0,2000}[^\s$\\])\$(?![\d$])/, (m) => formula(m[1], false), (m, text) => text[m.index - 1] !== "$"],
	[/!?\[([^[\]\n]{0,1000})\]\(\s*<?([^\s()<>]{1,2000}(?:\([^\s()]{0,500}\)[^\s()<>]{0,500})?)>?(?:\s+"[^"\n]{0,500}")?\s*\)/, (m) => link(m[2], m[1] || m[2]), (m) => safe(m[2])],
	[/<?\bhttps?:\/\/[^\s<>"`]{1,2000}/, (m) => address(m[0])],
	[/\*\*(?!\s)([^\n]{0,1998}?[^\s*])\*\*/, (m) => el("strong", {}, inline(m[1]))],
	[/__(?!\s)([^\n_]{0,1998}[^\s_])__/, (m) => el("strong", {}, inline(m[1])), apart],
	[/\*(?![\s*])([^\n*]{0,998}[^\s*])\*(?!\*)/, (m) => el("em", {}, inline(m[1]))],
	[/_(?![\s_])([^\n_]{0,998}[^\s_])_/, (m) => el("em", {}, inline(m[1])), apart],
	[/~~(?!\s)([^\n~]{0,998}[^\s~])~~/, (m) => el("s", {}, inline(m[1]))],
	[/\\?\n/, () => el("br")],
];

// apart reports that the marks are not inside a word, like snake_case.
function apart(m, text) {
	return !/[\p{L}\p{N}]/u.test(text[m.index - 1] ?? "") && !/[\p{L}\p{N}_]/u.test(text[m.index + m[0].length] ?? "");
}

// safe reports that an address is a web or mail address, and not a script.
export function safe(address) {
	try {
		return ["http:", "https:", "mailto:"].includes(new URL(address).protocol);
	} catch {
		return false;
	}
}

const link = (to, text) => el("a", { href: new URL(to).href, rel: "noreferrer noopener nofollow", target: "_blank" }, text);

function address(found) {
	const open = found.startsWith("<"), bare = found.slice(open ? 1 : 0).replace(/[).,;:!?'»”*_\]]+$/, "");
	const rest = found.slice((open ? 1 : 0) + bare.length);
	return safe(bare) ? el("span", {}, link(bare, bare), rest) : found;
}

// inline returns the nodes of a paragraph's text.
export function inline(text) {
	if (text.length > longest) return [text];
	const out = [], next = new Map();
	let at = 0;
	for (;;) {
		let best = null;
		for (const kind of kinds) {
			const found = next.has(kind) && (next.get(kind) === null || next.get(kind).index >= at) ? next.get(kind) : find(kind, text, at);
			next.set(kind, found);
			if (found && (!best || found.index < best.index)) best = { ...found, make: kind[1] };
		}
		if (!best) break;
		if (best.index > at) out.push(text.slice(at, best.index));
		out.push(best.make(best.match));
		at = best.index + best.match[0].length;
	}
	if (at < text.length) out.push(text.slice(at));
	return out;
}

// find returns the first match of a kind, from a position, that passes the kind's check.
function find([expression, , check], text, at) {
	const search = new RegExp(expression, "gu");
	search.lastIndex = at;
	for (let m = search.exec(text); m; m = search.exec(text)) {
		if (!check || check(m, text)) return { index: m.index, match: m };
		search.lastIndex = m.index + 1;
	}
	return null;
}

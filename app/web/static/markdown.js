// Markdown as elements: headings, lists, tables, code, quotes, links and formulas. A text can create no other elements, no attributes
// except safe links, and no requests: pictures become links.
import { el } from "./dom.js";
import { inline } from "./inline.js";
import { formula } from "./formula.js";
import { languageOf } from "./language.js";
import { t } from "./words.js";

const longest = 200_000; // characters; the rest is shown as plain text
const deepest = 6; // levels of nested lists and quotes

const fence = /^ {0,3}(`{3,}|~{3,})\s*([\w+#-]*)[^`]*$/;
const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const rule = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const item = /^(\s*)([-*+•]|\d{1,9}[.)])(?:\s+(.*)|$)/;
const quote = /^ {0,3}> ?(.*)$/;
const division = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const comment = /^\s*<!--(?! page \d).*-->\s*$/; // imported notes name their pages in comments
const page = /^\s*<!-- page (\d{1,6}) -->\s*$/;
const displayed = /^\s*(\$\$|\\\[)/;

// markdown renders a text as a block, with its direction and its language.
export function markdown(text) {
	const box = el("div", { class: "prose", dir: "auto", lang: languageOf(text) || null });
	for (const part of pieces(text)) box.append(part.make());
	return box;
}

// short renders a text that is usually one line; if it is, without a paragraph.
export function short(text) {
	const value = String(text ?? "");
	const parts = pieces(value);
	if (parts.length > 1 || parts[0]?.kind !== "p") return markdown(value);
	return el("span", { class: "prose", dir: "auto", lang: languageOf(value) || null }, inline(parts[0].text));
}

// pieces are the blocks of a text in order: their source, and functions that create their elements.
export function pieces(text, depth = 0) {
	const whole = String(text ?? ""), lines = whole.slice(0, longest).split(/\r?\n/), out = [];
	for (let at = 0; at < lines.length;) {
		if (!lines[at].trim() || comment.test(lines[at])) { at++; continue; }
		const read = readers.find((r) => r.begins(lines, at, depth));
		const { to, ...piece } = read.take(lines, at, depth);
		out.push({ ...piece, source: lines.slice(at, to).join("\n") });
		at = to;
	}
	if (whole.length > longest) out.push({ kind: "p", source: "rest", make: () => el("p", { class: "raw" }, whole.slice(longest)) });
	return out;
}

const end = (lines, at, stops) => {
	while (at < lines.length && !stops(lines[at], at)) at++;
	return at;
};

const readers = [
	{ begins: (lines, at) => page.test(lines[at]), take: (lines, at) => ({ to: at + 1, kind: "page", make: () => el("p", { class: "pagemark" }, t("page", { n: page.exec(lines[at])[1] })) }) },
	{
		begins: (lines, at) => fence.test(lines[at]),
		take(lines, at) {
			const [, mark, name] = fence.exec(lines[at]);
			const to = end(lines, at + 1, (l) => l.trim().startsWith(mark) && !l.trim().slice(mark.length).replaceAll(mark[0], ""));
			const code = lines.slice(at + 1, to).join("\n");
			return { to: Math.min(to + 1, lines.length), kind: "pre", make: () => el("pre", { dir: "ltr", tabindex: "0", "aria-label": name || t("md.code") }, el("code", {}, code)) };
		},
	},
	{
		begins: (lines, at) => displayed.test(lines[at]),
		take(lines, at) {
			const close = lines[at].trim().startsWith("$$") ? "$$" : "\\]";
			const first = lines[at].trim().slice(2);
			if (first.includes(close)) return paragraph(lines, at);
			const to = end(lines, at + 1, (l) => l.includes(close) || !l.trim());
			if (!lines[to]?.includes(close)) return paragraph(lines, at);
			const source = [first, ...lines.slice(at + 1, to), lines[to].slice(0, lines[to].indexOf(close))].join("\n").trim();
			return { to: to + 1, kind: "math", make: () => formula(source, true) };
		},
	},
	{
		begins: (lines, at) => heading.test(lines[at]),
		take(lines, at) {
			const [, marks, text] = heading.exec(lines[at]);
			// A text's headings are below those of the page, which has one to three levels.
			return { to: at + 1, kind: "h", make: () => el("p", { class: `heading h${marks.length}`, role: "heading", "aria-level": String(Math.min(6, marks.length + 3)) }, inline(text)) };
		},
	},
	{ begins: (lines, at) => rule.test(lines[at]), take: (lines, at) => ({ to: at + 1, kind: "hr", make: () => el("hr") }) },
	{
		begins: (lines, at, depth) => depth < deepest && quote.test(lines[at]),
		take(lines, at, depth) {
			const to = end(lines, at, (l) => !quote.test(l));
			const inner = lines.slice(at, to).map((l) => quote.exec(l)[1]).join("\n");
			return { to, kind: "quote", make: () => el("blockquote", {}, pieces(inner, depth + 1).map((p) => p.make())) };
		},
	},
	{ begins: (lines, at) => lines[at].includes("|") && division.test(lines[at + 1] ?? "") && lines[at + 1].includes("-") && cells(lines[at]).length === cells(lines[at + 1]).length, take: table },
	{ begins: (lines, at, depth) => depth < deepest && item.test(lines[at]), take: list },
	{ begins: () => true, take: paragraph },
];

function paragraph(lines, at, depth = 0) {
	const to = Math.max(at + 1, end(lines, at + 1, (l, i) => !l.trim() || fence.test(l) || heading.test(l) || displayed.test(l) || depth < deepest && (quote.test(l) || item.test(l)) || rule.test(l) || division.test(lines[i + 1] ?? "") && lines[i + 1].includes("|") && l.includes("|")));
	const text = lines.slice(at, to).map((l) => l.replace(/^\s+/, "")).join("\n");
	return { to, kind: "p", text, make: () => el("p", {}, inline(text)) };
}

const cells = (line) => line.trim().replace(/^\||(?<!\\)\|$/g, "").split(/(?<!\\)\|/).map((c) => c.trim().replaceAll("\\|", "|"));

function table(lines, at) {
	const to = end(lines, at + 2, (l) => !l.trim() || !l.includes("|"));
	const heads = cells(lines[at]), sides = cells(lines[at + 1]).map((c) => c.endsWith(":") ? c.startsWith(":") ? "mid" : "far" : "");
	const row = (line, name) => { const given = cells(line); return el("tr", {}, heads.map((_, i) => el(name, { class: sides[i] || null, scope: name === "th" ? "col" : null }, inline(given[i] ?? "")))); };
	return { to, kind: "table", make: () => el("div", { class: "wide", tabindex: "0", role: "group", "aria-label": t("md.table") }, el("table", {},
		el("thead", {}, row(lines[at], "th")), el("tbody", {}, lines.slice(at + 2, to).map((l) => row(l, "td"))))) };
}

// list parses the items of one list: lines that begin an item at its indent, and the lines indented below them.
function list(lines, at, depth) {
	const [, indent, mark] = item.exec(lines[at]), numbered = /\d/.test(mark);
	const items = [];
	let to = at;
	while (to < lines.length) {
		const found = item.exec(lines[to]);
		if (!found || found[1].length > indent.length + 1 || found[1].length < indent.length || /\d/.test(found[2]) !== numbered || rule.test(lines[to])) break;
		const inner = found[1].length + found[2].length + 1;
		const stop = end(lines, to + 1, (l, i) => l.trim() ? leading(l) < Math.min(inner, found[1].length + 2) && !continues(l, lines[i - 1]) : leading(lines[i + 1] ?? "") < Math.min(inner, found[1].length + 2));
		items.push([found[3] ?? "", ...lines.slice(to + 1, stop).map((l) => l.slice(Math.min(inner, leading(l))))].join("\n"));
		to = end(lines, stop, (l) => l.trim());
		if (to < lines.length && !item.test(lines[to])) { to = stop; break; }
	}
	return { to, kind: "list", make: () => el(numbered ? "ol" : "ul", { start: numbered ? Number.parseInt(mark, 10) : null }, items.map((text) => el("li", {}, entry(text, depth + 1)))) };
}

const leading = (line) => line.trim() ? line.length - line.trimStart().length : -1;

// continues reports that a line continues the paragraph before it, without indent.
const continues = (line, before) => before.trim() !== "" && ![item, heading, fence, quote, rule, displayed].some((r) => r.test(line));

// entry renders an item's content; without a paragraph around its first line, as in most lists.
function entry(text, depth) {
	return pieces(text, depth).flatMap((p, i) => i === 0 && p.kind === "p" ? inline(p.text) : [p.make()]);
}

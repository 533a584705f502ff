// Where an item comes from: the quote under it, which links to the note.
import { el } from "./dom.js";
import { t } from "./words.js";

// sourceOf shows an item's source, if it has one.
export function sourceOf({ source, unverified }) {
	if (unverified) return el("p", { class: "source hint" }, t("source.unverified"));
	if (!source?.quote) return "";
	const place = [source.title, source.section, source.page && t("page", { n: source.page })].filter(Boolean).join(" · ");
	const words = [el("q", { dir: "auto" }, source.quote), place ? el("cite", { dir: "auto" }, place) : ""];
	if (!source.note_id) return el("p", { class: "source" }, words);
	return el("a", { class: "source", href: noteAt(source), "aria-label": t("source.open", { quote: source.quote }) }, words);
}

// noteAt returns the address of a note, with the passage of a source.
export const noteAt = (source) => `#/library/notes/${source.note_id}?${new URLSearchParams({ from: source.start, to: source.end })}`;

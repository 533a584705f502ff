// The interface's words: one JSON file per language, chosen by the browser's languages. A page for operators is in English and declares it
// (data-words="en").
import { sleep } from "./dom.js";

const languages = ["en", "de", "es", "fr"];
const wanted = [document.documentElement.dataset.words, ...navigator.languages ?? [], "en"].map((l) => (l ?? "").toLowerCase().split("-")[0]);

export const language = wanted.find((l) => languages.includes(l));

async function load() {
	for (;; await sleep(1000)) {
		try {
			const answer = await fetch(new URL(`./${language}.json`, import.meta.url));
			if (answer.ok) return await answer.json();
		} catch { /* the server is away for a moment */ }
	}
}

const words = await load();
const plural = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);

// t returns a text of the interface with its values; n selects singular or plural.
export function t(key, values = {}) {
	const word = words[key];
	const text = typeof word === "object" ? word[plural.select(values.n)] ?? word.other : word;
	return text.replace(/\{(\w+)\}/g, (_, name) => typeof values[name] === "number" ? numbers.format(values[name]) : values[name]);
}

export const knows = (key) => key in words;

export const day = (at) => new Date(at).toLocaleDateString(language, { day: "numeric", month: "short" });

export const moment = (at) => new Date(at).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });

// span formats a duration: "40 s", "5 min", "3 d".
export function span(seconds) {
	for (const [unit, length, most] of [["second", 1, 100], ["minute", 60, 90], ["hour", 3600, 36], ["day", 86400, 60], ["month", 2629800, 24]]) {
		if (seconds <= most * length) return measure(Math.max(1, Math.round(seconds / length)), unit);
	}
	return measure(Math.round(seconds / 31557600 * 10) / 10, "year");
}

const measure = (n, unit) => new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(n);

// fill inserts the words into a part of the page: data-t is an element's text, data-t-NAME an attribute.
export function fill(root) {
	for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
	for (const name of ["placeholder", "aria-label", "title"]) {
		for (const node of root.querySelectorAll(`[data-t-${name}]`)) node.setAttribute(name, t(node.getAttribute(`data-t-${name}`)));
	}
	document.documentElement.lang = language;
}

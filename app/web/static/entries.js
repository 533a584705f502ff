// The entries of the library: study aids, notes and conversations, by title and without their data.
import { call, mine } from "./api.js";
import { el } from "./dom.js";
import { day, t } from "./words.js";

const most = 200; // rows per request
const pages = 5; // requests per list
const brief = { brief: true }; // only the beginning of a note

// kinds are the lists of study aids, by the server's names.
export const kinds = ["flashcards", "quizzes", "exams", "summaries", "plans", "analyses"];

const aidOf = (item) => ({ kind: item.content_type, id: item.id, title: item.title, at: item.created_at });
const talkOf = (s) => ({ kind: "talks", id: s.id, title: s.title, at: s.updated_at });
const noteOf = (n) => ({ kind: "notes", id: n.id, title: n.title || n.content.slice(0, 60), at: n.updated_at });

// rows returns a list from the server, up to the limit of pages.
async function rows(path, field, limit = most, more = {}) {
	const all = [];
	for (let n = 0, before = ""; n < pages; n++) {
		const answer = await call("GET", mine(path, { limit, ...more, ...before && { before } }));
		all.push(...answer[field]);
		before = answer.next_cursor;
		if (!before || limit < most) break;
	}
	return all;
}

const aids = async (limit) => (await rows("/api/ai/generated-content", "items", limit)).map(aidOf);
const talks = async (limit) => (await rows("/api/ai/sessions", "sessions", limit)).filter((s) => s.message_count > 1).map(talkOf);
const newestFirst = (lists) => lists.flat().sort((a, b) => b.at.localeCompare(a.at));

export const everything = async () => newestFirst(await Promise.all([aids(), talks(), rows("/api/notes", "notes", most, brief).then((notes) => notes.map(noteOf))]));

// recent returns the newest study aids and conversations.
export const recent = async (n) => newestFirst(await Promise.all([aids(n), talks(2 * n)])).slice(0, n);

// matching returns the ids of the study aids and notes that contain some words anywhere.
export async function matching(q) {
	const [{ items }, { notes }] = await Promise.all([call("GET", mine("/api/ai/generated-content", { q, limit: most })), call("GET", mine("/api/notes", { q, limit: most, ...brief }))]);
	return new Set([...items, ...notes].map(({ id }) => id));
}

// aidsOf returns the study aids of one kind.
export const aidsOf = async (kind) => (await aids()).filter((e) => e.kind === kind);

// pathOf returns an entry's path in the API.
export const pathOf = ({ kind, id }) => ({ notes: `/api/notes/${id}`, talks: `/api/ai/sessions/${id}` }[kind] ?? `/api/ai/generated-content/${kind}/${id}`);

const hrefOf = ({ kind, id }) => kind === "talks" ? `#/ask/${id}` : `#/library/${kind}/${id}`;

// row is an entry in a list, with its tools.
export const row = (entry, ...tools) => el("li", { class: "entry" },
	el("a", { class: "item", href: hrefOf(entry) }, el("span", { dir: "auto" }, entry.title), el("small", {}, `${t(`kind.${entry.kind}`)}, ${day(entry.at)}`)), tools);

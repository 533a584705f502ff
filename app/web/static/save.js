// Saving as a file: the server's export formats.
import { ask, mine, token } from "./api.js";
import { el } from "./dom.js";
import { t } from "./words.js";

const formats = { flashcards: ["apkg", "tsv", "csv", "md", "json"], quizzes: ["gift", "md", "json"], exams: ["gift", "md", "json"] };

// menu lists a study aid's formats, each with a link to its file.
export function menu(kind, id) {
	const path = `/api/ai/generated-content/${kind}/${id}/export`;
	return el("details", { class: "menu" }, el("summary", { class: "button quiet" }, t("export")),
		el("ul", {}, (formats[kind] ?? ["md", "json"]).map((format) => el("li", {}, fileLink(path, { format }, t(`format.${format}`))))));
}

// fileLink is a link to a file on the server. A link cannot send a token, so with a token the file is fetched first.
export function fileLink(path, query, text) {
	const link = el("a", { href: mine(path, query)(), download: "" }, text);
	link.addEventListener("click", async (e) => {
		if (!token() || link.href.startsWith("blob:")) return;
		e.preventDefault();
		const answer = await fetch(mine(path, query)(), { headers: { Authorization: `Bearer ${token()}` } });
		if (!answer.ok) return ask("GET", mine(path, query)()).catch((fault) => { link.textContent = fault.message; });
		const name = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];
		link.href = URL.createObjectURL(await answer.blob());
		link.download = name ? decodeURIComponent(name) : "";
		link.click();
	});
	return link;
}

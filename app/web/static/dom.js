// Making elements. Every text goes in as text, never as markup.

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

export const many = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

// prose shows a text with the little markup that models write: headings, lists, bold and code.
export function prose(text) {
	const box = el("div", { class: "prose" });
	let list = null;
	for (const line of String(text).split(/\r?\n/)) {
		const item = /^\s*(?:[-*•]|(\d+)[.)])\s+(.*)/.exec(line);
		if (item) {
			const name = item[1] ? "OL" : "UL";
			if (list?.nodeName !== name) {
				list = el(name);
				if (item[1]) list.start = +item[1];
				box.append(list);
			}
			list.append(el("li", {}, ...inline(item[2])));
			continue;
		}
		if (!line.trim()) continue;
		list = null;
		const heading = /^#{1,6}\s+(.*)/.exec(line);
		box.append(heading ? el("p", {}, el("strong", {}, heading[1])) : el("p", {}, ...inline(line)));
	}
	return box;
}

const inline = (text) => text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part) => {
	if (/^\*\*.+\*\*$/.test(part)) return el("strong", {}, part.slice(2, -2));
	return /^`.+`$/.test(part) ? el("code", {}, part.slice(1, -1)) : part;
});

// confirmed asks before something that cannot be undone.
export function confirmed(question, yes) {
	const title = newID();
	const answer = Promise.withResolvers();
	const dialog = el("dialog", { "aria-labelledby": title, onclose: () => { answer.resolve(dialog.returnValue === "yes"); dialog.remove(); } },
		el("p", { id: title }, question),
		el("div", { class: "row end" }, button("Cancel", () => dialog.close("")), button(yes, () => dialog.close("yes"), "main")));
	document.body.append(dialog);
	dialog.showModal();
	return answer.promise;
}

// countdown disables a button for so many seconds and tells how long it still takes.
export async function countdown(b, seconds) {
	const text = b.textContent;
	b.disabled = true;
	for (let left = seconds; left > 0 && b.isConnected; left--) {
		b.textContent = `${text} in ${left > 120 ? `${Math.ceil(left / 60)} min` : `${left} s`}`;
		await sleep(1000);
	}
	b.disabled = false;
	b.textContent = text;
}

// A growing text, rendered block by block as it arrives; finished blocks are not rendered again.
import { el } from "./dom.js";
import { pieces } from "./markdown.js";

const pause = 60; // ms between two updates

export class Growing {
	#text = ""; #sources = []; #timer = 0;
	node = el("div", { class: "prose growing", dir: "auto" });

	constructor(grown) { this.grown = grown; }

	add(text) {
		this.#text += text;
		this.#timer ||= setTimeout(() => { this.#timer = 0; this.#draw(); }, pause);
	}

	clear() {
		this.#text = "";
		this.#draw();
	}

	#draw() {
		const parts = pieces(this.#text);
		let same = 0;
		while (same < parts.length && parts[same].source === this.#sources[same]) same++;
		while (this.node.children.length > same) this.node.lastChild.remove();
		for (const part of parts.slice(same)) this.node.append(part.make());
		this.#sources = parts.map((p) => p.source);
		this.grown();
	}
}

// A line chart of the last minutes, in SVG.
import { el, newID } from "./dom.js";

const space = "http://www.w3.org/2000/svg";
const kept = 300; // points per line: five minutes at one per second
const high = 150, left = 62, foot = 18, top = 8;
const minute = 60000; // the shortest range of the time axis

const svg = (name, props, ...children) => {
	const node = document.createElementNS(space, name);
	for (const [key, value] of Object.entries(props)) node.setAttribute(key, value);
	node.append(...children);
	return node;
};

// Chart draws named lines. say formats a value with its unit; least is the minimum range of the value axis.
export class Chart {
	#points = []; // {at, values, mark}
	#title; #say; #least; #unit; #frame; #plot; #legend; #text; #colours = new Map();

	constructor(title, say, least = 1, unit = 1) {
		this.#title = title;
		this.#say = say;
		this.#least = least;
		this.#unit = unit;
		const id = newID();
		this.#text = svg("title", { id: newID() }, title);
		this.#plot = svg("g", {});
		this.#frame = svg("svg", { role: "img", height: high, "aria-labelledby": this.#text.id }, this.#text, this.#plot);
		this.#legend = el("ul", { class: "legend" });
		this.node = el("section", { class: "sheet chart", "aria-labelledby": id }, el("h2", { id }, title),
			this.#frame, this.#legend);
		new ResizeObserver(() => this.#points.length && this.#draw()).observe(this.#frame);
	}

	// add appends the values of a time, by the names of their lines; mark draws a vertical line.
	add(at, values, mark = "") {
		this.#points.push({ at, values, mark });
		if (this.#points.length > kept) this.#points.shift();
		this.#draw();
	}

	#names() {
		return [...new Set(this.#points.flatMap((p) => Object.keys(p.values)))];
	}

	// A line keeps its colour while it is shown; a new line gets the first free one.
	#colour(name, names) {
		for (const old of this.#colours.keys()) if (!names.includes(old)) this.#colours.delete(old);
		if (!this.#colours.has(name)) {
			const taken = [...this.#colours.values()];
			this.#colours.set(name, [1, 2, 3, 4].find((n) => !taken.includes(n)) ?? 1 + this.#colours.size % 4);
		}
		return `s${this.#colours.get(name)}`;
	}

	#draw() {
		const names = this.#names(), last = this.#points.at(-1);
		const most = this.#unit * nice(Math.max(this.#least, ...this.#points.flatMap((p) => Object.values(p.values))) / this.#unit);
		const wide = this.#frame.clientWidth || 480, span = Math.max(minute, last.at - this.#points[0].at);
		const x = (at) => wide - 4 - (wide - left - 4) * (last.at - at) / span;
		const y = (value) => top + (high - top - foot) * (1 - value / most);
		const nodes = [0, .5, 1].map((part) => svg("g", { class: "grid" }, svg("path", { d: `M${left} ${y(part * most)}H${wide}` }),
			svg("text", { x: left - 7, y: y(part * most) + 4, "text-anchor": "end" }, this.#say(part * most))));
		nodes.push(svg("text", { x: left, y: high - 3, class: "when" }, span < 2 * minute ? `${Math.round(span / 1000)} s ago` : `${Math.round(span / minute)} min ago`), svg("text", { x: wide, y: high - 3, "text-anchor": "end", class: "when" }, "now"));
		for (const p of this.#points) if (p.mark) nodes.push(svg("path", { class: "mark", d: `M${x(p.at)} ${top}V${high - foot}` }, svg("title", {}, p.mark)));
		for (const name of names) {
			const colour = this.#colour(name, names);
			for (const part of unbroken(this.#points, name)) nodes.push(svg("polyline", { class: `line ${colour}`, points: (part.length > 1 ? part : [part[0], part[0]]).map((p) => `${x(p.at).toFixed(1)},${y(p.values[name]).toFixed(1)}`).join(" ") }));
		}
		this.#plot.replaceChildren(...nodes);
		const now = names.filter((n) => n in last.values);
		this.#legend.replaceChildren(...now.map((n) => el("li", { class: this.#colour(n, names) }, n, " ", el("strong", {}, this.#say(last.values[n])))));
		if (!now.length) this.#legend.append(el("li", { class: "none" }, "nothing to show"));
		this.#text.textContent = `${this.#title}, now: ${now.map((n) => `${n} ${this.#say(last.values[n])}`).join(", ") || "nothing to show"}`;
	}
}

// unbroken splits the points that have a value of this name wherever points between them have none.
function unbroken(points, name) {
	const parts = [[]];
	for (const p of points) {
		if (name in p.values) parts.at(-1).push(p);
		else if (parts.at(-1).length) parts.push([]);
	}
	return parts.filter((part) => part.length);
}

// nice returns the next larger number that is easily halved.
function nice(value) {
	const scale = 10 ** Math.floor(Math.log10(value));
	return [1, 2, 4, 5, 6, 8, 10].find((n) => n * scale >= value) * scale;
}

// Taking a quiz or an exam: all questions or one at a time, a timer for exams, the score at the top, repeating the wrong ones. After a
// reload, the answers are still there and the timer continues.
import { tab } from "./api.js";
import { button, el } from "./dom.js";
import { question } from "./questions.js";
import { warning } from "./warnings.js";
import { span, t } from "./words.js";

const slot = "taking"; // stored for the tab: {id, began, answers}

// take renders a form of the sections' questions. id identifies the quiz; minutes starts a timer; leave closes the form; attempts stores
// the answers.
export function take(sections, { id, minutes = 0, leave, attempts }) {
	const box = el("div", { class: "taking" });
	const begin = (list, timed, name) => {
		const sheet = new Sheet(list, timed, (rest) => begin(rest, 0, null), leave, attempts);
		box.replaceChildren(sheet.node);
		sheet.start(name);
	};
	begin(sections, minutes, id);
	return box;
}

const kept = (sections, wanted) => sections.map((s) => ({ ...s, questions: s.questions.filter(wanted) })).filter((s) => s.questions.length);

class Sheet {
	#sections; #again; #leave; #minutes; #attempts; #kept;
	#all = []; #parts = []; #at = 0; #single = false; #done = false; #began = 0; #tick = 0;
	#points = el("p");
	#state = el("p", { class: "hint" });
	#next = el("div", { class: "row start" });
	#score = el("div", { class: "score", tabIndex: -1, role: "status" });
	#clock = el("p", { class: "clock", role: "timer" });
	#place = el("p", { class: "left" });
	#modes; #moves; #hand;

	constructor(sections, minutes, again, leave, attempts) {
		this.#sections = sections;
		this.#minutes = minutes;
		this.#again = again;
		this.#leave = leave;
		this.#attempts = attempts;
		const form = el("form", { class: "questions", novalidate: true, onsubmit: (e) => { e.preventDefault(); this.#mark(); } });
		this.#modes = el("div", { class: "row start", role: "group", "aria-label": t("quiz.show") },
			[[false, t("quiz.all")], [true, t("quiz.each")]].map(([single, label]) => button(label, () => this.#show(single), "quiet mode")));
		form.append(this.#score, el("div", { class: "row" }, this.#modes, this.#place, this.#clock));
		for (const section of sections) this.#add(form, section);
		this.#moves = el("div", { class: "row" }, button(t("previous"), () => this.#go(this.#at - 1)), button(t("next"), () => this.#go(this.#at + 1)));
		this.#hand = el("button", { class: "main" }, t("quiz.check"));
		form.append(this.#moves, el("div", { class: "row end" }, this.#hand));
		this.node = form;
	}

	#add(form, section) {
		const head = el("div", { class: "sectionhead" }, section.section_name ? el("h2", {}, section.section_name) : "",
			section.instructions ? el("p", { class: "hint" }, section.instructions, section.time_estimate_minutes ? ` ${t("about.minutes", { n: section.time_estimate_minutes })}.` : "") : "");
		form.append(head);
		for (const q of section.questions) {
			const one = question(q, this.#all.length + 1, () => this.#overrule(one));
			this.#all.push(one);
			this.#parts.push(head);
			form.append(one.box);
		}
	}

	// start begins; with an id it continues after a reload of the tab, unless the time is up.
	start(id) {
		const before = id ? JSON.parse(tab.get(slot) ?? "null") : null;
		this.#began = Date.now();
		if (before?.id === id && before && (!this.#minutes || before.began + 60e3 * this.#minutes > this.#began)) {
			this.#began = before.began;
			for (const q of this.#all) if (q.question.id in before.answers) q.fill(before.answers[q.question.id]);
		}
		const keep = () => tab.set(slot, JSON.stringify({ id, began: this.#began, answers: Object.fromEntries(this.#all.filter((q) => q.answered).map((q) => [q.question.id, q.given()])) }));
		if (id) {
			keep();
			this.node.addEventListener("input", () => this.#done || keep());
		}
		this.#show(false);
		this.#run();
	}

	// The timer shows the time left, and announces each of the last five minutes to screen readers; when it ends, the answers are checked.
	#run() {
		clearTimeout(this.#tick);
		if (!this.#minutes || this.#done) return;
		const left = Math.round(60 * this.#minutes - (Date.now() - this.#began) / 1000);
		if (left <= 0) return this.#mark();
		this.#clock.textContent = t("quiz.left", { time: left >= 90 ? span(60 * Math.ceil(left / 60)) : span(left) });
		this.#clock.setAttribute("aria-live", left <= 300 && left % 60 === 0 ? "polite" : "off");
		this.#tick = setTimeout(() => this.node.isConnected && this.#run(), 1000);
	}

	#show(single) {
		this.#single = single;
		[...this.#modes.children].forEach((b, i) => b.setAttribute("aria-pressed", String(Boolean(i) === single)));
		this.#moves.hidden = !single;
		this.#go(single ? this.#at : 0, single);
	}

	#go(to, focus = true) {
		this.#at = Math.max(0, Math.min(to, this.#all.length - 1));
		this.#all.forEach((q, i) => { q.box.hidden = this.#single && i !== this.#at; });
		new Set(this.#parts).forEach((head) => { head.hidden = this.#single && head !== this.#parts[this.#at]; });
		const [previous, next] = this.#moves.children;
		previous.disabled = this.#at === 0;
		next.disabled = this.#at === this.#all.length - 1;
		this.#place.textContent = this.#single ? t("quiz.of", { at: this.#at + 1, all: this.#all.length }) : "";
		if (this.#single && focus) this.#all[this.#at].focus();
	}

	#mark() {
		const took = Date.now() - this.#began;
		this.#done = true;
		tab.set(slot, null);
		for (const q of this.#all) q.mark();
		this.#clock.textContent = "";
		this.#hand.remove();
		this.#show(false);
		this.#score.append(this.#points, this.#state, this.#next);
		this.#tally();
		if (this.#attempts) this.#keep(took);
		this.#score.focus({ preventScroll: true });
		this.#score.scrollIntoView({ block: "center" });
	}

	// The server grades and stores the answers. Until it has, and if it cannot, the page's own verdicts are shown.
	async #keep(took) {
		this.#state.textContent = t("quiz.grading");
		this.#kept = this.#attempts.add(this.#all.map((q) => ({ item_id: q.question.id, answer: q.answered ? q.given() : null })), took);
		try {
			this.#follow(await this.#kept);
		} catch (e) {
			this.#state.textContent = t("quiz.unkept", { text: e.message });
		}
	}

	#follow({ answers, warnings = [] }) {
		for (const graded of answers) this.#all.find((q) => q.question.id === graded.item_id)?.follow(graded);
		this.#state.textContent = warnings.map((w) => t("note", { text: warning(w).replace(/[.]$/, "") })).join(" ");
		this.#tally();
	}

	async #overrule(q) {
		this.#tally();
		try {
			const attempt = await this.#kept;
			if (attempt) this.#follow(await this.#attempts.overrule(attempt.n, q.question.id));
		} catch (e) {
			this.#state.textContent = t("quiz.unkept", { text: e.message });
		}
	}

	#tally() {
		const got = this.#all.reduce((n, q) => n + (q.right ? q.points : 0), 0), most = this.#all.reduce((n, q) => n + q.points, 0);
		const wrong = this.#all.filter((q) => !q.right).map((q) => q.question);
		const score = t("quiz.score", { got, most, right: this.#all.length - wrong.length, all: this.#all.length });
		if (this.#points.textContent === score) return; // the focus may be on a button below
		this.#points.textContent = score;
		this.#next.replaceChildren(...[wrong.length && wrong.length < this.#all.length && button(t("quiz.wrongonly", { n: wrong.length }), () => this.#again(kept(this.#sections, (q) => wrong.includes(q))), "main"),
			button(t("quiz.again"), () => this.#again(this.#sections)), this.#leave && button(t("back"), this.#leave)].filter(Boolean));
	}
}

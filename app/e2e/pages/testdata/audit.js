// What an accessibility check finds on a page as it is shown now: a list of faults.
// It looks at names, contrast, headings, landmarks, ids, targets and what sticks out.
(() => {
	const faults = [];
	const fault = (what, node) => faults.push(`${what}: ${node.outerHTML.replace(/\s+/g, " ").slice(0, 110)}`);
	const shown = (node) => node.checkVisibility({ visibilityProperty: true }) && !node.closest("[aria-hidden=true]");
	const all = (selector) => [...document.querySelectorAll(selector)].filter(shown);

	// names
	const text = (node) => [...node.childNodes].map((n) => n.nodeType === 3 ? n.data : n.nodeType !== 1 || n.getAttribute("aria-hidden") === "true" ? "" : n.alt ?? text(n)).join("").trim();
	const named = (node) => (node.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join("").trim()
		|| node.getAttribute("aria-label") || [...node.labels ?? []].map(text).join("").trim() || (node.matches("button, a, summary") ? text(node) : "");
	for (const node of all("button, a[href], input, select, textarea, summary, [role=img], [role=region], [role=log], [role=dialog], dialog, section, [tabindex='0']")) if (!named(node)) fault("no name", node);
	for (const node of all("fieldset")) if (!node.querySelector(":scope > legend")?.textContent.trim()) fault("no legend", node);
	for (const node of all("img")) if (!node.hasAttribute("alt")) fault("no alt", node);
	for (const node of all("table")) if (!node.querySelector("th[scope=col]")) fault("no heads", node);

	// structure
	if (!document.documentElement.lang) faults.push("no lang");
	if (!document.title) faults.push("no title");
	if (document.querySelector("meta[name=viewport]")?.content.match(/user-scalable|maximum-scale/)) faults.push("no zoom");
	if (all("main").length !== 1 || all("h1").length !== 1) faults.push("not one main and one h1");
	let level = 0;
	for (const node of all("h1, h2, h3, h4, h5, h6")) {
		const now = +node.nodeName[1];
		if (now > level + 1) fault(`h${level} is followed by h${now}`, node);
		if (!node.textContent.trim()) fault("an empty heading", node);
		level = now;
	}
	const ids = [...document.querySelectorAll("[id]")].map((n) => n.id);
	for (const id of ids.filter((id, i) => ids.indexOf(id) !== i)) faults.push(`the id ${id} twice`);
	for (const name of ["for", "aria-labelledby", "aria-describedby"]) {
		for (const node of document.querySelectorAll(`[${name}]`)) for (const id of node.getAttribute(name).split(" ")) if (!document.getElementById(id)) fault(`${name} names nothing`, node);
	}
	for (const node of document.querySelectorAll("[tabindex]")) if (node.tabIndex > 0) fault("a tabindex above 0", node);
	const region = "header, main, footer, nav, noscript, script, dialog, [role=alert], .skip, .banner";
	for (const node of document.body.children) if (shown(node) && !node.matches(region)) fault("outside of the landmarks", node);

	// contrast: of each text on what is behind it
	const channels = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
	const over = ([r, g, b, a = 1], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
	const behind = (node) => {
		const layers = [];
		for (let n = node; n; n = n.parentElement) {
			const c = channels(getComputedStyle(n).backgroundColor);
			layers.push(c);
			if ((c[3] ?? 1) === 1) break;
		}
		return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
	};
	const light = (c) => c.map((v) => v / 255).map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
	const ratio = (a, b) => { const [l, d] = [light(a), light(b)].sort((x, y) => y - x); return (l + .05) / (d + .05); };
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	const seen = new Set();
	const judge = (node, colour, what, least) => {
		const under = behind(node), got = ratio(over(channels(colour), under), under);
		if (got < least) fault(`${what} ${got.toFixed(2)} of ${least}`, node);
	};
	let texts = 0;
	while (walk.nextNode()) {
		const node = walk.currentNode.parentElement;
		if (!walk.currentNode.data.trim() || seen.has(node) || !shown(node) || node.matches("script, style, noscript, option, title") || node.closest(".sr, noscript, :disabled")) continue;
		seen.add(node);
		texts++;
		const style = getComputedStyle(node);
		if (parseFloat(style.fontSize) === 0) continue;
		if (parseFloat(style.fontSize) < 12) fault("a text under 12 px", node);
		judge(node, node instanceof SVGElement ? style.fill : style.color, "contrast", 4.5);
	}
	if (texts < 5) faults.push(`only ${texts} texts were judged`);
	for (const node of all("input, select, textarea")) {
		if (!node.disabled && node.matches(":not([type=radio], [type=checkbox])")) {
			judge(node.parentElement, getComputedStyle(node).borderTopColor, "contrast of a field's edge", 3);
			judge(node, getComputedStyle(node, "::placeholder").color, "contrast of a placeholder", 4.5);
		}
	}

	// targets and width
	for (const node of all("button, a[href], select, input:not([type=radio], [type=checkbox])")) {
		const box = node.getBoundingClientRect();
		if (box.height < 24 || box.width < 24) if (!node.matches(".skip, .prose :is(p, li, td) a, p.source a")) fault("a target under 24 px", node); // links within a text may be as high as it
	}
	if (document.documentElement.scrollWidth > innerWidth) faults.push(`the page is ${document.documentElement.scrollWidth} px wide in ${innerWidth}`);
	return faults;
})()

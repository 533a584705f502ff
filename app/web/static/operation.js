// One operation of the API: its parameters, bodies, examples and errors.
import { el } from "./dom.js";
import { field, fields, resolve, sample } from "./schema.js";

const headings = { path: "in the path", query: "in the query", header: "a header", cookie: "a cookie" };

// show creates the details of an operation.
export function show({ method, path, operation, common }) {
	const parameters = [...common, ...operation.parameters ?? []].map(resolve);
	return el("div", {}, operation.description && el("p", {}, operation.description), el("p", { class: "kind" }, access(operation.security)),
		parameters.length > 0 && [el("h3", {}, "Parameters"), el("ul", { class: "fields-of" }, parameters.map((p) =>
			field(p.name, p.schema ?? {}, { required: p.required, where: headings[p.in], description: p.description })))],
		operation.requestBody && body(operation.requestBody),
		el("h3", {}, "Example"), code(curl(method, path, parameters, operation)),
		answers(operation.responses));
}

const schemes = { user: "a user’s bearer token", cookie: "the cookie of a study code", admin: "the ADMIN_TOKEN as a bearer token", adminHeader: "X-Admin-Token", adminQuery: "admin_token in the query" };

// access says who may call an operation.
function access(security = []) {
	const named = security.flatMap(Object.keys).map((name) => schemes[name] ?? name);
	if (!named.length) return "Open to everybody.";
	const anyone = security.some((one) => !Object.keys(one).length);
	return `Takes ${named.join(", or ")}${anyone ? "; nothing where AUTH_MODE is none" : ""}.`;
}

function body(given) {
	const content = Object.entries(resolve(given).content);
	return [el("h3", {}, "Body"), ...content.flatMap(([type, media]) => [el("p", { class: "kind" }, type), media.schema && fields(media.schema)])];
}

const code = (text) => el("pre", { tabindex: "0", role: "region", "aria-label": "Example" }, text);

const json = (value) => JSON.stringify(value, null, 2);

// exampleOf returns the document's example for a media type, or one generated from its schema.
const exampleOf = (media) => media.example ?? sample(media.schema ?? {});

// curl returns a command that calls the operation.
function curl(method, path, parameters, operation) {
	const values = (where) => parameters.filter((p) => p.in === where && (p.required || p.name === "user_id"));
	const value = (p) => encodeURIComponent(p.name === "user_id" ? "student" : sample(p.schema ?? {}));
	let url = location.origin + path;
	for (const p of values("path")) url = url.replace(`{${p.name}}`, value(p));
	const query = values("query").map((p) => `${p.name}=${value(p)}`).join("&");
	const lines = [`curl ${method === "GET" ? "" : `-X ${method} `}'${url}${query && `?${query}`}'`];
	if (operation.security?.some((one) => "admin" in one)) lines.push('-H "Authorization: Bearer $ADMIN_TOKEN"');
	const content = operation.requestBody && resolve(operation.requestBody).content;
	if (content?.["application/json"]) lines.push("-H 'Content-Type: application/json'", `-d '${json(exampleOf(content["application/json"])).replaceAll("'", "'\\''")}'`);
	else if (content) lines.push("--data-binary @notes.pdf -H 'Content-Type: application/octet-stream'");
	return lines.join(" \\\n  ");
}

// answers lists successful responses with their fields, and errors, which all have the same shape.
function answers(responses) {
	const all = Object.entries(responses).map(([status, given]) => ({ status, ...resolve(given) }));
	const errors = all.filter((r) => r.status >= "400"), done = all.filter((r) => r.status < "400");
	const line = (r) => el("li", {}, el("code", {}, r.status), " ", r.description);
	return [el("h3", {}, "Answers"), ...done.map(success), ...errors.length ? [el("h3", {}, "Errors"), el("ul", { class: "fields-of" }, errors.map(line))] : []];
}

function success(response) {
	const content = Object.entries(response.content ?? {});
	return el("div", {}, el("p", {}, el("code", {}, response.status), " ", response.description, " ", el("span", { class: "kind" }, content.map(([type]) => type).join(", "))),
		content.filter(([type, media]) => type === "application/json" && media.schema).flatMap(([, media]) => [fields(media.schema), examples(media)]));
}

function examples(media) {
	const box = el("details", {}, el("summary", {}, "Example of an answer"));
	box.addEventListener("toggle", () => box.append(code(json(exampleOf(media)))), { once: true });
	return box;
}

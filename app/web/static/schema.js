// Schemas of the OpenAPI document: as a list of fields to read, and as an example.
import { el } from "./dom.js";

const deepest = 6; // levels of an example

let root;

// use sets the document in which references are resolved.
export function use(document) { root = document; }

// resolve follows a reference; name is its name in the document.
export function resolve(node) {
	let name = "";
	while (node?.$ref) {
		const path = node.$ref.slice(2).split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
		name = path.at(-1);
		node = path.reduce((at, part) => at[part], root);
	}
	return { ...node, name: node?.name ?? name };
}

const choices = (schema) => schema.oneOf ?? schema.anyOf ?? [];

// kindOf describes a type: "array of Note", "string (uuid) or null".
export function kindOf(given) {
	const schema = resolve(given);
	if ("const" in schema) return JSON.stringify(schema.const);
	if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
	if (choices(schema).length) return choices(schema).map((choice) => choice.$ref ? choice.$ref.split("/").at(-1) : kindOf(choice)).join(" or ");
	const types = [schema.type ?? "any"].flat();
	return types.map((type) => type === "array" ? `array of ${kindOf(schema.items ?? {})}`
		: type === "object" && given.$ref ? given.$ref.split("/").at(-1)
		: type === "string" && schema.format ? `string (${schema.format})` : type).join(" or ");
}

function bounds(schema) {
	const said = [];
	if (schema.minimum != null || schema.maximum != null) said.push(`${schema.minimum ?? "…"} to ${schema.maximum ?? "…"}`);
	if (schema.maxLength != null) said.push(`at most ${schema.maxLength} characters`);
	if (schema.maxItems != null) said.push(`at most ${schema.maxItems} items`);
	if ("default" in schema) said.push(`default ${JSON.stringify(schema.default)}`);
	return said.length ? `, ${said.join(", ")}` : "";
}

// field renders one parameter or property.
export function field(name, given, { required, where, description } = {}) {
	const schema = resolve(given), said = description ?? given.description ?? schema.description;
	return el("li", {}, el("code", {}, name), " ", el("span", { class: "kind" }, `${where ? `${where}, ` : ""}${kindOf(given)}${bounds(schema)}`), " ",
		required && el("span", { class: "needed" }, "required"), said && el("div", {}, said), inner(given));
}

// inner shows the contents of a field; they are created when it is opened.
function inner(given) {
	const schema = resolve(given), items = schema.items && resolve(schema.items);
	const within = [schema, items].find((s) => s && (s.properties || choices(s).some((choice) => resolve(choice).properties)));
	if (!within) return null;
	const box = el("details", {}, el("summary", {}, "Fields"));
	box.addEventListener("toggle", () => box.append(fields(within)), { once: true });
	return box;
}

// fields lists the properties of an object, or of each of its shapes.
export function fields(given) {
	const schema = resolve(given);
	if (schema.properties) {
		const required = schema.required ?? [];
		return el("ul", { class: "fields-of" }, Object.entries(schema.properties).map(([name, property]) => field(name, property, { required: required.includes(name) })));
	}
	if (choices(schema).length) return el("ul", { class: "fields-of" }, choices(schema).map((choice) => field(choice.$ref?.split("/").at(-1) ?? kindOf(choice), choice)));
	return el("p", { class: "kind" }, kindOf(given));
}

// sample generates a value that matches a schema.
export function sample(given, depth = 0) {
	const schema = resolve(given);
	for (const key of ["example", "default", "const"]) if (key in schema) return schema[key];
	if (schema.enum) return schema.enum[0];
	if (choices(schema).length) return sample(choices(schema)[0], depth);
	const type = [schema.type].flat()[0];
	if (type === "object") {
		const entries = depth < deepest ? Object.entries(schema.properties ?? {}) : [];
		return Object.fromEntries(entries.map(([name, property]) => [name, sample(property, depth + 1)]));
	}
	if (type === "array") return depth < deepest ? [sample(schema.items ?? {}, depth + 1)] : [];
	return scalar(type, schema);
}

const strings = { uuid: "01938f5e-7d3c-7a51-9c1e-2f6b8a4d0e17", "date-time": "2026-01-31T12:00:00Z" };

function scalar(type, schema) {
	if (type === "string") return strings[schema.format] ?? "text";
	if (type === "boolean") return true;
	if (type === "null") return null;
	return schema.minimum ?? 1;
}

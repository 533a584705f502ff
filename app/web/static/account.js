// Your account: the study code, other devices, and opening another library in this browser.
import { call, forget, mine, openLibrary, showCode } from "./api.js";
import { $, button, el } from "./dom.js";
import { confirmed } from "./dialog.js";
import { fileLink } from "./save.js";
import { day, t } from "./words.js";

const fault = (e) => { $("account-said").textContent = e.message; };

const act = (text, what, kind) => button(text, () => what().then(show, fault), kind);

export async function show() {
	$("account-said").textContent = "";
	try {
		const account = await call("GET", mine("/api/account"));
		const own = account.auth_mode === "account";
		$("account-body").replaceChildren(
			own ? code(account) : el("p", { class: "sheet" }, t(`account.is.${account.auth_mode}`)),
			own ? await devices() : "", own ? elsewhere() : "", data());
	} catch (e) {
		fault(e);
	}
}

const sheet = (title, ...body) => el("div", { class: "sheet" }, el("h2", {}, title), ...body);

const code = (account) => sheet(t("account.study"), el("p", {}, t("account.code.is")), el("p", { class: "hint" }, t("account.code.made", { day: day(account.code_created_at) })),
	button(t("account.code.new"), async () => {
		if (!await confirmed(t("account.code.sure"), t("account.code.new"))) return;
		try { showCode((await call("POST", "/api/account/code")).study_code); } catch (e) { fault(e); }
	}));

async function devices() {
	const { sessions } = await call("GET", "/api/account/sessions");
	return sheet(t("account.devices"), el("ul", { class: "list" }, sessions.map((s) => el("li", { class: "entry" },
		el("span", { class: "item" }, el("span", {}, s.device || t("account.device"), s.current ? el("strong", {}, ` (${t("account.this")})`) : ""), el("small", {}, day(s.last_seen_at))),
		s.current ? "" : act(t("account.end"), () => call("DELETE", `/api/account/sessions/${s.id}`), "plain")))),
	sessions.length > 1 ? act(t("account.endothers"), () => call("DELETE", "/api/account/sessions?others=true")) : "");
}

// elsewhere opens another account in this browser, by its study code.
function elsewhere() {
	const input = el("input", { id: "study-code", autocomplete: "off", maxlength: "100", required: true }), said = el("p", { class: "fault", role: "alert" });
	const submit = async (e) => {
		e.preventDefault();
		try {
			await openLibrary(input.value.trim());
			show();
		} catch (fault) {
			said.textContent = fault.message;
		}
	};
	return sheet(t("account.other"), el("form", { class: "fields", onsubmit: submit }, el("label", {}, el("span", {}, t("account.other.code")), input), said,
		el("div", { class: "row start" }, el("button", { class: "quiet" }, t("account.other.go")))));
}

const data = () => sheet(t("account.data"), el("div", { class: "row start" }, fileLink("/api/account/export", {}, t("account.export")), button(t("account.delete"), async () => {
	if (!await confirmed(t("account.delete.sure"), t("account.delete"))) return;
	try {
		await call("DELETE", mine("/api/account"));
		forget();
		location.hash = "#/study";
		location.reload();
	} catch (e) {
		fault(e);
	}
})));

// Translations of the server's warnings and messages about files, which the server writes in English.
import { knows, language, t } from "./words.js";

// Each key of a word, with the server's text; groups become its values.
const said = {
	made: /^made (?<made>\d+) of (?<asked>\d+)$/,
	all: /^made (?<made>\d+) of (?<asked>\d+): the text contains no more$/,
	length: /^incomplete: the answer reached its length limit/,
	stopped: /^incomplete: the AI service ended the answer early/,
	pages: /^read (?<percent>\d+) % of (?<pages>\d+) pages?, evenly spread/,
	share: /^read (?<percent>\d+) % of the text, evenly spread/,
	beginning: /^the source text was too long (for the model )?and only its beginning was used/,
	message: /^the message was too long and only its beginning was read/,
	history: /^the conversation so far could not be read/,
	notes: /^your notes could not be searched/,
	preferences: /^your preferences could not be read/,
	unsaved: /^not saved: the answer could not be stored/,
	unchecked: /^the model (could not check the answer|did not check the corrected answer); only rules did/,
	unmerged: /^the points of the parts could not be merged/,
	ungraded: /^the AI service could not check your short answers/,
	dropped: /^left out of the text: /,
	language: /^(this text seems to be in )?(?<name>[A-Z]\w+): (only )?lists and gaps on /,
	lowered: /: lowered to (?<n>\d+), the maximum$/,
	cutpage: /^The text is longer than a note may be \(1 MiB\): it was cut on page (?<page>\d+) of (?<pages>\d+)/,
	cut: /^The text is longer than a note may be \(1 MiB\): the rest was left out/,
	rows: /^The file has more than (?<n>\d+) rows: the rest was left out/,
	deck: /^The deck has more than (?<n>\d+) notes: the rest was left out/,
	scan: /^this PDF has no text layer/i,
	notext: /^no text was found in the file/i,
	toomany: /^the file has more than (?<n>\d+) pages: split it/i,
	locked: /^the file is protected with a password/i,
	empty: /^the file is empty/i,
	damaged: /^the file (is damaged|cannot be read)|is damaged/i,
};

// translated returns a text of the server in the page's language. It returns null if the page does not know the text, and in English,
// because the server's own words are the most precise.
export function translated(text) {
	if (language === "en") return null;
	for (const [key, expression] of Object.entries(said)) {
		const found = expression.exec(text);
		if (found && knows(`warning.${key}`)) return t(`warning.${key}`, { ...found.groups, ...found.groups?.name && { name: named(found.groups.name) } });
	}
	return null;
}

export const warning = (text) => translated(text) ?? text;

// named returns the name of a language, in the page's language.
function named(name) {
	const english = new Intl.DisplayNames(["en"], { type: "language" }), own = new Intl.DisplayNames([language], { type: "language" });
	const tag = ["de", "es", "fr", "it", "pt", "nl", "pl", "sv", "da", "nb", "fi", "cs", "tr", "ru", "uk", "el", "ar", "he", "fa", "hi", "th", "ja", "zh", "ko", "vi"].find((one) => english.of(one) === name);
	return tag ? own.of(tag) : name;
}

// The language of a text, guessed from its script or its commonest words, for screen readers and hyphenation.

const scripts = [["ja", /[\u3040-\u30ff]/g], ["zh", /[\u4e00-\u9fff]/g], ["ko", /[\uac00-\ud7af]/g], ["ru", /[\u0400-\u04ff]/g], ["el", /[\u0370-\u03ff]/g],
	["ar", /[\u0600-\u06ff]/g], ["he", /[\u0590-\u05ff]/g], ["hi", /[\u0900-\u097f]/g], ["th", /[\u0e00-\u0e7f]/g]];
const common = {
	en: "the of and is are in to what which how does that with for from by an it was",
	de: "der die das und ist sind was wie welche eine einer von mit nicht wird zu den im auf für",
	fr: "le la les des est et une que quelle quel dans pour qui sont par du au ce avec",
	es: "el los las una es y que qué cuál en del por con para se como son al su",
	it: "il gli della che è una di sono per con quale cosa nel alla come dei",
	pt: "o os uma é que em do da não qual com para são por como na",
	nl: "de het een van en is wat welke zijn met voor dat niet op wordt",
};
const lists = Object.entries(common).map(([name, words]) => [name, new Set(words.split(" "))]);
const looked = 600; // characters

// languageOf returns the language's tag; "" if it cannot be guessed.
export function languageOf(text) {
	const start = text.slice(0, looked);
	for (const [name, script] of scripts) if ((start.match(script)?.length ?? 0) * 4 > start.length) return name;
	const words = start.toLowerCase().match(/\p{L}+/gu) ?? [];
	const ranked = lists.map(([name, list]) => [words.filter((w) => list.has(w)).length, name]).sort((a, b) => b[0] - a[0]);
	return ranked[0][0] >= 2 && ranked[0][0] > ranked[1][0] ? ranked[0][1] : "";
}

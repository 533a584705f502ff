package export

import (
	"fmt"
	"strconv"
)

var pragmas = fmt.Sprintf("PRAGMA page_size = %d; PRAGMA max_page_count = %d", pageBytes, maxPages)

// collectionSchema is Anki's schema 11, with its original types: sfld is declared as integer but contains text.
const collectionSchema = `
CREATE TABLE col (id integer primary key, crt integer not null, mod integer not null, scm integer not null, ver integer not null, dty integer not null,
  usn integer not null, ls integer not null, conf text not null, models text not null, decks text not null, dconf text not null, tags text not null);
CREATE TABLE notes (id integer primary key, guid text not null, mid integer not null, mod integer not null, usn integer not null, tags text not null,
  flds text not null, sfld integer not null, csum integer not null, flags integer not null, data text not null);
CREATE TABLE cards (id integer primary key, nid integer not null, did integer not null, ord integer not null, mod integer not null, usn integer not null,
  type integer not null, queue integer not null, due integer not null, ivl integer not null, factor integer not null, reps integer not null,
  lapses integer not null, left integer not null, odue integer not null, odid integer not null, flags integer not null, data text not null);
CREATE TABLE revlog (id integer primary key, cid integer not null, usn integer not null, ease integer not null, ivl integer not null,
  lastIvl integer not null, factor integer not null, time integer not null, type integer not null);
CREATE TABLE graves (usn integer not null, oid integer not null, type integer not null);
CREATE INDEX ix_notes_usn ON notes (usn);
CREATE INDEX ix_cards_usn ON cards (usn);
CREATE INDEX ix_revlog_usn ON revlog (usn);
CREATE INDEX ix_cards_nid ON cards (nid);
CREATE INDEX ix_cards_sched ON cards (did, queue, due);
CREATE INDEX ix_revlog_cid ON revlog (cid);
CREATE INDEX ix_notes_csum ON notes (csum);
`

// object is a JSON object.
type object = map[string]any

func (c collection) conf() object {
	return object{"nextPos": 1, "estTimes": true, "activeDecks": []int64{1}, "sortType": "noteFld", "timeLim": 0, "sortBackwards": false,
		"addToCur": true, "curDeck": 1, "newBury": true, "newSpread": 0, "dueCounts": true, "curModel": strconv.FormatInt(modelID, 10), "collapseTime": 1200}
}

func (c collection) models() object {
	fields := make([]object, 0, 3)
	for i, name := range []string{"Front", "Back", "Source"} {
		fields = append(fields, object{"name": name, "ord": i, "sticky": false, "rtl": false, "font": "Arial", "size": 20, "media": []string{}})
	}
	const front, back = "{{Front}}", "{{FrontSide}}\n\n<hr id=answer>\n\n{{Back}}\n\n{{#Source}}<div class=source>{{Source}}</div>{{/Source}}"
	template := object{"name": "Card 1", "ord": 0, "qfmt": front, "afmt": back, "bqfmt": "", "bafmt": "", "did": nil}
	const css = ".card { font-family: arial; font-size: 20px; text-align: center; color: black; background-color: white; }\n" +
		".source { margin-top: 1em; font-size: 14px; opacity: 0.7; }\n"
	return object{strconv.FormatInt(modelID, 10): object{"id": int64(modelID), "name": modelName, "type": 0, "mod": modelID / 1000, "usn": -1, "sortf": 0,
		"did": c.deck, "tmpls": []object{template}, "flds": fields, "css": css, "latexPre": latexPre, "latexPost": `\end{document}`,
		"req": []any{[]any{0, "any", []int{0}}}, "tags": []string{}, "vers": []int{}}}
}

const latexPre = "\\documentclass[12pt]{article}\n\\special{papersize=3in,5in}\n\\usepackage[utf8]{inputenc}\n\\usepackage{amssymb,amsmath}\n" +
	"\\pagestyle{empty}\n\\setlength{\\parindent}{0in}\n\\begin{document}\n"

func (c collection) decks() object {
	deck := func(id int64, name string) object {
		return object{"id": id, "name": name, "mod": c.changed.Unix(), "usn": -1, "lrnToday": []int{0, 0}, "revToday": []int{0, 0}, "newToday": []int{0, 0},
			"timeToday": []int{0, 0}, "collapsed": false, "browserCollapsed": false, "desc": "", "dyn": 0, "conf": 1, "extendNew": 0, "extendRev": 0}
	}
	return object{"1": deck(1, "Default"), strconv.FormatInt(c.deck, 10): deck(c.deck, c.name)}
}

func (c collection) deckConf() object {
	return object{"1": object{"id": 1, "mod": 0, "name": "Default", "usn": 0, "maxTaken": 60, "autoplay": true, "timer": 0, "replayq": true, "dyn": false,
		"new":   object{"bury": false, "delays": []float64{1, 10}, "initialFactor": 2500, "ints": []int{1, 4, 7}, "order": 1, "perDay": 20},
		"rev":   object{"bury": false, "ease4": 1.3, "ivlFct": 1, "maxIvl": 36500, "perDay": 200, "hardFactor": 1.2},
		"lapse": object{"delays": []float64{10}, "leechAction": 1, "leechFails": 8, "minInt": 1, "mult": 0}}}
}

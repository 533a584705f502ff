// Package parse reads a language model's answer as a study aid. The one idea: a model's JSON is a dialect, not a
// format. The package recovers the intended aid from any dialect without calling the model again; an unreadable part
// costs one item, not the answer. It is pure: no clock, no network.
package parse

import (
	"cmp"
	"encoding/json"
	"iter"
	"strings"

	"studysharper/app/study"
)

// maxObjects limits how many objects are parsed in one answer.
const maxObjects = 32

// Aid reads an answer as an aid of the type. It accepts prose, code fences and objects around the aid, JSON in every
// dialect that models write, other names for fields, and truncated answers, of which it uses the complete part. The
// text of a Chat becomes a Reply unchanged.
//
// An answer may contain several such objects, drafts before the final one. good reports whether one is acceptable; the
// last acceptable one is returned, or else the last of all. If there is none, Aid returns one fault, worded for the
// model and without text of the answer; otherwise fault is "". cut means that the end of the last such object is
// missing.
func Aid(t study.Type, answer string, good func(study.Aid) bool) (aid study.Aid, cut bool, fault string) {
	if t == study.Chat {
		return &study.Reply{Response: strings.TrimSpace(answer)}, false, ""
	}
	aid, cut, fault = choose(t, answer, good)
	if aid == nil && strings.Contains(answer, `\"`) { // an object that was written as a string
		if again, cutToo, none := choose(t, unescaped(answer), good); none == "" {
			return again, cutToo, ""
		}
	}
	return aid, cut, fault
}

// unescaped removes one level of backslash escapes.
func unescaped(answer string) string {
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n", `\t`, "\t").Replace(answer)
}

// choose returns the aid from the object of an answer that should be used; see Aid.
func choose(t study.Type, answer string, good func(study.Aid) bool) (aid study.Aid, cut bool, fault string) {
	var last, best study.Aid
	fault = "there is no JSON object in the answer"
	for i, found := range readObjects(t, answer) {
		if found.known {
			cut = found.cut
		}
		switch {
		case found.aid != nil && good(found.aid):
			last, best = found.aid, found.aid
		case found.aid != nil && (!found.cut || study.IsPart(found.aid)):
			last = found.aid
		case found.known || i == 0:
			fault = cmp.Or(found.fault, cutOff)
		}
	}
	switch {
	case best != nil:
		return best, cut, ""
	case last != nil:
		return last, cut, ""
	default:
		return nil, cut, fault
	}
}

// Objects yields the JSON objects of an answer, parsed as leniently as Aid parses them.
func Objects(answer string) iter.Seq[map[string]any] {
	return func(yield func(map[string]any) bool) {
		rest := answer
		for range maxObjects {
			open := strings.IndexByte(rest, '{')
			if open < 0 {
				return
			}
			value, _, _ := parseRelaxed(rest[open:])
			if object, ok := value.(map[string]any); ok && !yield(object) {
				return
			}
			rest = rest[open+1:]
		}
	}
}

// object is the result of reading one object or list.
type object struct {
	aid   study.Aid // nil: it is not an aid
	fault string    // why aid is nil
	known bool      // it is of the requested type, even if aid is nil
	size  int       // of its text
	cut   bool      // its end is missing
	alone string    // the text of a single item; "" = it is not one
}

// readObjects yields the objects of an answer with their numbers. It continues inside an object that is not of the
// requested type, and after one that is. If there was no list, separate single items are finally read together as one.
func readObjects(t study.Type, answer string) iter.Seq2[int, object] {
	return func(yield func(int, object) bool) {
		rest := answer
		var alone []string
		listed, searched := false, 0
		for i := range maxObjects {
			open := strings.IndexAny(rest, "{[")
			if open < 0 {
				break
			}
			at := len(answer) - len(rest) + open
			o := readObject(t, rest[open:], at >= searched)
			searched = max(searched, at+o.size) // its inside has been searched
			if o.alone != "" {
				alone = append(alone, o.alone)
			}
			listed = listed || o.known && o.alone == ""
			if !yield(i, o) {
				return
			}
			if rest = rest[open+1:]; o.known {
				rest = rest[o.size-1:]
			}
		}
		if len(alone) > 1 && !listed {
			yield(maxObjects, readObject(t, "["+strings.Join(alone, ",")+"]", true))
		}
	}
}

const cutOff = "the JSON object is cut off before its end"

// readObject reads the object or list that s starts with. If deep is set, it also searches for content under other
// names.
func readObject(t study.Type, s string, deep bool) object {
	value, size, cut := parseRelaxed(s)
	item, _ := value.(map[string]any)
	alone := !cut && looksLike(t, spelled(item))
	o := readValue(t, deep, func() any {
		again := value
		if value = nil; again == nil { // each attempt modifies it; parsing again avoids a copy, because an answer may be long
			again, _, _ = parseRelaxed(s)
		}
		return again
	})
	if o.size, o.cut = size, cut; alone {
		o.alone = s[:size]
	}
	if cut && (!o.known || t != study.Summary && t != study.Analysis && (o.aid == nil || study.Items(o.aid) == 0)) {
		o.aid, o.fault = nil, cutOff
	}
	return o
}

// readValue reads a JSON value as an aid; read returns a fresh copy each time.
func readValue(t study.Type, deep bool, read func() any) (o object) {
	shaped, known := canonical(t, deep, read)
	if !known {
		o.fault = "the JSON object has no field " + wrappers[t][0]
		return o
	}
	if o.known = true; shaped == nil {
		o.fault = wrappers[t][0] + " has a value of the wrong type"
		return o
	}
	aid := study.NewAid(t)
	raw, err := json.Marshal(shaped)
	if err == nil {
		err = json.Unmarshal(raw, aid)
	}
	if err != nil { // cannot happen: canonical leaves no field of a wrong type
		o.fault = "the answer is not valid JSON"
		return o
	}
	o.aid = aid
	return o
}

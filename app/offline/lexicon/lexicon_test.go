package lexicon

import (
	"strings"
	"testing"
)

func TestVerbsAreKnownInEveryForm(t *testing.T) {
	for word, want := range map[string]struct {
		lemma string
		form  Form
	}{
		"absorb": {"absorb", Base}, "absorbs": {"absorb", Third}, "absorbed": {"absorb", Past | Participle}, "absorbing": {"absorb", Gerund},
		"went": {"go", Past}, "gone": {"go", Participle}, "made": {"make", Past | Participle}, "making": {"make", Gerund},
		"studies": {"study", Third}, "studied": {"study", Past | Participle}, "planned": {"plan", Past | Participle}, "using": {"use", Gerund},
		"agrees": {"agree", Third}, "pursues": {"pursue", Third}, "looks": {"look", Third}, "catches": {"catch", Third},
	} {
		if got := Lookup(word); got.Lemma != want.lemma || got.Form != want.form || got.Verb < 0 {
			t.Errorf("%s: %+v, want %+v", word, got, want)
		}
	}
}

func TestPartsOfSpeech(t *testing.T) {
	for word, want := range map[string]func(Entry) bool{
		"membrane":   func(e Entry) bool { return e.Noun > 0 && e.Verb == Absent && e.Adjective == Absent },
		"enzymes":    func(e Entry) bool { return e.Noun > 0 && e.Verb == Absent },
		"price":      func(e Entry) bool { return e.Noun > e.Verb && e.Verb > 0 },
		"prices":     func(e Entry) bool { return e.Noun > e.Verb && e.Form == Third },
		"green":      func(e Entry) bool { return e.Adjective > 0 && e.Noun >= 0 },
		"quickly":    func(e Entry) bool { return e.Adverb > 0 && e.Noun == Absent },
		"economical": func(e Entry) bool { return e.Adjective > e.Noun },
		"building":   func(e Entry) bool { return e.Noun > 0 && e.Form == Gerund },
		"zzqx":       func(e Entry) bool { return e.Noun > 0 && !e.Known },
		"":           func(e Entry) bool { return !e.Known },
	} {
		if e := Lookup(word); !want(e) {
			t.Errorf("%s: %+v", word, e)
		}
	}
}

func TestPersonsAndPlaces(t *testing.T) {
	for word, want := range map[string][2]bool{
		"senator": {true, false}, "albert": {true, false}, "france": {false, true}, "new york": {false, true},
		"enzyme": {false, false}, "": {false, false}, "zzzz": {false, false}, "aa": {false, false},
	} {
		if got := [2]bool{IsPerson(word), PlaceKind(word) != 0}; got != want {
			t.Errorf("%s: %v, want %v", word, got, want)
		}
	}
}

func TestPlacesHaveAKind(t *testing.T) {
	for name, want := range map[string]byte{"france": 'n', "geneva": 'c', "texas": 's', "enzyme": 0} {
		if got := PlaceKind(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestTablesStaySmall(t *testing.T) {
	if n := len(wordLines) + len(personLines) + len(placeLines); n > 400_000 {
		t.Errorf("%d bytes", n)
	}
}

func BenchmarkLookup(b *testing.B) {
	for b.Loop() {
		for _, w := range []string{"absorbs", "membrane", "economical", "price", "made"} {
			Lookup(w)
		}
	}
}

// Every line of a table is found by its key, and keys that are in no line find nothing.
func TestTablesAreSearchedByTheirFirstLetters(t *testing.T) {
	for _, c := range []struct {
		*table
		separator string
	}{{words, " "}, {persons, "\n"}, {places, "\t"}} {
		before := ""
		for line := range strings.Lines(c.text) {
			key, _, _ := strings.Cut(line, c.separator)
			if at := c.search(key, c.separator[0]); key != before && !strings.HasPrefix(c.text[at:], line) {
				t.Errorf("%q is not found", key)
			}
			before = key
		}
		for _, key := range []string{"", "a", "z", "zzzz", "0", "~", "é", "zyx", "st", "q"} {
			at := c.search(key, c.separator[0])
			if at > 0 && c.text[at-1] != '\n' || at < len(c.text) && c.text[at:] < key+c.separator {
				t.Errorf("%q is found at %d", key, at)
			}
		}
	}
}

package web

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// wordsOf returns the words of a language: each is a text, or texts by plural category.
func wordsOf(t *testing.T, language string) map[string]map[string]string {
	t.Helper()
	raw := map[string]any{}
	if err := json.Unmarshal(opened().files[language+".json"].Body, &raw); err != nil {
		t.Fatalf("%s: %v", language, err)
	}
	words := map[string]map[string]string{}
	for key, word := range raw {
		words[key] = map[string]string{}
		if forms, ok := word.(map[string]any); ok {
			for form, text := range forms {
				words[key][form] = text.(string)
			}
			continue
		}
		words[key][""] = word.(string)
	}
	return words
}

// values returns the names between braces in a text, sorted.
func values(text string) string {
	found := regexp.MustCompile(`\{\w+\}`).FindAllString(text, -1)
	slices.Sort(found)
	return strings.Join(slices.Compact(found), " ")
}

func TestEveryLanguageHasTheSameWordsWithTheSameValues(t *testing.T) {
	english := wordsOf(t, "en")
	for _, language := range languages {
		words := wordsOf(t, language)
		for key, forms := range english {
			if len(words[key]) == 0 {
				t.Errorf("%s has no %s", language, key)
			}
			if _, plural := forms["other"]; plural && (words[key]["one"] == "" || words[key]["other"] == "") {
				t.Errorf("%s: %s lacks a plural form", language, key)
			}
			for form, text := range words[key] {
				want := values(forms[""] + forms["other"])
				if got := values(text); text == "" || got != want && form != "one" {
					t.Errorf("%s: %s is %q with the values %q, want %q", language, key, text, got, want)
				}
			}
		}
		for key := range words {
			if english[key] == nil {
				t.Errorf("%s has %s, which English has not", language, key)
			}
		}
	}
}

var (
	spoken    = regexp.MustCompile(`\bt\(("[\w.]+"|` + "`[\\w.]+\\.\\$\\{[^`]+`" + `|[^")]+"[\w.]+" : "[\w.]+"|kind \? [^)]+\))`)
	literal   = regexp.MustCompile(`"([\w.]+)"`)
	prefix    = regexp.MustCompile("`([\\w.]+\\.)\\$\\{")
	attribute = regexp.MustCompile(`data-t[a-z-]*="([\w.]+)"`)
)

// TestEveryWordIsUsedAndEveryUseHasAWord reads the keys from the modules and the pages.
func TestEveryWordIsUsedAndEveryUseHasAWord(t *testing.T) {
	words, used := wordsOf(t, "en"), map[string]bool{}
	prefixes := []string{}
	for name, file := range opened().files {
		text := string(file.Body)
		if name == "katex.js" {
			continue
		}
		for _, found := range attribute.FindAllStringSubmatch(text, -1) {
			used[found[1]] = true
		}
		for _, call := range spoken.FindAllString(text, -1) {
			for _, found := range literal.FindAllStringSubmatch(call, -1) {
				used[found[1]] = true
			}
			for _, found := range prefix.FindAllStringSubmatch(call, -1) {
				prefixes = append(prefixes, found[1])
			}
		}
		for _, found := range prefix.FindAllStringSubmatch(text, -1) {
			prefixes = append(prefixes, found[1])
		}
	}
	for key := range used {
		if words[key] == nil {
			t.Errorf("a module or a page asks for %q, which is not a word", key)
		}
	}
	for key := range words {
		if !used[key] && !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) }) {
			t.Errorf("nothing uses %q", key)
		}
	}
	if len(used) < 80 || len(prefixes) < 5 {
		t.Errorf("only %d uses and %s were found", len(used), fmt.Sprint(prefixes))
	}
}

package config

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	notGuessable = "and not be a common password or one part repeated: `openssl rand -hex 24` makes one"

	minDistinct = 6 // different characters of a secret
	minUnknown  = 6 // letters and digits that are left of one without its common words
)

// common are words that secrets are often made of: those of lists of common passwords, those of examples, and ours.
var common = []string{"administrator", "admin", "password", "passw0rd", "passwort", "changeme", "change", "letmein", "welcome", "secret", "token",
	"example", "default", "qwertyuiop", "qwerty", "asdfgh", "abc123", "1234567890", "123456", "iloveyou", "dragon", "monkey", "football", "baseball",
	"superman", "master", "shadow", "sunshine", "princess", "trustno1", "whatever", "starwars", "computer", "internet", "server", "production",
	"development", "insecure", "please", "replace", "your", "this", "user", "root", "test", "demo", "login", "study", "sharper"}

// isGuessable reports whether a secret is long and yet easy to guess: few characters or one part, again and again, or
// common words with little else.
func isGuessable(secret string) bool {
	distinct := map[rune]bool{}
	for _, r := range secret {
		distinct[r] = true
	}
	return len(distinct) < minDistinct || isRepeated(secret) || isCommon(secret)
}

// isRepeated reports whether a secret is one short part at least three times.
func isRepeated(secret string) bool {
	for n := 1; n <= len(secret)/3; n++ {
		if strings.HasPrefix(strings.Repeat(secret[:n], len(secret)/n+1), secret) {
			return true
		}
	}
	return false
}

func isCommon(secret string) bool {
	rest := strings.ToLower(secret)
	for _, word := range common {
		rest = strings.ReplaceAll(rest, word, " ")
	}
	rest = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, rest)
	return utf8.RuneCountInString(rest) < minUnknown
}

package config

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	notGuessable = "and not be a common password or one part repeated: `openssl rand -hex 24` makes one"

	minPart     = 16 // minimum length of a part that may occur twice
	minDistinct = 6  // minimum number of different characters in a secret
	minUnknown  = 6  // minimum number of letters and digits left after the common words are removed
)

// common are words that secrets are often made of: from lists of common passwords, from examples, and our own.
var common = []string{"administrator", "admin", "password", "passw0rd", "passwort", "changeme", "change", "letmein", "welcome", "secret", "token",
	"example", "default", "qwertyuiop", "qwerty", "asdfgh", "abc123", "1234567890", "123456", "iloveyou", "dragon", "monkey", "football", "baseball",
	"superman", "master", "shadow", "sunshine", "princess", "trustno1", "whatever", "starwars", "computer", "internet", "server", "production",
	"development", "insecure", "please", "replace", "your", "this", "user", "root", "test", "demo", "login", "study", "sharper"}

// isGuessable reports whether a secret is easy to guess although it is long: it consists of few different characters,
// of a repeated part, or of common words with little else.
func isGuessable(secret string) bool {
	distinct := map[rune]bool{}
	for _, r := range secret {
		distinct[r] = true
	}
	return len(distinct) < minDistinct || isRepeated(secret) || isSequence(secret) || isCommon(secret)
}

// isRepeated reports whether a secret consists of one part at least three times, or of a short part twice.
func isRepeated(secret string) bool {
	for n := 1; n <= len(secret)/2; n++ {
		if (n <= len(secret)/3 || n < minPart) && strings.HasPrefix(strings.Repeat(secret[:n], len(secret)/n+1), secret) {
			return true
		}
	}
	return false
}

// isSequence reports whether each character of a secret is the successor, or the predecessor, of the one before: a part
// of the alphabet.
func isSequence(secret string) bool {
	up, down := true, true
	for i := 1; i < len(secret); i++ {
		up, down = up && secret[i] == secret[i-1]+1, down && secret[i] == secret[i-1]-1
	}
	return up || down
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

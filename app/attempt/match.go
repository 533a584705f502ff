package attempt

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"studysharper/app/passages"
	"studysharper/app/text"
)

// matches reports whether an answer equals one of the accepted answers, ignoring case, accents, punctuation, spaces, a
// leading article, and the format of numbers. An answer that only contains an accepted one does not match: it may deny
// it.
func matches(answer string, accepted []string) bool {
	said := normalize(answer)
	return len(said) > 0 && slices.ContainsFunc(accepted, func(a string) bool { return slices.Equal(normalize(a), said) })
}

// articles may precede an answer: English, German, French, Spanish.
var articles = map[string]bool{"the": true, "a": true, "an": true,
	"der": true, "die": true, "das": true, "den": true, "dem": true, "des": true, "ein": true, "eine": true, "einen": true, "einem": true, "einer": true,
	"le": true, "la": true, "les": true, "l": true, "un": true, "une": true,
	"el": true, "los": true, "las": true, "una": true, "unos": true, "unas": true}

// grouped matches a number whose thousands are separated.
var grouped = regexp.MustCompile(`(^|[^\d.,])(\d{1,3}(?:[ '’]\d{3})+)($|[^\d])`)

// markup replaces the markup of formulas and emphasis.
var markup = strings.NewReplacer("$", "", "**", "", "`", "", "{", "", "}", "", `\`, "", "×", "*", "·", "*", "−", "-", "–", "-", "÷", "/")

// normalize returns the words, numbers and symbols of an answer in a canonical form.
func normalize(answer string) []string {
	s := markup.Replace(strings.ToLower(norm.NFKC.String(answer)))
	for range 2 { // adjacent matches share the character between them
		s = grouped.ReplaceAllStringFunc(s, func(n string) string {
			m := grouped.FindStringSubmatch(n)
			return m[1] + strings.NewReplacer(" ", "", "'", "", "’", "").Replace(m[2]) + m[3]
		})
	}
	var tokens []string
	before := ' '
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case unicode.IsDigit(r):
			size = numberEnd(s)
			tokens = append(tokens, number(s[:size]))
		case text.Unspaced(r):
			tokens = append(tokens, s[:size])
		case isLetter(r):
			size = wordEnd(s)
			tokens = append(tokens, passages.Fold(strings.Map(inWord, s[:size])))
		case isSign(r, before, s[size:]):
			tokens = append(tokens, s[:size])
		}
		before, _ = utf8.DecodeLastRuneInString(s[:size])
		s = s[size:]
	}
	if len(tokens) > 1 && articles[tokens[0]] {
		tokens = tokens[1:]
	}
	return tokens
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r) }

func isApostrophe(r rune) bool { return r == '\'' || r == '’' }

// inWord removes invisible characters and apostrophes from a word.
func inWord(r rune) rune {
	if isApostrophe(r) || unicode.Is(unicode.Cf, r) {
		return -1
	}
	return r
}

// wordEnd returns the end of the word that s begins with. One or two letters before an apostrophe are an article
// (l'eau); more are followed by a suffix (Newton's).
func wordEnd(s string) int {
	letters := 0
	for i, r := range s {
		switch {
		case isApostrophe(r) && letters <= 2:
			return i
		case isApostrophe(r):
			if next, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):]); !unicode.IsLetter(next) {
				return i
			}
		case text.Unspaced(r), !isLetter(r) && !unicode.Is(unicode.Cf, r):
			return i
		}
		letters++
	}
	return len(s)
}

// isSign reports whether a symbol is significant: a symbol of a formula, the minus or factorial of a number, or the
// charge of an ion.
func isSign(r, before rune, after string) bool {
	next, _ := utf8.DecodeRuneInString(after)
	if r == '-' {
		inner := isLetter(before)
		return inner != isLetter(next) && (inner || unicode.IsDigit(next))
	}
	return unicode.IsSymbol(r) || strings.ContainsRune("^/%*#&@", r) || r == '!' && unicode.IsDigit(before)
}

// numberEnd returns the end of the number that s begins with.
func numberEnd(s string) int {
	end := 0
	for i, r := range s {
		if unicode.IsDigit(r) {
			end = i + utf8.RuneLen(r)
		} else if r != '.' && r != ',' || i != end {
			break
		}
	}
	return end
}

// number formats a number with a decimal point, without group separators and unnecessary zeros. A point or comma is the
// decimal separator unless it precedes a separator of the other kind, occurs twice, or precedes exactly three digits;
// after a single 0, it is always the decimal separator.
func number(s string) string {
	last := strings.LastIndexAny(s, ".,")
	whole, part := s, ""
	if last >= 0 {
		mark := s[last : last+1]
		thousands := len(s)-last-1 == 3 && s[:last] != "0" && !strings.ContainsAny(strings.ReplaceAll(s[:last], mark, ""), ".,")
		if !thousands && strings.Count(s, mark) == 1 {
			whole, part = s[:last], strings.TrimRight(s[last+1:], "0")
		}
	}
	whole = strings.TrimLeft(strings.NewReplacer(".", "", ",", "").Replace(whole), "0")
	if whole == "" {
		whole = "0"
	}
	if part == "" {
		return whole
	}
	return whole + "." + part
}

package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
)

// A study code opens an account on any device. It consists of 29 random characters of the alphabet (145 bits) and a
// check character, in groups: K7QPM-3XV9T-0ZW5B-R2D8E-HJ4NC-7T1GA.
const (
	codeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // Crockford's: without I, L, O and U
	codeRandom   = 29
	codeRandomV1 = 24 // of codes made by earlier versions
	codeGroup    = 5
)

// maxCodeBytes is the maximum length of a text that may be a study code: people separate groups in many ways.
const maxCodeBytes = 100

// newStudyCode returns a new code as it is displayed.
func newStudyCode() string {
	var random [codeRandom]byte
	_, _ = rand.Read(random[:]) // it never fails
	code := make([]byte, 0, codeRandom+1)
	for _, b := range random {
		code = append(code, codeAlphabet[b%32])
	}
	code = append(code, codeAlphabet[codeCheck(code)])
	var shown strings.Builder
	for i, c := range code {
		if i > 0 && i%codeGroup == 0 {
			shown.WriteByte('-')
		}
		shown.WriteByte(c)
	}
	return shown.String()
}

// codeCheck computes the check character's value: the other characters as a polynomial over GF(32), evaluated at a
// generator. Every wrong character changes it, and so does every swap of two characters.
func codeCheck(code []byte) (check byte) {
	const reduce = 0b100101 // x⁵ + x² + 1
	for _, c := range code {
		if check <<= 1; check >= 32 {
			check ^= reduce
		}
		check ^= byte(strings.IndexByte(codeAlphabet, c)) //nolint:gosec // under 32
	}
	if check <<= 1; check >= 32 {
		check ^= reduce
	}
	return check
}

// readStudyCode parses a code as people write it: in upper or lower case, with I and L for 1 and O for 0, groups
// separated by hyphens, spaces or nothing. ok is false if the text is not a code, or has a typing error.
func readStudyCode(text string) (code string, ok bool) {
	if len(text) > maxCodeBytes {
		return "", false
	}
	var read []byte
	for _, c := range []byte(strings.ToUpper(text)) {
		switch c {
		case '-', ' ', '\t', '\n', '\r':
			continue
		case 'I', 'L':
			c = '1'
		case 'O':
			c = '0'
		}
		if strings.IndexByte(codeAlphabet, c) < 0 {
			return "", false
		}
		read = append(read, c)
	}
	last := len(read) - 1
	if last != codeRandom && last != codeRandomV1 || codeAlphabet[codeCheck(read[:last])] != read[last] {
		return "", false
	}
	return string(read), true
}

// hashCode returns the stored form of a code. A code has too many bits to be guessed, so one round is enough.
func hashCode(code string) [sha256.Size]byte {
	return sha256.Sum256([]byte("studysharper study code\n" + code))
}

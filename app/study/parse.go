package study

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// ParseRequest parses the body of an agent request (contract section 3). A body that is not a JSON object in valid
// UTF-8 is CodeMalformed; one that can be parsed but is not valid is CodeInvalid, and the error names every invalid
// field. Values above a maximum are lowered to it, with a warning; unknown fields also cause a warning. Errors contain
// no text of the body. If SessionID is "", the caller must create one.
func ParseRequest(body []byte) (Request, error) { return ParseRequestOf("", body) }

// requestFields are the fields of an agent request.
var requestFields = []string{"type", "user_id", "session_id", "message", "options", "explicit_note_ids"}

// ParseRequestOf is ParseRequest for an authenticated user: a request that names no user belongs to that user, and a
// request that names another one is CodeForbidden.
func ParseRequestOf(user string, body []byte) (Request, error) {
	raw, err := parseObject(body)
	if err != nil {
		return Request{}, err
	}
	f := &form{raw: raw}
	r := Request{
		Type:      Type(f.oneOf("type", true, typeNames())),
		UserID:    f.text("user_id", user == "", MaxIDRunes),
		SessionID: f.id("session_id"),
		Message:   f.text("message", true, 0),
		NoteIDs:   f.ids("explicit_note_ids", MaxNoteIDs),
	}
	r.Options, r.Given = parseOptions(f)
	for _, name := range unknownFields(raw, requestFields) {
		f.warnings = append(f.warnings, name+": not a field of a request, ignored")
	}
	r.Warnings = f.warnings
	f.checkMessage(r)
	if r.UserID, err = UserOf(user, r.UserID); err != nil && len(f.faults) == 0 {
		return r, err
	}
	return r, Invalid(f.faults)
}

// UserOf returns the user of a request. named is the user that the request names, or "". known is the authenticated
// user; naming another one is CodeForbidden. If known is "", the named user is trusted.
func UserOf(known, named string) (string, error) {
	switch {
	case known == "":
		return named, nil
	case named == "" || named == known:
		return known, nil
	default:
		return "", Errorf(CodeForbidden, "user_id is not the token's user")
	}
}

// parseObject refuses what encoding/json accepts: bytes that are not UTF-8, and anything after the object.
// encoding/json itself limits the depth (10,000).
func parseObject(body []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(body) {
		return nil, Errorf(CodeMalformed, "the body is not valid UTF-8")
	}
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, Errorf(CodeMalformed, "the body is not a JSON object")
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, Errorf(CodeMalformed, "the body is not valid JSON")
	}
	return raw, nil
}

func parseOptions(parent *form) (Options, []string) {
	f := parent.object("options")
	o := Options{
		Content:         f.text("content", false, 0),
		Topic:           f.text("topic", false, MaxTopicRunes),
		Difficulty:      f.oneOf("difficulty", false, []string{Easy, Medium, Hard, Adaptive}),
		Count:           f.number("count", MaxItems),
		QuestionCount:   f.number("question_count", MaxItems),
		QuestionTypes:   f.list("question_types", []string{MultipleChoice, TrueFalse, ShortAnswer}),
		DurationMinutes: f.number("duration_minutes", MaxExamMinutes),
		Sections:        f.number("sections", MaxSections),
		Length:          f.oneOf("length", false, []string{Short, Medium, Long}),
		Style:           f.oneOf("style", false, []string{BulletPoints, Paragraph, Outline}),
		FocusAreas:      f.texts("focus_areas", MaxFocusAreas, MaxTopicRunes),
	}
	given := make([]string, 0, len(f.raw))
	for name := range f.raw {
		given = append(given, name)
	}
	slices.Sort(given)
	parent.faults = append(parent.faults, f.faults...)
	parent.warnings = append(parent.warnings, f.warnings...)
	return o, given
}

// checkMessage refuses an empty request: a chat without a message, and any other request without message, content and
// notes.
func (f *form) checkMessage(r Request) {
	silent := strings.TrimSpace(r.Message) == "" && len(f.faults) == 0
	if silent && (r.Type == Chat || (strings.TrimSpace(r.Options.Content) == "" && len(r.NoteIDs) == 0)) {
		f.fault("message", "must not be empty")
	}
}

func typeNames() []string {
	names := make([]string, 0, len(Types()))
	for _, t := range Types() {
		names = append(names, string(t))
	}
	return names
}

// form reads the fields of one JSON object and collects their faults.
type form struct {
	raw      map[string]json.RawMessage
	prefix   string
	faults   []Fault
	warnings []string
}

func (f *form) fault(name, format string, args ...any) {
	f.faults = append(f.faults, Fault{Field: f.prefix + name, Detail: fmt.Sprintf(format, args...)})
}

// value returns the raw field. It returns false if the field is absent or null, which is a fault if the field is
// required.
func (f *form) value(name string, required bool) (json.RawMessage, bool) {
	raw, ok := f.raw[name]
	if ok && string(raw) != "null" {
		return raw, true
	}
	if required {
		f.fault(name, "is required")
	}
	return nil, false
}

func (f *form) object(name string) *form {
	inner := &form{prefix: f.prefix + name + "."}
	if raw, ok := f.value(name, false); ok && json.Unmarshal(raw, &inner.raw) != nil {
		f.fault(name, "must be an object")
	}
	return inner
}

// text reads a string. A required string must be present; it may be blank only if maxRunes is 0, which also means that
// only the size of the body limits it.
func (f *form) text(name string, required bool, maxRunes int) string {
	raw, ok := f.value(name, required)
	if !ok {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		f.fault(name, "must be a string")
		return ""
	}
	switch {
	case strings.ContainsRune(s, 0):
		f.fault(name, "must not contain the NUL character")
	case maxRunes > 0 && required && strings.TrimSpace(s) == "":
		f.fault(name, "must not be empty")
	case maxRunes > 0 && utf8.RuneCountInString(s) > maxRunes:
		f.fault(name, "must have at most %d characters", maxRunes)
	}
	return s
}

func (f *form) oneOf(name string, required bool, accepted []string) string {
	raw, ok := f.value(name, required)
	if !ok {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) != nil || !slices.Contains(accepted, s) {
		f.fault(name, "must be one of %s", strings.Join(accepted, ", "))
		return ""
	}
	return s
}

// number reads a whole number of at least 1; a number above limit is lowered to it, with a warning.
func (f *form) number(name string, limit int) int {
	raw, ok := f.value(name, false)
	if !ok {
		return 0
	}
	var n int64
	if json.Unmarshal(raw, &n) != nil || n < 1 {
		f.fault(name, "must be a whole number from 1 to %d", limit)
		return 0
	}
	if n > int64(limit) {
		f.warnings = append(f.warnings, fmt.Sprintf("%s%s: lowered to %d, the maximum", f.prefix, name, limit))
		return limit
	}
	return int(n)
}

func (f *form) strings(name string, limit int) []string {
	raw, ok := f.value(name, false)
	if !ok {
		return nil
	}
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		f.fault(name, "must be a list of strings")
		return nil
	}
	if len(list) > limit {
		f.fault(name, "must have at most %d entries", limit)
		return nil
	}
	return list
}

func (f *form) texts(name string, limit, maxRunes int) []string {
	list := f.strings(name, limit)
	for _, s := range list {
		if strings.TrimSpace(s) == "" || strings.ContainsRune(s, 0) || utf8.RuneCountInString(s) > maxRunes {
			f.fault(name, "each entry must have 1 to %d characters", maxRunes)
			return nil
		}
	}
	return list
}

func (f *form) list(name string, accepted []string) []string {
	list := f.strings(name, len(accepted))
	for i, s := range list {
		if !slices.Contains(accepted, s) || slices.Contains(list[:i], s) {
			f.fault(name, "must be a list of different %s", strings.Join(accepted, ", "))
			return nil
		}
	}
	return list
}

func (f *form) id(name string) string {
	s := f.text(name, false, 0)
	if s == "" {
		return ""
	}
	id, ok := CanonicalID(s)
	if !ok {
		f.fault(name, "must be a UUID")
	}
	return id
}

func (f *form) ids(name string, limit int) []string {
	list := f.strings(name, limit)
	for i, s := range list {
		id, ok := CanonicalID(s)
		if !ok {
			f.fault(name, "each entry must be a UUID")
			return nil
		}
		list[i] = id
	}
	return list
}

// CanonicalID returns a UUID in its canonical form (RFC 9562: 8-4-4-4-12, lower case); false if s is not a UUID. Other
// spellings (braces, urn:) are refused.
func CanonicalID(s string) (string, bool) {
	if len(s) != 36 {
		return "", false
	}
	for i, c := range []byte(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || (!dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(c))) {
			return "", false
		}
	}
	return strings.ToLower(s), true
}

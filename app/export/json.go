package export

import (
	"encoding/json"
	"io"

	"studysharper/app/study"
)

// writeJSON writes an aid in the same form as the API.
func writeJSON(w io.Writer, c study.Content) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(struct {
		study.Content
		Kind string          `json:"content_type"`
		Data json.RawMessage `json:"data"`
	}{c, study.ContentTypes()[c.Type], c.Data})
}

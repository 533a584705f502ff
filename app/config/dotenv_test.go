package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

// PrintExample writes an environment file that lists all settings: each is commented out, with its default, below its
// meaning.
func PrintExample(w io.Writer) error {
	var file strings.Builder
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		name := field.Tag.Get("env")
		about := strings.ReplaceAll(Meanings[name], "`", "")
		if accepted := strings.ReplaceAll(takes(field), "`", ""); accepted != "" {
			about += " (" + accepted + ")"
		}
		fmt.Fprintf(&file, "# %s\n#%s=%s\n\n", about, name, field.Tag.Get("envDefault"))
	}
	_, err := io.WriteString(w, strings.TrimSuffix(file.String(), "\n"))
	return err
}

package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Names that differ from a setting's in at most farthest letters count as misspelt, except for names as short as PORT
// and HOST, which too many other names resemble.
const (
	farthest  = 2
	shortName = 5
)

// familiar are variables of other programs that resemble a setting's name: of Mesos and Marathon, of shells, of hosting
// platforms.
var familiar = map[string]bool{"PORTS": true, "HOSTS": true, "POST": true, "SORT": true}

// SettingNames returns the variables of all settings, in the order of Config.
func SettingNames() []string {
	fields := reflect.VisibleFields(reflect.TypeFor[Config]())
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = field.Tag.Get("env")
	}
	return names
}

// Misspelt returns warnings about variables that are not settings but have almost the same name. It does not show their
// values, which may be secret.
func Misspelt(variables []string) (warnings []string) {
	settings := SettingNames()
	known := map[string]bool{}
	for _, name := range settings {
		known[name] = true
	}
	for _, variable := range variables {
		if known[variable] || familiar[variable] {
			continue
		}
		if meant := nearest(variable, settings); meant != "" {
			warnings = append(warnings, fmt.Sprintf("%s is not a setting: did you mean %s?", variable, meant))
		}
	}
	return warnings
}

// nearest returns the setting that a variable resembles; "" = none. A variable with a number at its end (PORT0, PORT_1)
// is another program's.
func nearest(variable string, settings []string) (meant string) {
	if numbered := strings.TrimRight(variable, "0123456789"); numbered != variable {
		return ""
	}
	best := farthest + 1
	for _, name := range settings {
		most := farthest
		if len(name) <= shortName {
			most = 1
		}
		if d := editDistance(strings.ToUpper(variable), name); d <= most && d < best {
			best, meant = d, name
		}
	}
	return meant
}

// editDistance returns the number of edits between two names: inserted, deleted and replaced letters, and swapped
// neighbours (optimal string alignment).
func editDistance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			other := 1
			if a[i-1] == b[j-1] {
				other = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+other)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

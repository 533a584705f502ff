package english

import "strings"

// OpensExample reports whether a sentence opens an example, a case or a thought experiment.
func OpensExample(s string) bool {
	low := " " + strings.ToLower(s) + " "
	if strings.HasPrefix(low, " consider ") || strings.HasPrefix(low, " say ") {
		return true
	}
	for _, cue := range examples {
		if strings.Contains(low, cue) {
			return true
		}
	}
	return false
}

var examples = []string{" for example", " for instance", " e.g.", " suppose ", " imagine ", " let’s ", " let's ", " let us ", " as an example", "in this example", " example of how ", " to illustrate"}

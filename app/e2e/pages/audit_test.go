package pages_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"studysharper/app/e2e/servicetest"
)

// audit checks the current page with testdata/audit.js, in every look, and takes a
// screenshot of each.
func (w *window) audit(name string) {
	w.t.Helper()
	script, err := os.ReadFile(filepath.Join("testdata", "audit.js"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range looks {
		w.see(l)
		for _, fault := range eval[[]string](w, string(script)) {
			w.t.Errorf("%s, %s: %s", name, l.name, fault)
		}
		w.shot(name + " " + l.name)
	}
	w.see(desktop)
}

// plantedFaults are faults that the audit must find, each with a word from its message.
var plantedFaults = map[string]string{
	"no name":          "document.querySelector('#go').replaceChildren()",
	"is followed by h": "document.querySelector('#make h1').insertAdjacentElement('afterend', document.createElement('h4')).append('deep')",
	"contrast":         "document.querySelector('#make h2').style.color = '#bbb'",
	"twice":            "document.querySelector('#make h1').id = 'text'",
	"outside":          "document.body.append(Object.assign(document.createElement('div'), {textContent: 'stray'}))",
	"px wide":          "document.querySelector('#make h1').style.width = '3000px'",
	"no lang":          "document.documentElement.removeAttribute('lang')",
}

func TestTheAuditFindsWhatIsPlanted(t *testing.T) {
	s := servicetest.Start(t)
	script, err := os.ReadFile(filepath.Join("testdata", "audit.js"))
	if err != nil {
		t.Fatal(err)
	}
	w := visit(t, s.URL, desktop)
	for word, plant := range plantedFaults {
		w.goTo(s.URL)
		w.open("make")
		eval[bool](w, plant+", true")
		if faults := strings.Join(eval[[]string](w, string(script)), "\n"); !strings.Contains(faults, word) {
			t.Errorf("%q is not in %q", word, faults)
		}
	}
}

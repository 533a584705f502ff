package memory

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The kernel's flag for a mapping that is advised as sequential: its pages are not marked as referenced at exit.
const readOnce = "sr"

func TestAProcessThatLeavesMarksNoPageOfTheProgramAsUsed(t *testing.T) {
	if marked, all := programMappings(t); all == 0 || marked != 0 {
		t.Fatalf("at first %d of %d mappings of the program are read once, want none of several", marked, all)
	}
	if err := AdviseSequential(); err != nil {
		t.Fatal(err)
	}
	if marked, all := programMappings(t); marked != all || all < 2 {
		t.Errorf("%d of %d mappings of the program are read once, want all", marked, all)
	}
}

func TestALineThatIsNoMappingIsAnError(t *testing.T) {
	for _, line := range []string{"", "heap", "1000 r--p", "0-1000 --- nothing is mapped there"} {
		if adviseLine([]byte(line)) == nil {
			t.Errorf("%q was taken", line)
		}
	}
}

// programMappings counts the program's mappings, and those advised as sequential.
func programMappings(t *testing.T) (marked, all int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	mapping := regexp.MustCompile(`^[0-9a-f]+-[0-9a-f]+ `)
	ours := false
	for line := range strings.Lines(string(text)) {
		if mapping.MatchString(line) {
			if ours = strings.HasSuffix(strings.TrimSpace(line), program); ours {
				all++
			}
		}
		flags, ok := strings.CutPrefix(line, "VmFlags:")
		if ok && ours && slices.Contains(strings.Fields(flags), readOnce) {
			marked++
		}
	}
	return marked, all
}

package store

import (
	"strings"
	"testing"

	"studysharper/app/study"
)

func TestAUserHasANameThatCanBeStored(t *testing.T) {
	for _, id := range []string{"ada", strings.Repeat("ä", study.MaxIDRunes)} {
		if err := CheckUser(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"", strings.Repeat("ä", study.MaxIDRunes+1), "a\x00b", "\xff"} {
		if err := CheckUser(id); !study.IsCode(err, study.CodeInvalid) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

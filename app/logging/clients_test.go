package logging

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"studysharper/app/memory/shm"
)

func TestAClientHasOneMarkADayInAllProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		section := shm.Local(ClientKeySize)
		one, other := NewClientMarks(section), NewClientMarks(section)
		mark := one.Mark("192.0.2.1")
		if len(mark) != 2*markLen || other.Mark("192.0.2.1") != mark || one.Mark("192.0.2.2") == mark {
			t.Errorf("marks %q, %q, of another %q", mark, other.Mark("192.0.2.1"), one.Mark("192.0.2.2"))
		}
		key := bytes.Clone(section.Bytes())
		time.Sleep(23*time.Hour + 59*time.Minute) // the clock starts at midnight
		if one.Mark("192.0.2.1") != mark {
			t.Error("the mark changes within the day")
		}
		time.Sleep(time.Minute)
		tomorrow := other.Mark("192.0.2.1")
		if tomorrow == mark || one.Mark("192.0.2.1") != tomorrow || bytes.Contains(section.Bytes(), key[dayLen:]) {
			t.Error("the mark, or its key, is kept beyond the day")
		}
	})
}

func TestAnotherContainerMarksAClientDifferently(t *testing.T) {
	if NewClientMarks(shm.Local(ClientKeySize)).Mark("192.0.2.1") == NewClientMarks(shm.Local(ClientKeySize)).Mark("192.0.2.1") {
		t.Error("the key is not random")
	}
}

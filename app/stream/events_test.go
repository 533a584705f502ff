package stream

import "testing"

func TestWhatIsJoinedIsTextAlone(t *testing.T) {
	for fields, want := range map[string]string{
		`{"text":"a"}`: "a", `{"text":""}`: "", `{"text":"\"}"}`: `\"}`, `{"text":"\\"}`: `\\`,
		`{"text":"a","x":"b"}`: "-", `{"text":"\"}`: "-", `{"text":1}`: "-", `{}`: "-", `{"x":"a"}`: "-", ``: "-",
	} {
		got, ok := TokenText([]byte(fields))
		if ok != (want != "-") || ok && string(got) != want {
			t.Errorf("%s: %q, %v", fields, got, ok)
		}
	}
}

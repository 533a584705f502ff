package trace

import (
	"context"
	"testing"
)

const valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestAValidTraceparentIsReadAndWrittenAsItCame(t *testing.T) {
	c, ok := Parse(valid)
	if !ok || c.String() != valid || c.TraceID() != "4bf92f3577b34da6a3ce929d0e0e4736" {
		t.Errorf("%v %q %q", ok, c, c.TraceID())
	}
	if later, ok := Parse("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"); !ok || later.String() != valid {
		t.Errorf("of a later version: %v %q", ok, later)
	}
}

func TestWhatIsNotATraceparentBelongsToNoTrace(t *testing.T) {
	for _, given := range []string{
		"", "00", valid[:54], valid + "0", valid + "-more",
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		"00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
		"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
	} {
		if c, ok := Parse(given); ok || c.Valid() || c.String() != "" || c.TraceID() != "" {
			t.Errorf("%q is taken as %q", given, c)
		}
	}
}

func TestAContextIsCarriedWhereThereIsOne(t *testing.T) {
	c, _ := Parse(valid)
	if got := From(With(context.Background(), c)); got != c {
		t.Errorf("got %q", got)
	}
	if ctx := With(context.Background(), Context{}); From(ctx).Valid() || ctx != context.Background() {
		t.Error("no trace is carried as one")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(valid)
	f.Add("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x")
	f.Fuzz(func(t *testing.T, header string) {
		c, ok := Parse(header)
		if ok != c.Valid() {
			t.Fatalf("%q: %v, valid %v", header, ok, c.Valid())
		}
		if again, same := Parse(c.String()); ok && (!same || again != c) {
			t.Fatalf("%q is written as %q", header, c)
		}
	})
}

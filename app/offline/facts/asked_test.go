package facts

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"studysharper/app/offline/english"
	"studysharper/app/testkit"
	"studysharper/app/text"
)

// openTexts returns the texts of the retrieval tests, in pieces as long as the material of a chat.
func openTexts(t *testing.T) (pieces []string) {
	t.Helper()
	const folder, length = "app/e2e/retrieval/testdata", 9000
	names, err := filepath.Glob(filepath.Join(testkit.Root(), filepath.FromSlash(folder), "t*"))
	if err != nil || len(names) == 0 {
		t.Fatal("no texts", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for s := string(data); s != ""; {
			piece := text.Clip(s, length)
			pieces, s = append(pieces, piece), s[len(piece):]
		}
	}
	return pieces
}

// Reading less of a text changes no answer: AskedFact finds the first match among all facts of the text, and DefsOf the
// definitions that Defs has for the sentence.
func TestReadingOnlyWhatIsAskedForFindsTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	asked, found := 0, 0
	for _, piece := range openTexts(t) {
		whole := read(t, piece)
		all := whole.Facts(t.Context())
		for _, question := range questionsOn(r, whole, all) {
			want := firstAsked(all, question)
			got, ok := read(t, piece).AskedFact(t.Context(), question)
			if asked++; ok {
				found++
			}
			if ok != (want != Fact{}) || got != want {
				t.Errorf("%q: got %+v, want %+v", question, got, want)
			}
		}
		for i := range whole.Sentences {
			part := read(t, piece).DefsOf(i)
			at := func(d Definition) bool { return d.At != i }
			if got, want := slices.DeleteFunc(slices.Clone(part), at), slices.DeleteFunc(slices.Clone(whole.Defs()), at); !slices.EqualFunc(got, want, areEqual) {
				t.Errorf("%q: got %+v, want %+v", whole.Plain[i], got, want)
			}
		}
	}
	if t.Logf("%d questions, %d of facts", asked, found); found < 20 {
		t.Errorf("only %d of %d questions are of facts", found, asked)
	}
}

func areEqual(a, b Definition) bool {
	return a.At == b.At && a.Source == b.Source && a.Named() == b.Named() && a.Be() == b.Be() && a.Meaning == b.Meaning && a.Form == b.Form && a.Label == b.Label
}

// questionsOn returns the facts' questions, unchanged and reworded, and questions made of words of sentences.
func questionsOn(r *rand.Rand, src *Source, all []Fact) (list []string) {
	for _, f := range all {
		if f.Kind != Cloze {
			list = append(list, f.Question, strings.Replace(f.Question, " the ", " a ", 1), f.Question+" Please explain")
		}
	}
	for _, s := range src.Sentences {
		if words := text.Words(s.Text); len(words) > 3 {
			at := r.IntN(len(words) - 2)
			list = append(list, fmt.Sprintf("%s is %s?", []string{"What", "Who", "Why", "How", "Which term"}[r.IntN(5)], strings.Join(words[at:at+1+r.IntN(3)], " ")))
		}
	}
	return list
}

// firstAsked returns the first of all facts that a question asks for.
func firstAsked(all []Fact, question string) Fact {
	for _, f := range all {
		if f.Kind == Define || f.Kind == Cloze || f.Kind == Listed {
			continue
		}
		first, _, _ := strings.Cut(question, " ")
		if strings.HasPrefix(strings.ToLower(f.Question), strings.ToLower(first)+" ") && text.NewBag(question).Overlap(f.Question) >= alike && text.Overlap(question, f.Question) >= alike {
			return f
		}
	}
	return Fact{}
}

// A glossary that defines more than Defs returns is read as a whole.
func TestDefinitionsOfALongGlossaryAreThoseOfAllOfIt(t *testing.T) {
	var b strings.Builder
	for i := range 3 * maxDefs {
		fmt.Fprintf(&b, "A term%d is a thing of kind %d that people use.\n\n", i, i)
	}
	src := read(t, b.String())
	if got := src.DefsOf(1); len(got) != maxDefs || !slices.EqualFunc(got, src.Defs(), areEqual) {
		t.Errorf("%d definitions, want the %d of the text", len(got), maxDefs)
	}
}

// The definitions do not depend on the order in which sentences are read.
func TestADefinerFindsTheSameInAnyOrder(t *testing.T) {
	sentences := []string{
		"The shell is called a husk, and the kernel is called a pit.", "A pit is a hole in the ground of a mine.", "A husk is a cover.",
		"This is known as the husk.", "A pit is a hole in the ground of a mine.", "The outer layer of a seed is known as the husk.",
	}
	c := english.NewCasing(sentences)
	want := english.DefinitionsIn(sentences, c)
	for seed := range uint64(50) {
		d := english.NewDefiner(sentences, c)
		for _, i := range rand.New(rand.NewPCG(seed, 1)).Perm(len(sentences)) {
			d.Read(i)
		}
		same := func(a, b english.Definition) bool {
			return a.Source == b.Source && a.Term == b.Term && a.Meaning == b.Meaning
		}
		if got := d.Definitions(); len(want) < 2 || !slices.EqualFunc(got, want, same) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
}

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"studysharper/app/study"
	"studysharper/app/testkit"
	"studysharper/app/text"
)

// materials returns the texts on which properties are checked.
func materials(t testing.TB) map[string]string {
	t.Helper()
	own, err := os.ReadFile("testdata/revolution.txt")
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{"history": string(own)}
	if raw, err := os.ReadFile("../../../../shared/data/notes-photosynthesis.txt"); err == nil {
		m["photosynthesis"] = string(raw)
	} else {
		t.Log("without the shared notes: ", err)
	}
	return m
}

func photosynthesis(t testing.TB) string {
	t.Helper()
	m, ok := materials(t)["photosynthesis"]
	if !ok {
		t.Skip("no shared data")
	}
	return m
}

// generate returns the answer's text.
func generate(t testing.TB, b study.Brief) string {
	t.Helper()
	a, err := New().Generate(context.Background(), study.Prompt{Brief: b}, nil)
	if err != nil {
		t.Fatalf("%s: %v", b.Type, err)
	}
	if a.Model != Name || a.Tokens != 0 || !utf8.ValidString(a.Text) {
		t.Fatalf("%s: %+v", b.Type, a)
	}
	return a.Text
}

// made returns the aid after checking it.
func made[A study.Aid](t testing.TB, b study.Brief) A {
	t.Helper()
	aid := study.NewAid(b.Type)
	if err := json.Unmarshal([]byte(generate(t, b)), aid); err != nil {
		t.Fatal(err)
	}
	if faults := aid.Check(b.Options); len(faults) > 0 {
		t.Fatalf("%s: %q", b.Type, faults)
	}
	return aid.(A)
}

func TestTheSameRequestGivesTheSameAnswer(t *testing.T) {
	for name, m := range materials(t) {
		for _, typ := range study.Types() {
			b := study.Brief{Type: typ, Material: m, Message: "What is the light of the Terror?", Options: study.Options{Count: 30, QuestionCount: 30, Length: study.Long}}
			want := generate(t, b)
			for _, procs := range []int{1, 4} {
				before := runtime.GOMAXPROCS(procs)
				got := generate(t, b)
				runtime.GOMAXPROCS(before)
				if got != want {
					t.Errorf("%s of %s differs on %d processors", typ, name, procs)
				}
			}
		}
	}
}

func TestWithoutMaterialTheFaultSaysWhatToGive(t *testing.T) {
	for _, typ := range study.Types() {
		for _, m := range []string{"", " \n\t"} {
			_, err := New().Generate(context.Background(), study.Prompt{Brief: study.Brief{Type: typ, Material: m, Message: "Make it"}}, nil)
			if typ == study.Chat {
				if err != nil {
					t.Errorf("chat without material: %v", err)
				}
				continue
			}
			e, ok := errors.AsType[*study.Error](err)
			if !ok || e.Code != study.CodeInvalid || len(e.Faults) != 1 || e.Faults[0].Field != "options.content" || !strings.Contains(e.Faults[0].Detail, "notes") {
				t.Errorf("%s: %v", typ, err)
			}
		}
	}
}

func TestTextTooThinForAnythingIsRefused(t *testing.T) {
	for _, m := range []string{"Hi", "🎉🎉🎉", "...", "\xff\xfe"} {
		for _, typ := range study.Types()[1:] {
			_, err := New().Generate(context.Background(), study.Prompt{Brief: study.Brief{Type: typ, Material: m}}, nil)
			if e, ok := errors.AsType[*study.Error](err); !ok || e.Code != study.CodeInvalid {
				t.Errorf("%s of %q: %v", typ, m, err)
			}
		}
	}
	_, err := New().Generate(context.Background(), study.Prompt{Brief: study.Brief{Type: "essay", Material: "A cell is a room."}}, nil)
	if e, ok := errors.AsType[*study.Error](err); !ok || e.Code != study.CodeInvalid {
		t.Errorf("an unknown type: %v", err)
	}
}

func TestTinyTextGivesOnlyWhatIsTrue(t *testing.T) {
	const m = "Paris is the capital of France."
	cards := made[*study.FlashcardSet](t, study.Brief{Type: study.Flashcards, Material: m, Options: study.Options{Count: 10}})
	if n := len(cards.Flashcards); n == 0 || n > 3 || cards.Flashcards[0].Question != "What is Paris?" || cards.Flashcards[0].Answer != "The capital of France." {
		t.Errorf("%+v", cards.Flashcards)
	}
	quiz := made[*study.QuizSet](t, study.Brief{Type: study.Quiz, Material: m, Options: study.Options{QuestionCount: 10}})
	for _, q := range quiz.Quiz.Questions {
		if q.Type == study.MultipleChoice || q.CorrectAnswer == false {
			t.Errorf("made up: %+v", q)
		}
	}
	made[*study.ExamSet](t, study.Brief{Type: study.Exam, Material: m})
}

func TestEveryScriptIsReadWithoutHarm(t *testing.T) {
	for _, m := range []string{
		"光合作用是植物把光能转化为化学能的过程。光合作用在叶绿体中进行。叶绿体是一种细胞器。",
		"Фотосинтез — это процесс преобразования энергии света. Хлорофилл поглощает красный свет. Хлорофилл имеет зелёный цвет.",
		"التمثيل الضوئي هو عملية تحويل الطاقة الضوئية إلى طاقة كيميائية. تحدث العملية في البلاستيدات الخضراء.",
		"प्रकाश संश्लेषण वह प्रक्रिया है जिसमें पौधे प्रकाश ऊर्जा को रासायनिक ऊर्जा में बदलते हैं। क्लोरोफिल हरे रंग का होता है। पौधे पानी और हवा लेते हैं।",
		"La fotosíntesis es el proceso por el cual las plantas producen alimento. Las plantas usan la luz del sol.",
		"🌱 Plants are organisms that make food from light 🌞. They need water 💧 and air.",
	} {
		made[*study.FlashcardSet](t, study.Brief{Type: study.Flashcards, Material: m, Options: study.Options{Count: 5}})
		made[*study.QuizSet](t, study.Brief{Type: study.Quiz, Material: m, Options: study.Options{QuestionCount: 5}})
		made[*study.ExamSet](t, study.Brief{Type: study.Exam, Material: m, Options: study.Options{QuestionCount: 5}})
		made[*study.SummarySet](t, study.Brief{Type: study.Summary, Material: m})
		made[*study.AnalysisSet](t, study.Brief{Type: study.Analysis, Material: m})
		made[*study.PlanSet](t, study.Brief{Type: study.Plan, Material: m})
		if generate(t, study.Brief{Type: study.Chat, Material: m, Message: m}) == "" {
			t.Errorf("nothing is said of %s", m)
		}
	}
}

func TestGenerateStopsWhenItsContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, typ := range study.Types() {
		_, err := New().Generate(ctx, study.Prompt{Brief: study.Brief{Type: typ, Material: "A cell is the smallest unit of life.", Message: "What is a cell?"}}, nil)
		if e, ok := errors.AsType[*study.Error](err); !errors.Is(err, context.Canceled) || !ok || e.Code != study.CodeTimeout {
			t.Errorf("%s: %v", typ, err)
		}
	}
}

// TestTimeGrowsWithTheMaterialNotWithItsSquare compares CPU times within one run: sixteen
// times the text needs at most sixteen times the CPU time if the work is
// linear, and 256 times if it is quadratic.
func TestTimeGrowsWithTheMaterialNotWithItsSquare(t *testing.T) {
	history := materials(t)["history"]
	for _, typ := range study.Types() {
		small, large := makingTime(t, typ, history, 1<<13), makingTime(t, typ, history, 1<<17)
		if large > 100*small && large > 100*time.Millisecond {
			t.Errorf("%s: %v for 8 kB, %v for 128 kB", typ, small, large)
		}
	}
}

func makingTime(t *testing.T, typ study.Type, unit string, bytes int) time.Duration {
	t.Helper()
	material := strings.Repeat(unit, 1+bytes/len(unit))
	return testkit.ProcessorTime(2, func() {
		generate(t, study.Brief{Type: typ, Material: material, Message: "What is the Terror?",
			Options: study.Options{Count: 50, QuestionCount: 50, Length: study.Long}})
	})
}

func TestAnswersStaySmallWhateverTheMaterial(t *testing.T) {
	for name, m := range map[string]string{
		"one word":         strings.Repeat("x", 1<<20),
		"one sentence":     strings.Repeat("the word and ", 1<<16),
		"one Han sentence": strings.Repeat("光合作用", 1<<16),
		"one heading":      "# " + strings.Repeat("Heading ", 1<<16) + "\n\nA cell is the smallest unit of life.",
		"labels":           strings.Repeat(": a b c d\nTerm: meaning of it\n", 1<<14),
	} {
		for _, typ := range study.Types() {
			a, err := New().Generate(context.Background(), study.Prompt{Brief: study.Brief{Type: typ, Material: m, Message: m, Options: study.Options{Count: 50, QuestionCount: 50}}}, nil)
			if e, ok := errors.AsType[*study.Error](err); err != nil && (!ok || e.Code != study.CodeInvalid) || len(a.Text) > 200_000 {
				t.Errorf("%s of %s: %d bytes, %v", typ, name, len(a.Text), err)
			}
		}
	}
}

func TestChatIsStreamedInPiecesThatAddUp(t *testing.T) {
	var pieces []string
	b := study.Brief{Type: study.Chat, Material: materials(t)["history"], Message: "Who was Robespierre?"}
	a, err := New().Generate(context.Background(), study.Prompt{Brief: b}, func(s string) { pieces = append(pieces, s) })
	if err != nil || len(pieces) < 5 || strings.Join(pieces, "") != a.Text {
		t.Errorf("%d pieces %q of %q, %v", len(pieces), pieces, a.Text, err)
	}
	b.Type = study.Summary
	if _, err := New().Generate(context.Background(), study.Prompt{Brief: b}, func(string) { t.Error("a summary was streamed") }); err != nil {
		t.Error(err)
	}
}

func TestChatAnswersFromTheMaterialOrSaysItCannot(t *testing.T) {
	all := materials(t)
	for _, c := range []struct{ material, question, want string }{
		{"history", "Who was Robespierre?", "a lawyer from Arras"},
		{"history", "Why did Robespierre fall?", "because the deputies feared"},
		{"history", "What happened on 14 July 1789?", "stormed the Bastille"},
		{"history", "What is the tithe?", "a tax of one tenth"},
		{"history", "Who was Einstein?", "I cannot find"},
		{"history", "hello!", "Hello!"},
		{"history", "Thank you.", "welcome"},
		{"history", "Summarize my notes", "main points"},
		{"history", "", "What would you like to know"},
		{"photosynthesis", "What is the electromagnetic spectrum?", "the range of all possible frequencies of radiation"},
		{"photosynthesis", "Why does chlorophyll appear green?", "Because green is reflected or transmitted"},
		{"photosynthesis", "What does a photosystem consist of?", "a light-harvesting complex and a reaction center"},
		{"photosynthesis", "Where does the electron in photosystem II come from?", "the splitting of water"},
		{"photosynthesis", "What is the capital of France?", "I cannot find"},
		{"photosynthesis", "What is the role of mitochondria in photosynthesis?", "I cannot find"},
		{"none", "What is a cell?", "no material"},
		{"none", "hi", "Hello!"},
	} {
		if c.material == "photosynthesis" && all[c.material] == "" {
			continue
		}
		got := generate(t, study.Brief{Type: study.Chat, Material: all[c.material], Message: c.question})
		if !strings.Contains(got, c.want) {
			t.Errorf("%s\ngot  %s\nwant %s", c.question, got, c.want)
		}
	}
}

func TestChatFollowsUpOnTheQuestionBefore(t *testing.T) {
	got := generate(t, study.Brief{Type: study.Chat, Material: photosynthesis(t), Message: "What wavelengths does it absorb?",
		History: []study.Turn{{Role: study.RoleUser, Text: "Tell me about chlorophyll"}, {Role: study.RoleAssistant, Text: "…"}}})
	if !strings.Contains(got, "Chlorophyll a absorbs wavelengths from either end") {
		t.Error(got)
	}
}

// inSource reports whether every content word of s is in the text, in some inflection.
func inSource(s string, source text.Bag) bool { return source.Overlap(s) == 1 }

func TestTablesAndDefinitionListsOfHTMLAreCards(t *testing.T) {
	for name, in := range map[string]string{
		"header cells": "<table>\n<tr>\n<th>Country</th><th>Capital</th></tr>\n<tr><td>Peru</td>\n<td><a href=\"x\">Lima</a></td></tr>\n<tr><td>Chile</td><td>Santiago</td></tr>\n</table>",
		"no header":    "<table><tbody><tr><td>Peru</td><td>Lima</td></tr>\n<tr><td>Chile</td><td>Santiago</td></tr></tbody></table>",
		"definitions":  "<dl>\n<dt>Peru</dt>\n<dd><p>Lima</p></dd>\n\n<dt>Chile</dt>\n<dd>Santiago</dd>\n</dl>",
	} {
		set := &study.FlashcardSet{}
		if err := json.Unmarshal([]byte(generate(t, study.Brief{Type: study.Flashcards, Material: in})), set); err != nil {
			t.Fatal(err)
		}
		if len(set.Flashcards) != 2 || set.Flashcards[0].Answer != "Lima" || set.Flashcards[1].Answer != "Santiago" {
			t.Errorf("%s: %+v", name, set.Flashcards)
		}
	}
}

func TestVocabularyIsAskedInBothDirectionsWhereThereIsRoom(t *testing.T) {
	set := &study.FlashcardSet{}
	brief := study.Brief{Type: study.Flashcards, Material: "dog - Hund\ncat - Katze\nlivestock - a word for all of the animals on a farm"}
	for _, c := range [][2]int{{0, 3}, {3, 3}, {4, 4}, {10, 5}} {
		brief.Options.Count = c[0]
		if err := json.Unmarshal([]byte(generate(t, brief)), set); err != nil || len(set.Flashcards) != c[1] {
			t.Fatalf("%d cards asked for: got %d, want %d", c[0], len(set.Flashcards), c[1])
		}
	}
	if last := set.Flashcards[4]; last.Question != "Katze" || last.Answer != "cat" {
		t.Errorf("the last card is %+v", last)
	}
}

package lists

import (
	"slices"
	"strings"
	"testing"
)

func TestEveryFormOfListIsReadAsTyped(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want []string // front → back
	}{
		"colons":            {"mitosis: division of a nucleus\nmeiosis: division that halves\nzygote: a cell", []string{"mitosis → division of a nucleus", "meiosis → division that halves", "zygote → a cell"}},
		"equals":            {"- ribosome = makes proteins\n- nucleus = holds DNA", []string{"ribosome → makes proteins", "nucleus → holds DNA"}},
		"dashes":            {"Tithe – a church tax\nCorvée – unpaid labour\nTaille – a land tax", []string{"Tithe → a church tax", "Corvée → unpaid labour", "Taille → a land tax"}},
		"double colons":     {"der Hund :: the dog\ndie Katze :: the cat", []string{"der Hund → the dog", "die Katze → the cat"}},
		"tabs":              {"Peru\tLima\nChile\tSantiago", []string{"Peru → Lima", "Chile → Santiago"}},
		"commas":            {"England,London\nFrance,Paris\nWales,Cardiff", []string{"England → London", "France → Paris", "Wales → Cardiff"}},
		"semicolons":        {"Hund;dog\nKatze;cat\nVogel;bird", []string{"Hund → dog", "Katze → cat", "Vogel → bird"}},
		"quotes and header": {"term,definition\n\"osmosis\",\"movement of water, across a membrane\"\n\"diffusion\",\"movement of particles\"", []string{"osmosis → movement of water, across a membrane", "diffusion → movement of particles"}},
		"table":             {"| Element | Symbol |\n|---|---|\n| Gold | Au |\n| Silver | Ag |", []string{"Gold → Au (Symbol)", "Silver → Ag (Symbol)"}},
		"bare table":        {"Element | Symbol\n--- | ---\nGold | Au\nSilver | Ag", []string{"Gold → Au (Symbol)", "Silver → Ag (Symbol)"}},
		"labels":            {"Q: Who wrote it?\nA: Virgil wrote it.\nQ: When?\nA: Later.", []string{"Who wrote it? → Virgil wrote it.", "When? → Later."}},
		"numbered labels":   {"Q1. Who wrote it?\nA1. Virgil.\n\nQ2. When was it?\nA2. 19 BC.", []string{"Who wrote it? → Virgil.", "When was it? → 19 BC."}},
		"labels in a line":  {"Frage: Was ist eine Zelle? Antwort: Ein Baustein.", []string{"Was ist eine Zelle? → Ein Baustein."}},
		"numbers":           {"1. What is a cell?\nThe unit of life.\n2. What is a gene?\nA part of DNA.", []string{"What is a cell? → The unit of life.", "What is a gene? → A part of DNA."}},
		"cloze":             {"The {{c1::amygdala}} links {{c2::memories::what?}} with fear.", []string{"The [...] links memories with fear. → amygdala", "The amygdala links [what?] with fear. → memories"}},
		"highlights":        {"Water boils at ==100 °C== at sea level.", []string{"Water boils at [...] at sea level. → 100 °C"}},
		"indented":          {"osmosis\n    movement of water\n    across a membrane\ndiffusion\n    movement of particles", []string{"osmosis → movement of water across a membrane", "diffusion → movement of particles"}},
		"colons below":      {"osmosis\n: movement of water\n\ndiffusion\n: movement of particles", []string{"osmosis → movement of water", "diffusion → movement of particles"}},
		"mixed":             {"Force = mass times acceleration\nMomentum = mass times velocity\n- work: force times distance", []string{"Force → mass times acceleration", "Momentum → mass times velocity", "work → force times distance"}},
		"two items":         {"* force - mass times acceleration\n* work - force times distance", []string{"force → mass times acceleration", "work → force times distance"}},
		"two lines":         {"Hund: dog\nKatze: cat", []string{"Hund → dog", "Katze → cat"}},
		"values over lines": {"\"osmosis\",\"movement of water,\nthrough a wall\"\n\"turgor\",\"pressure\"", []string{"osmosis → movement of water, through a wall", "turgor → pressure"}},
		"dotted letters":    {"Q. Capital of Peru?\nA. Lima\nQ. Capital of Chile?\nA. Santiago", []string{"Capital of Peru? → Lima", "Capital of Chile? → Santiago"}},
		"answers as items":  {"Domanda: Quali gas?\nRisposta:\n- elio\n- neon\nDomanda: Chi?\nRisposta: Curie", []string{"Quali gas? → elio; neon", "Chi? → Curie"}},
		"answers inline":    {"1) What is a cell? The unit of life.\n2) What is a gene? A part of DNA.", []string{"What is a cell? → The unit of life.", "What is a gene? → A part of DNA."}},
		"headings":          {"## What is a cell?\n\nThe unit of life.\n\n## What is a gene?\n\nA part of DNA.", []string{"What is a cell? → The unit of life.", "What is a gene? → A part of DNA."}},
		"no question mark":  {"Q: Define a cell A: the unit of life", []string{"Define a cell → the unit of life"}},
		"bars":              {"dog | Hund\ncat | Katze\nhorse | Pferd", []string{"dog → Hund", "cat → Katze", "horse → Pferd"}},
		"wide colons":       {"细胞：生命的基本单位\n组织：细胞的集合\n器官：组织的集合", []string{"细胞 → 生命的基本单位", "组织 → 细胞的集合", "器官 → 组织的集合"}},
		"three columns":     {"| Term | Definition | Chapter |\n|---|---|---|\n| gene | unit of heredity | 1 |\n| allele | version of a gene | 1 |", []string{"gene → unit of heredity", "allele → version of a gene"}},
		"letters between":   {"abrasion: wearing away\nalluvium: laid down\n\nB\n\nbasalt: dark rock\nbreccia: angular rock", []string{"abrasion → wearing away", "alluvium → laid down", "basalt → dark rock", "breccia → angular rock"}},
		"items below":       {"osmosis:\n  - movement of water\n  - across a membrane\nturgor:\n  - pressure", []string{"osmosis → movement of water; across a membrane", "turgor → pressure"}},
		"continued":         {"mitosis: division\n  of a nucleus\nmeiosis: halving\nzygote: a cell", []string{"mitosis → division of a nucleus", "meiosis → halving", "zygote → a cell"}},
	} {
		cards, rest := Extract(c.in)
		var got []string
		for _, card := range cards {
			line := card.Front + " → " + card.Back
			if card.Column != "" {
				line += " (" + card.Column + ")"
			}
			got = append(got, line)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, c.want)
		}
		if len(strings.Fields(rest)) != len(cards) {
			t.Errorf("%s: what is left is %q", name, rest)
		}
	}
}

func TestProseIsNotAList(t *testing.T) {
	for _, in := range []string{
		"The cell is small.\nThe wall is thick, and strong.\nIt divides, once a day.\nIt grows, slowly.",
		"Note: this matters.\n\nA cell is a room. It has walls: two of them.",
		"# Heading\n\nWhat is a cell? It is a room.\n\nCells divide.",
		"E = m c^2\nF = m * a\nx = 3",
		"A cell has two parts.\nWall: it is thick.\nCore: it is soft.",
		"- Welcome to the lecture.\n- Cells divide.\n- They grow.",
	} {
		if cards, _ := Extract(in); len(cards) != 0 {
			t.Errorf("%q: %+v", in, cards)
		}
	}
}

func TestTheRestKeepsItsOrder(t *testing.T) {
	cards, rest := Extract("Before it.\n\nPeru\tLima\nChile\tSantiago\n\nAfter it.")
	var order []string
	for line := range strings.SplitSeq(rest, "\n") {
		if n, ok := Index(line); ok {
			order = append(order, cards[n].Front)
		} else if line != "" {
			order = append(order, line)
		}
	}
	if want := []string{"Before it.", "Peru", "Chile", "After it."}; !slices.Equal(order, want) {
		t.Errorf("got %q", order)
	}
}

func TestALabelIsFoundUpToItsBound(t *testing.T) {
	for _, end := range []string{": ", "： ", " – "} {
		for spaces, want := range map[int]bool{maxLabel - len("question"): true, maxLabel + 1 - len("question"): false} {
			line := "question" + strings.Repeat(" ", spaces) + end + "What is light?"
			if _, ok := isQuestion(line); ok != want {
				t.Errorf("%q: %v, want %v", line, ok, want)
			}
		}
	}
}

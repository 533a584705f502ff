package english

import (
	"slices"
	"testing"
)

func TestDefinitionsOfTheNotes(t *testing.T) {
	found := make(map[string][]Definition)
	for _, d := range definitionsOf(notes(t)) {
		found[d.Term] = append(found[d.Term], d)
	}
	for term, want := range map[string]struct {
		form    Form
		meaning string
	}{
		"visible light":                       {Phrase, "a fraction of solar energy that humans can see"},
		"wavelength":                          {Phrase, "the distance between consecutive points of a wave"},
		"electromagnetic spectrum":            {Phrase, "the range of all possible frequencies of radiation"},
		"bleaching":                           {Clause, "energy levels higher than those in blue light will physically tear the molecules apart"},
		"photosynthetically active radiation": {Phrase, "the wavelength range of 700 nm to 400 nm for plants"},
		"chlorophylls and carotenoids":        {Phrase, "the two major classes of photosynthetic pigments found in plants and algae"},
		"bacteriochlorophyll":                 {Phrase, "a related molecule found in prokaryotes"},
		"absorption spectrum":                 {Phrase, "the specific pattern of wavelengths each type of pigment absorbs from visible light"},
		"spectrophotometer":                   {Phrase, "an instrument that can differentiate which wavelengths of light a substance can absorb"},
		"photosystem":                         {Parts, "a light-harvesting complex and a reaction center"},
	} {
		is := func(d Definition) bool { return d.Form == want.form && d.Meaning == want.meaning }
		if !slices.ContainsFunc(found[term], is) {
			t.Errorf("%s: got %+v", term, found[term])
		}
		delete(found, term)
	}
	if len(found) > 0 {
		t.Errorf("also found, and not looked at by a person: %+v", found)
	}
}

func TestDefinitionsByTheirPatterns(t *testing.T) {
	for _, c := range []struct{ in, named, be, meaning string }{
		{"Photosynthesis is the process by which plants make food.", "photosynthesis", "is", "the process by which plants make food"},
		{"Cells divide in a process called mitosis. All cells do.", "mitosis", "is", "a process in which cells divide"},
		{"The process by which water crosses a membrane is called osmosis.", "osmosis", "is", "the process by which water crosses a membrane"},
		{"Enzymes are proteins that speed up reactions.", "Enzymes", "are", "proteins that speed up reactions"},
		{"The Treaty of Versailles was a peace treaty that ended the war.", "the Treaty of Versailles", "was", "a peace treaty that ended the war"},
		{"Robespierre, a lawyer from Arras, led the Jacobins.", "Robespierre", "was", "a lawyer from Arras"},
		{"Plants contain a green pigment, called chlorophyll.", "chlorophyll", "is", "a green pigment"},
		{"Inflation is defined as a general rise in prices.", "inflation", "is", "a general rise in prices"},
		{"An atom is made up of protons, neutrons and electrons.", "an atom", "is", "protons, neutrons and electrons"},
		{"- Tithe: a tax paid to the church", "Tithe", "is", "a tax paid to the church"},
		{"* Bourgeoisie – the French middle class", "Bourgeoisie", "is", "the French middle class"},
		{"- ribosome = the part that makes proteins", "ribosome", "is", "the part that makes proteins"},
		{"Water moves across the membrane. This is known as osmotic flow.", "osmotic flow", "is", "Water moves across the membrane"},
	} {
		got := definitionsOf(c.in)
		if len(got) != 1 || got[0].Named() != c.named || got[0].Be() != c.be || got[0].Meaning != c.meaning {
			t.Errorf("%s: got %+v, want %q %s %q", c.in, got, c.named, c.be, c.meaning)
		}
	}
}

func TestDefinitionsLeaveAloneWhatDefinesNothing(t *testing.T) {
	for _, in := range []string{
		"The result was a disaster.",
		"It is a big thing.",
		"This is a book about cells.",
		"Carotenoids are a much larger group of pigments.",
		"Light energy is converted into chemical energy.",
		"There are five major chlorophylls: a, b and c.",
		"Note: this is not on the test.",
		"Source: OpenStax, a publisher of books.",
		"14 July 1789: the storming of the Bastille",
		"What is a cell?",
		"force = mass * acceleration",
		"E = m c^2",
		"x = y = z and so on",
		"speed = 300 metres a second",
		"In photosystem I, the electron comes from the chloroplast.",
		"The king, the nobles, and the clergy met.",
		"",
	} {
		if got := definitionsOf(in); len(got) != 0 {
			t.Errorf("%s: %+v", in, got)
		}
	}
}

func TestIsPersonTellsWhoFromWhat(t *testing.T) {
	for in, want := range map[string]bool{
		"Napoleon Bonaparte was a Corsican general who became emperor.": true,
		"The Directory was a government of five kings.":                 false,
		"A general is a soldier of high rank.":                          false,
	} {
		got := definitionsOf(in)
		if len(got) != 1 || IsPerson(got[0]) != want {
			t.Errorf("%s: %+v", in, got)
		}
	}
}

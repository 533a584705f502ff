package study

// Extraction is the content of an imported file; see app/extract.
type Extraction struct {
	Format   string   `json:"format"`   // e.g. "pdf"
	Title    string   `json:"title"`    // as given in the file; "" = none
	Pages    int      `json:"pages"`    // 0 = the format has no pages, or the file does not give their number
	Words    int      `json:"words"`    // of the text
	Warnings []string `json:"warnings"` // what was left out, in sentences
	Markdown string   `json:"-"`        // at most 1 MiB
}

// Importable tells people which files can be imported.
const Importable = "PDF, DOCX, PPTX, ODT, EPUB, HTML, Markdown, plain text, CSV, TSV and Anki decks (.apkg, .txt)"

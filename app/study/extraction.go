package study

// Extraction is what an imported file holds; see app/extract.
type Extraction struct {
	Format   string   `json:"format"`   // e.g. "pdf"
	Title    string   `json:"title"`    // as the file states it; "" = it states none
	Pages    int      `json:"pages"`    // 0 = the format has none, or the file does not tell
	Words    int      `json:"words"`    // of the text
	Warnings []string `json:"warnings"` // what was left out, as sentences
	Markdown string   `json:"-"`        // at most 1 MiB
}

// Importable says to people which files can be imported.
const Importable = "PDF, DOCX, PPTX, ODT, EPUB, HTML, Markdown, plain text, CSV, TSV and Anki decks (.apkg, .txt)"

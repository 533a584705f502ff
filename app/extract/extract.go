// Package extract turns a study file into Markdown: headings, lists, tables, formulas, page numbers, slide notes. Its main
// idea: a file is data from a stranger. Each reader states what it reads at most, none of them writes or opens anything, and
// the whole package runs in a child process with limits of its own (app/extract/sandbox), never in a worker.
//
// A line `<!-- page N -->` stands before the text of each page or slide, where the format has pages. A slide's notes follow
// it as a block quote "> Notes: …".
package extract

import (
	"fmt"
	"strings"

	"studysharper/app/extract/pdf"
	"studysharper/app/study"

	"studysharper/app/text"
)

// Bounds that no setting changes.
const (
	maxText       = 1 << 20 // bytes of Markdown: what a note holds (store.MaxNoteBytes)
	maxTitleRunes = 200
	maxTitleLines = 40 // in which a heading is looked for
	maxWarnings   = 20
)

// Options are the settings of one extraction.
type Options struct {
	Extension string      // of the file's name, without the dot; "" = unknown. It decides only between formats of text
	MaxPages  int         // of a PDF, slides of a presentation; above it study.CodeInvalid. 0 = no bound
	PDF       *pdf.Engine // nil = PDF is refused
}

// Document is what a file holds.
type Document = study.Extraction

// Read turns a file into a Document. Errors are *study.Error: CodeUnsupported for a format that is not taken, CodeInvalid for a
// file that is damaged, encrypted, too long or without text. They quote nothing of the file.
func Read(data []byte, o Options) (Document, error) {
	format, err := detect(data, o.Extension)
	if err != nil {
		return Document{}, err
	}
	w := &writer{limit: maxText}
	d, err := readers[format](data, o, w)
	if err != nil {
		return Document{}, err
	}
	d.Format, d.Markdown = string(format), w.String()
	if !hasText(d.Markdown) {
		return Document{}, noText(format)
	}
	d.Words = countWords(d.Markdown)
	d.Title = title(d)
	d.Warnings = warnings(w, d)
	return d, nil
}

// reader writes a file's text to w. Of the Document it fills in Title, Pages and Warnings.
type reader func(data []byte, o Options, w *writer) (Document, error)

var readers = map[Format]reader{
	PDF: readPDF, DOCX: readDOCX, PPTX: readPPTX, ODT: readODT, EPUB: readEPUB, HTML: readHTML,
	Markdown: readMarkdown, Text: readText, CSV: readCSV, TSV: readCSV, Anki: readAPKG, AnkiText: readAnkiText,
}

func readPDF(data []byte, o Options, w *writer) (Document, error) {
	if o.PDF == nil {
		return Document{}, study.Errorf(study.CodeUnavailable, "PDF files cannot be read by this server: save the file as DOCX or text")
	}
	info, err := o.PDF.Read(data, o.MaxPages, w)
	return Document{Title: info.Title, Pages: info.Pages}, err
}

func noText(f Format) error {
	if f == PDF {
		return study.Errorf(study.CodeInvalid, "this PDF has no text layer, so it is probably a scan: run text recognition (OCR) on it and upload it again")
	}
	return study.Errorf(study.CodeInvalid, "no text was found in the file")
}

// damaged is the error for a file that its own format does not allow. cause is for the log and holds no text of the file.
func damaged(f Format, cause error) error {
	return &study.Error{Code: study.CodeInvalid, Message: "the file is damaged, or is not " + f.article(), Cause: cause}
}

// asDamaged keeps an error of this package and makes a *study.Error of any other.
func asDamaged(f Format, err error) error {
	if _, ok := err.(*study.Error); ok || err == nil { //nolint:errorlint // nothing wraps it here
		return err
	}
	return damaged(f, err)
}

func tooManyPages(most int) error {
	return study.Errorf(study.CodeInvalid, "the file has more than %d pages: split it", most)
}

func warnings(w *writer, d Document) []string {
	all := append([]string{}, d.Warnings...)
	if w.full && d.Pages > 0 && w.page > 0 {
		all = append(all, fmt.Sprintf("The text is longer than a note may be (1 MiB): it was cut on page %d of %d.", w.page, d.Pages))
	} else if w.full {
		all = append(all, "The text is longer than a note may be (1 MiB): the rest was left out.")
	}
	return all[:min(len(all), maxWarnings)]
}

// title is what the file's properties state, if people wrote it, else the first heading.
func title(d Document) string {
	stated := oneLine(d.Title)
	if stated == "" || madeUp().MatchString(stated) {
		stated = firstHeading(d.Markdown)
	}
	runes := []rune(stated)
	return string(runes[:min(len(runes), maxTitleRunes)])
}

// madeUp are titles that programs put into the properties.
var madeUp = text.Pattern(`(?i)^(microsoft (word|powerpoint) -.*|powerpoint[- ]?pr.sentation|presentation|pr.sentation|untitled.*|unbenannt.*|document ?\d*|dokument ?\d*|slide 1|no title|.*\.(docx?|pptx?|odt|dvi|tex|indd|pdf|html?))$`)

// firstHeading is the first heading of level 1 or 2 within the first lines.
func firstHeading(markdown string) string {
	lines := 0
	for line := range strings.Lines(markdown) {
		if lines++; lines > maxTitleLines {
			break
		}
		for _, mark := range []string{"# ", "## "} {
			if heading, is := strings.CutPrefix(line, mark); is {
				return oneLine(strings.Trim(heading, "*_ \n"))
			}
		}
	}
	return ""
}

// oneLine joins the words of a text with single spaces.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

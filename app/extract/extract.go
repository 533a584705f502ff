// Package extract converts a study file to Markdown: headings, lists, tables, formulas, page numbers, slide notes. The
// main idea: a file is data from a stranger. Each reader limits how much it reads, none of them writes or opens
// anything, and the whole package runs in a child process with limits of its own (app/extract/sandbox), never in a
// worker.
//
// If the format has pages, a line `<!-- page N -->` precedes the text of each page or slide. A slide's notes follow it
// as a block quote "> Notes: …".
package extract

import (
	"fmt"
	"strings"

	"studysharper/app/extract/pdf"
	"studysharper/app/study"

	"studysharper/app/text"
)

// Limits that cannot be configured.
const (
	maxText       = 1 << 20 // bytes of Markdown: the maximum size of a note (store.MaxNoteBytes)
	maxTitleRunes = 200
	maxTitleLines = 40 // lines that are searched for a heading
	maxWarnings   = 20
)

// Options are the options of one extraction.
type Options struct {
	Extension string      // of the file's name, without the dot; "" = unknown. It only distinguishes text formats
	MaxPages  int         // of a PDF, or slides of a presentation; CodeInvalid above it. 0 = no limit
	PDF       *pdf.Engine // nil = PDF is refused
}

// Document is the content of a file.
type Document = study.Extraction

// Read converts a file to a Document. Errors are *study.Error: CodeUnsupported for an unsupported format, CodeInvalid
// for a file that is damaged, encrypted, too long or without text. They quote no text of the file.
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

// reader writes a file's text to w. It sets only Title, Pages and Warnings of the Document.
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

// damaged returns the error for a file that violates its own format. cause is for the log and contains no text of the
// file.
func damaged(f Format, cause error) error {
	return &study.Error{Code: study.CodeInvalid, Message: "the file is damaged, or is not " + f.article(), Cause: cause}
}

// asDamaged returns a *study.Error unchanged and converts any other error with damaged.
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

// title returns the title in the file's properties if a person wrote it, or else the first heading.
func title(d Document) string {
	stated := oneLine(d.Title)
	if stated == "" || madeUp().MatchString(stated) {
		stated = firstHeading(d.Markdown)
	}
	runes := []rune(stated)
	return string(runes[:min(len(runes), maxTitleRunes)])
}

// madeUp matches titles that programs generate.
var madeUp = text.Pattern(`(?i)^(microsoft (word|powerpoint) -.*|powerpoint[- ]?pr.sentation|presentation|pr.sentation|untitled.*|unbenannt.*|document ?\d*|dokument ?\d*|slide 1|no title|.*\.(docx?|pptx?|odt|dvi|tex|indd|pdf|html?))$`)

// firstHeading returns the first heading of level 1 or 2 within the first lines.
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

// Package pdf converts a PDF to Markdown. A PDF contains no words, lines or paragraphs, only the positions of pieces of
// text. The main idea: everything is derived from the pieces' rectangles, because font sizes and the order in the file
// are unreliable.
package pdf

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	pdferrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/responses"

	"studysharper/app/study"

	"studysharper/app/text"
)

// enoughText is how much text is read, a little more than a note can contain. Later pages are left out.
const enoughText = 1<<20 + 64<<10

// Writer receives the text as Markdown.
type Writer interface {
	Page(n int)
	Heading(level int, text string)
	Block(text string)
	Item(depth, number int, text string)
	Table(rows [][]string)
	Full() bool
}

// Info contains the properties of a PDF.
type Info struct {
	Title string
	Pages int
}

// Read writes the text of a PDF of at most maxPages pages to w. Errors are *study.Error, CodeInvalid.
func (e *Engine) Read(data []byte, maxPages int, w Writer) (Info, error) {
	opened, err := e.instance.OpenDocument(&requests.OpenDocument{FileReader: bytes.NewReader(data), FileReaderSize: int64(len(data))})
	if err != nil {
		return Info{}, openError(err)
	}
	document := opened.Document
	defer func() { _, _ = e.instance.FPDF_CloseDocument(&requests.FPDF_CloseDocument{Document: document}) }()
	count, err := e.instance.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: document})
	switch {
	case err != nil || count.PageCount == 0:
		return Info{}, damaged(err)
	case maxPages > 0 && count.PageCount > maxPages:
		return Info{}, study.Errorf(study.CodeInvalid, "the file has %d pages, but the limit is %d: split it", count.PageCount, maxPages)
	}
	pages, err := e.readPages(document, count.PageCount)
	if err != nil {
		return Info{}, err
	}
	writePages(pages, w)
	return Info{Title: e.title(document), Pages: count.PageCount}, nil
}

// readPages reads pages until there is enough text. An unreadable page counts as empty; if no page is readable, the
// file is damaged.
func (e *Engine) readPages(document references.FPDF_DOCUMENT, count int) ([]page, error) {
	pages := make([]page, 0, min(count, 1024))
	size, failed := 0, error(nil)
	for i := 0; i < count && size < enoughText; i++ {
		at := requests.Page{ByIndex: &requests.PageByIndex{Document: document, Index: i}}
		text, err := e.instance.GetPageTextStructured(&requests.GetPageTextStructured{
			Page: at, Mode: requests.GetPageTextStructuredModeRects, CollectFontInformation: true})
		if err != nil {
			failed = err
			pages = append(pages, page{})
			continue
		}
		chars, err := e.instance.GetPageTextStructured(&requests.GetPageTextStructured{Page: at, Mode: requests.GetPageTextStructuredModeChars})
		if err == nil { // otherwise the text of the rectangles is used
			assignCharacters(text.Rects, chars.Chars)
		}
		e.repairPairs(at, text.Rects)
		pieces := make([]piece, 0, len(text.Rects))
		for _, r := range text.Rects {
			p := piece{text: cleanText(r.Text), left: r.PointPosition.Left, right: r.PointPosition.Right, top: r.PointPosition.Top, bottom: r.PointPosition.Bottom}
			if p = p.sized(r.FontInformation.RenderedSize); p.usable() {
				size += len(p.text)
				pieces = append(pieces, p)
			}
		}
		pages = append(pages, layOut(pieces))
	}
	if failed != nil && size == 0 {
		return nil, damaged(failed)
	}
	return pages, nil
}

// brokenPair is go-pdfium's output for a character beyond 16 bits: it converts the halves separately. Word uses such
// characters for the letters of its formulas.
const brokenPair = "\ufffd\ufffd"

// repairPairs reads the text of rectangles with broken characters again by another function.
func (e *Engine) repairPairs(at requests.Page, rects []*responses.GetPageTextStructuredRect) {
	isBroken := func(r *responses.GetPageTextStructuredRect) bool { return strings.Contains(r.Text, brokenPair) }
	if !slices.ContainsFunc(rects, isBroken) {
		return
	}
	loaded, err := e.instance.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: at})
	if err != nil {
		return // the rest of the text is used
	}
	defer func() { _, _ = e.instance.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: loaded.TextPage}) }()
	for _, r := range rects {
		if !isBroken(r) {
			continue
		}
		p := r.PointPosition
		whole, err := e.instance.FPDFText_GetBoundedText(&requests.FPDFText_GetBoundedText{TextPage: loaded.TextPage, Left: p.Left, Top: p.Top, Right: p.Right, Bottom: p.Bottom})
		if err == nil && whole.Text != "" {
			r.Text = whole.Text
		}
	}
}

func (e *Engine) title(document references.FPDF_DOCUMENT) string {
	data, err := e.instance.GetMetaData(&requests.GetMetaData{Document: document, Tags: &[]string{"Title"}})
	if err != nil || len(data.Tags) == 0 {
		return ""
	}
	return data.Tags[0].Value
}

func openError(err error) error {
	switch {
	case errors.Is(err, pdferrors.ErrPassword):
		return study.Errorf(study.CodeInvalid, "the file is protected with a password: remove the protection and upload it again")
	case errors.Is(err, pdferrors.ErrSecurity):
		return study.Errorf(study.CodeInvalid, "the file is encrypted in a way that cannot be read: remove the protection and upload it again")
	default:
		return damaged(err)
	}
}

func damaged(err error) error {
	return &study.Error{Code: study.CodeInvalid, Message: "the file is damaged, or is not a PDF file", Cause: err}
}

// hyphen is PDFium's mark for a hyphen at the end of a line: the word continues on the next one.
const hyphen = '\u0002'

// ligatures replaces characters that represent several letters, and special spaces and hyphens.
var ligatures = strings.NewReplacer("ﬀ", "ff", "ﬁ", "fi", "ﬂ", "fl", "ﬃ", "ffi", "ﬄ", "ffl", "ﬅ", "st", "ﬆ", "st", "\u00ad", "", "\u00a0", " ", "\ufffe", string(hyphen))

// cleanText removes control characters except hyphen.
func cleanText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == hyphen:
			return r
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == '\ufffd' || r == '\ufffe' || r == '\uffff':
			return -1
		}
		return r
	}, leaders().ReplaceAllString(ligatures.Replace(s), " … "))
}

// leaders matches the dots between an entry of a table of contents and its page number.
var leaders = text.Pattern(`(?: ?\.){5,} ?`)

package extract

import (
	"bytes"
	"strings"

	"studysharper/app/study"
)

// Format is a kind of file.
type Format string

// The formats that are read.
const (
	PDF      Format = "pdf"
	DOCX     Format = "docx"
	PPTX     Format = "pptx"
	ODT      Format = "odt"
	EPUB     Format = "epub"
	HTML     Format = "html"
	Markdown Format = "markdown"
	Text     Format = "text"
	CSV      Format = "csv"
	TSV      Format = "tsv"
	Anki     Format = "apkg"
	AnkiText Format = "anki-text"
)

func (f Format) article() string {
	switch f {
	case HTML, Anki, ODT, EPUB:
		return "an " + strings.ToUpper(string(f)) + " file"
	case PDF, DOCX, PPTX, CSV, TSV:
		return "a " + strings.ToUpper(string(f)) + " file"
	default:
		return "a text file"
	}
}

// byExtension maps file extensions to formats.
var byExtension = map[string]Format{
	"pdf": PDF, "docx": DOCX, "docm": DOCX, "dotx": DOCX, "pptx": PPTX, "pptm": PPTX, "ppsx": PPTX, "odt": ODT, "ott": ODT, "epub": EPUB, "apkg": Anki, "colpkg": Anki,
	"html": HTML, "htm": HTML, "xhtml": HTML, "md": Markdown, "markdown": Markdown, "txt": Text, "text": Text, "csv": CSV, "tsv": TSV, "tab": TSV,
}

// foreign are the first bytes of unsupported files, with advice.
var foreign = []struct{ magic, advice string }{
	{"{\\rtf", "this is an RTF file: save it as DOCX or PDF"},
	{"\x89PNG", "this is an image, which contains no text"},
	{"\xff\xd8\xff", "this is an image, which contains no text"},
	{"GIF8", "this is an image, which contains no text"},
	{"II*\x00", "this is an image, which contains no text"},
	{"MM\x00*", "this is an image, which contains no text"},
	{"%!PS", "this is a PostScript file: save it as PDF"},
	{"AT&TFORM", "this is a DjVu file: save it as PDF"},
	{"\x1f\x8b", "this is a compressed file: unpack it first"},
	{"7z\xbc\xaf", "this is a compressed file: unpack it first"},
	{"Rar!", "this is a compressed file: unpack it first"},
	{"\xfd7zXZ", "this is a compressed file: unpack it first"},
	{"BZh", "this is a compressed file: unpack it first"},
}

// oldOffice is the beginning of Office files from before 2007, and of encrypted newer ones.
const oldOffice = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

// pdfHeaderWithin is the maximum offset of a PDF's header.
const pdfHeaderWithin = 1024

// IsPDF reports whether a file begins like a PDF.
func IsPDF(data []byte) bool {
	return bytes.Contains(data[:min(len(data), pdfHeaderWithin)], []byte("%PDF-"))
}

// detect determines a file's format: by its content if possible, otherwise by its name.
func detect(data []byte, extension string) (Format, error) {
	extension = strings.ToLower(extension)
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return "", study.Errorf(study.CodeInvalid, "the file is empty")
	case IsPDF(data):
		return PDF, nil
	case bytes.HasPrefix(data, []byte("PK\x03\x04")), bytes.HasPrefix(data, []byte("PK\x05\x06")):
		return detectArchive(data, byExtension[extension])
	case bytes.HasPrefix(data, []byte(oldOffice)):
		return "", oldOfficeError(data)
	}
	for _, f := range foreign {
		if bytes.HasPrefix(data, []byte(f.magic)) {
			return "", unsupported(f.advice)
		}
	}
	return detectText(data, byExtension[extension])
}

func unsupported(advice string) error {
	return study.Errorf(study.CodeUnsupported, "%s; supported formats: %s", advice, study.Importable)
}

func oldOfficeError(data []byte) error {
	if bytes.Contains(data, utf16LE("EncryptedPackage")) {
		return encrypted()
	}
	return unsupported("this is a file of an old Office version: save it as DOCX, PPTX or PDF")
}

func encrypted() error {
	return study.Errorf(study.CodeInvalid, "the file is protected with a password: remove the protection and upload it again")
}

func utf16LE(s string) []byte {
	out := make([]byte, 0, 2*len(s))
	for _, c := range []byte(s) {
		out = append(out, c, 0)
	}
	return out
}

// detectText distinguishes the text formats. named is the format according to the file's name; "" = unknown.
func detectText(data []byte, named Format) (Format, error) {
	text, ok := decodeText(data)
	head := strings.ToLower(strings.TrimSpace(text[:min(len(text), 1024)]))
	switch {
	case named != "" && !named.isText():
		return "", damaged(named, nil)
	case !ok:
		return "", unsupported("this is not a file with text")
	case isAnkiText(text):
		return AnkiText, nil
	case named == HTML, strings.HasPrefix(head, "<!doctype html"), strings.HasPrefix(head, "<html"), strings.HasPrefix(head, "<?xml") && strings.Contains(head, "<html"):
		return HTML, nil
	case named != "":
		return named, nil
	default:
		return Text, nil
	}
}

func (f Format) isText() bool {
	return f == HTML || f == Markdown || f == Text || f == CSV || f == TSV || f == AnkiText
}

package extract

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"path"
	"strings"

	"studysharper/app/study"
)

// Limits of an archive. They apply only to the parts that are read: pictures and other parts may have any size.
const (
	maxEntries = 5000
	maxPart    = 16 << 20 // bytes of one part, decompressed
	maxParts   = 64 << 20 // bytes of all parts read, decompressed
)

// errBomb is the cause for parts that are too large to be genuine.
var errBomb = errors.New("a part of the archive is too large")

// archive reads the parts of a zip file by name.
type archive struct {
	format Format
	parts  map[string]*zip.File
	read   int64
}

// openArchive reads the directory of a zip file.
func openArchive(data []byte, format Format) (*archive, error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, damaged(format, err)
	}
	if len(r.File) > maxEntries {
		return nil, study.Errorf(study.CodeInvalid, "the file has more than %d parts", maxEntries)
	}
	a := &archive{format: format, parts: make(map[string]*zip.File, len(r.File))}
	for _, f := range r.File {
		if f.Flags&1 != 0 {
			return nil, encrypted()
		}
		name := strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(f.Name, "\\", "/")), "/")
		if _, double := a.parts[name]; !double {
			a.parts[name] = f
		}
	}
	return a, nil
}

func (a *archive) has(name string) bool { return a.parts[name] != nil }

// part decompresses a part; it returns nil if the part does not exist.
func (a *archive) part(name string) ([]byte, error) {
	f := a.parts[name]
	if f == nil {
		return nil, nil
	}
	if f.UncompressedSize64 > maxPart {
		return nil, a.tooLarge()
	}
	r, err := f.Open()
	if err != nil {
		return nil, damaged(a.format, err)
	}
	defer func() { _ = r.Close() }()
	limit := min(maxPart, maxParts-a.read)
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, damaged(a.format, err)
	}
	if int64(len(data)) > limit {
		return nil, a.tooLarge()
	}
	a.read += int64(len(data))
	return data, nil
}

// required returns a part that the format must have.
func (a *archive) required(name string) ([]byte, error) {
	data, err := a.part(name)
	if err == nil && data == nil {
		err = damaged(a.format, errors.New("a part is missing"))
	}
	return data, err
}

func (a *archive) tooLarge() error {
	return &study.Error{Code: study.CodeInvalid, Message: "a part of the file is larger than 16 MB unpacked, or all parts together are larger than 64 MB: split the document", Cause: errBomb}
}

// detectArchive distinguishes the formats that are zip files.
func detectArchive(data []byte, named Format) (Format, error) {
	if named.isText() {
		named = ""
	}
	a, err := openArchive(data, cmpFormat(named, DOCX))
	if err != nil {
		return "", err
	}
	kind := ""
	if a.has("mimetype") {
		mime, err := a.part("mimetype")
		if err != nil {
			return "", err
		}
		kind = strings.TrimSpace(string(mime))
	}
	switch {
	case kind == "application/epub+zip", a.has("META-INF/container.xml") && named == EPUB:
		return EPUB, nil
	case strings.HasPrefix(kind, "application/vnd.oasis.opendocument.text"):
		return ODT, nil
	case strings.HasPrefix(kind, "application/vnd.oasis.opendocument.presentation"):
		return "", unsupported("this is an OpenDocument presentation: save it as PPTX or PDF")
	case strings.HasPrefix(kind, "application/vnd.oasis.opendocument.spreadsheet"), a.has("xl/workbook.xml"):
		return "", unsupported("this is a spreadsheet: save it as CSV")
	case a.has("word/document.xml"):
		return DOCX, nil
	case a.has("ppt/presentation.xml"):
		return PPTX, nil
	case a.has("collection.anki2"), a.has("collection.anki21"), a.has("collection.anki21b"):
		return Anki, nil
	case named != "":
		return named, nil // its reader reports what is missing
	default:
		return "", unsupported("this is an archive of another kind")
	}
}

func cmpFormat(named, otherwise Format) Format {
	if named != "" {
		return named
	}
	return otherwise
}

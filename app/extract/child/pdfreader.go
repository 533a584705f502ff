package child

import (
	"os"
	"path/filepath"

	"studysharper/app/study"
)

// PDFReader is the location of the compiled PDF reader.
type PDFReader struct {
	Folder  string // "" = none
	Compile bool   // the process may compile it, once, which needs 400 MB and a few seconds
}

// cacheName is the folder next to the program that the image's build fills: `studysharper extract --fill FOLDER`.
const cacheName = "pdf-reader"

// FindPDFReader finds the compiled PDF reader next to the program or, outside the image, in the user's cache folder,
// where it is stored when the first PDF is read.
func FindPDFReader() PDFReader {
	if program, err := os.Executable(); err == nil {
		folder := filepath.Join(filepath.Dir(program), cacheName)
		if info, err := os.Stat(folder); err == nil && info.IsDir() {
			return PDFReader{Folder: folder}
		}
	}
	folder, err := os.UserCacheDir()
	if err != nil {
		return PDFReader{}
	}
	return PDFReader{Folder: filepath.Join(folder, "studysharper", cacheName), Compile: true}
}

// NoPDF is the error if PDF files cannot be read, because the image was built for another kind of processor.
func NoPDF() *study.Error {
	return study.Errorf(study.CodeUnavailable, "PDF import is not available on this server's processor: save the file as DOCX or text")
}

package child

import (
	"os"
	"path/filepath"

	"studysharper/app/study"
)

// PDFReader is where the compiled PDF reader is.
type PDFReader struct {
	Folder  string // "" = there is none
	Compile bool   // the process may compile it, which takes 400 MB and some seconds, once
}

// cacheName is the folder beside the program that the build of the image fills: `studysharper extract --fill FOLDER`.
const cacheName = "pdf-reader"

// FindPDFReader finds the compiled PDF reader beside the program or, outside of the image, in the user's cache folder, where
// the first PDF puts it.
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

// NoPDF is the error where PDF files cannot be read: the image was made for another kind of processor.
func NoPDF() *study.Error {
	return study.Errorf(study.CodeUnavailable, "PDF import is not available on this server's processor: save the file as DOCX or text")
}

package memory

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"studysharper/app/extract/pdf/pdftest"
)

const (
	importsAtOnce = 8
	importedBytes = 10 << 20 // MAX_UPLOAD_MB
	importedPages = 300
	importWithin  = 5 * time.Minute // seven others may be read first

	// importBound: the process that reads a file may use some 170 MB, the files wait in memory, and the container is as
	// large as a busy one.
	importBound = 320_000_000
)

// imports uploads the largest files allowed, all at once: pages full of text, each with a picture. Each upload is read,
// refused as too large to read, or told to retry.
func (r *scenarioRun) imports() {
	var group sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	for i := range importsAtOnce {
		file := largePDF(r.T, uint64(i))
		group.Go(func() {
			status, err := r.upload(i, file)
			if err != nil {
				r.Errorf("file %d: %v", i, err)
				return
			}
			mu.Lock()
			answers[status]++
			mu.Unlock()
		})
	}
	group.Wait()
	r.row.Requests = importsAtOnce
	for status, n := range answers {
		if status != http.StatusCreated && status != http.StatusUnprocessableEntity && status != http.StatusServiceUnavailable {
			r.Errorf("%d uploads were answered %d", n, status)
			r.row.Failed += int64(n)
		}
	}
	if answers[http.StatusCreated] == 0 {
		r.Error("no file was read")
	}
	r.note("answers by status: %v", answers)
}

// upload sends a file and returns the status. The other loads count every status other than 200 and 201 as a failure.
func (r *scenarioRun) upload(i int, file []byte) (status int, err error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: importWithin}
	address := fmt.Sprintf("%s/api/notes/import?user_id=%s&filename=%d.pdf", r.h.URL, student(int64(i)), i)
	res, err := client.Post(address, "application/pdf", bytes.NewReader(file))
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// largePDF returns a file of importedBytes or a little less.
func largePDF(t *testing.T, seed uint64) []byte {
	t.Helper()
	random := rand.NewChaCha8([32]byte{byte(seed)})
	var pages [][]pdftest.Text
	for page := range importedPages {
		var lines []string
		for line := range 45 {
			lines = append(lines, fmt.Sprintf("Line %d of page %d has a number of words that fill it to its end, and %d more.", line, page, random.Uint64()))
		}
		pages = append(pages, pdftest.Lines(72, 740, 11, lines...))
	}
	bare := len(pdftest.Make(pages...))
	picture := make([]byte, (importedBytes-bare)/importedPages-200)
	for i := range picture {
		picture[i] = byte(random.Uint64())
	}
	file := pdftest.MakeSized(612, 792, picture, pages...)
	if len(file) > importedBytes || len(file) < importedBytes*9/10 {
		t.Fatalf("a file of %d bytes", len(file))
	}
	return file
}

package httpapi

import (
	"crypto/sha256"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/sys/unix"

	"studysharper/app/httpserver"
	"studysharper/app/limit"
	"studysharper/app/study"
)

const (
	// formBytes limits what a form contains in addition to the file.
	formBytes = 64 << 10
	// uploadWait is how long an upload waits for a place before its body is read.
	uploadWait = 20 * time.Second
	uploadPoll = 50 * time.Millisecond
	// maxUploadsWaiting limits the number of this worker's uploads that wait.
	maxUploadsWaiting = 16
)

// upload is a file that a client has sent. It is kept in a sealed memory file, outside the worker's heap.
type upload struct {
	file   *os.File
	name   string // the client's name for it, without folders
	digest []byte // SHA-256
}

// uploadKey is where receiveUpload stores the upload.
type uploadKey struct{}

func uploadOf(c *fiber.Ctx) *upload {
	u, _ := c.Locals(uploadKey{}).(*upload)
	return u
}

// extension returns the name's extension, without the dot.
func (u *upload) extension() string { return strings.TrimPrefix(path.Ext(u.name), ".") }

// receiveUpload is readBody for a file, which is either the body itself or the field `file` of a form. It checks
// everything that the head reveals before it reads the body.
func (s *Server) receiveUpload(c *fiber.Ctx) error {
	if !isPlain(c) {
		c.Set(fiber.HeaderAcceptEncoding, "identity")
		return study.Errorf(study.CodeUnsupported, "send the body without Content-Encoding")
	}
	user, err := userOf(c, query(c, "user_id"))
	if err == nil {
		err = required(map[string]*string{"user_id": &user})
	}
	if err != nil {
		return err
	}
	if !httpserver.HasBody(c.Context()) {
		return study.Invalid([]study.Fault{{Field: "file", Detail: "send the file as the request's body, or as the field `file` of multipart/form-data"}})
	}
	if httpserver.BodyLength(c.Context()) > s.o.Import.MaxBytes+formBytes {
		return s.uploadTooLarge()
	}
	place, err := s.awaitUploadPlace()
	if err != nil {
		return err
	}
	defer s.o.Import.Places.Release(place)
	u, err := s.saveUpload(c)
	if err != nil {
		return err
	}
	defer func() { _ = u.file.Close() }()
	c.Locals(uploadKey{}, u)
	return c.Next()
}

func (s *Server) uploadTooLarge() error {
	return study.Errorf(study.CodeTooLarge, "the file is larger than %d MB", s.o.Import.MaxBytes>>20)
}

// awaitUploadPlace waits for a place among the files that the container receives at the same time.
func (s *Server) awaitUploadPlace() (limit.Place, error) {
	busy := &study.Error{Code: study.CodeOverloaded, Message: "too many files are being uploaded", RetryAfter: 5 * time.Second}
	if s.uploads.Add(1) > maxUploadsWaiting {
		s.uploads.Add(-1)
		return 0, busy
	}
	defer s.uploads.Add(-1)
	tick := time.NewTicker(uploadPoll)
	defer tick.Stop()
	for until := time.Now().Add(uploadWait); ; {
		place, err := s.o.Import.Places.Take("uploads")
		if err == nil {
			return place, nil
		}
		if s.stopping.Load() || time.Now().After(until) {
			return 0, busy
		}
		select {
		case <-tick.C:
		case <-s.lifetime.Done():
			return 0, busy
		}
	}
}

// saveUpload reads the file into a memory file, and seals it.
func (s *Server) saveUpload(c *fiber.Ctx) (*upload, error) {
	fd, err := unix.MemfdCreate("upload", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, study.Wrap(err, study.CodeUnavailable, "the file cannot be received at the moment")
	}
	u := &upload{file: os.NewFile(uintptr(fd), "upload"), name: baseName(query(c, "filename"))}
	status, err := s.http.CopyBody(c.Context(), s.o.Import.MaxBytes+formBytes, func(body io.Reader) error { return s.readUpload(c, body, u) })
	if err == nil && status == 0 {
		_, err = unix.FcntlInt(u.file.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_GROW|unix.F_SEAL_SHRINK|unix.F_SEAL_SEAL)
		err = study.Wrap(err, study.CodeUnavailable, "the file cannot be received at the moment")
	}
	switch {
	case status == http.StatusRequestEntityTooLarge:
		err = s.uploadTooLarge()
	case status != 0:
		err = fiber.NewError(status)
	}
	if err != nil {
		_ = u.file.Close()
		return nil, err
	}
	return u, nil
}

// readUpload copies the file out of the body.
func (s *Server) readUpload(c *fiber.Ctx, body io.Reader, u *upload) error {
	kind, parameters, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil || kind != fiber.MIMEMultipartForm {
		return s.copyUpload(body, u)
	}
	form := &formReader{r: body}
	parts := multipart.NewReader(form, parameters["boundary"])
	for {
		form.left = formBytes
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return study.Invalid([]study.Fault{{Field: "file", Detail: "is required"}})
		}
		if err != nil {
			return study.Errorf(study.CodeMalformed, "the form cannot be read")
		}
		if part.FormName() == "file" {
			if u.name == "" {
				u.name = baseName(part.FileName())
			}
			form.left = s.o.Import.MaxBytes + formBytes
			return s.copyUpload(part, u)
		}
	}
}

// formReader limits how much of a form is read before the file, because the headers of its parts are kept in memory.
type formReader struct {
	r    io.Reader
	left int64
}

func (f *formReader) Read(p []byte) (int, error) {
	if f.left <= 0 {
		return 0, errors.New("too much of a form")
	}
	n, err := f.r.Read(p)
	f.left -= int64(n)
	return n, err
}

func (s *Server) copyUpload(from io.Reader, u *upload) error {
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(u.file, hash), io.LimitReader(from, s.o.Import.MaxBytes+1))
	if err != nil {
		return study.Wrap(err, study.CodeMalformed, "the file was not received in full")
	}
	if n > s.o.Import.MaxBytes {
		return s.uploadTooLarge()
	}
	if n == 0 {
		return study.Invalid([]study.Fault{{Field: "file", Detail: "must not be empty"}})
	}
	u.digest = hash.Sum(nil)
	return nil
}

// baseName returns a file's name without the folders that some browsers and systems prepend.
func baseName(name string) string {
	name = strings.ToValidUTF8(strings.ReplaceAll(name, "\\", "/"), "")
	if name = path.Base(name); name == "." || name == "/" {
		return ""
	}
	return name
}

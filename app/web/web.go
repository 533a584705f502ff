// Package web embeds the pages, for students and for the operator: HTML, CSS and JavaScript without a build step or
// external files. The URL of a page's files contains a hash of their content, so that browsers cache the files forever
// and revalidate only the page. The package does not depend on the HTTP server; app/httpapi serves the files.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sync"
)

//go:embed static
var static embed.FS

// The files that have their own URL and refer to others by version, for Page.
const (
	Desk     = "desk.html"
	Admin    = "admin.html"
	Docs     = "docs.html"
	Worker   = "sw.js" // the service worker of the students' page
	Manifest = "manifest.webmanifest"
)

var pages = []string{Desk, Admin, Docs, Worker, Manifest}

// Policy is the pages' Content-Security-Policy: scripts, styles and data from this server only, nothing inline, no
// markup made from strings. Its only Trusted Types policy is for the service worker's URL.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types worker"

// sheets are the style sheets that are sent as one file, in this order: the first paint waits for a page's style sheet.
var sheets = map[string][]string{
	"desk.css":  {"page.css", "desk.css", "aids.css", "print.css"},
	"admin.css": {"page.css", "admin.css"},
	"docs.css":  {"page.css", "docs.css"},
}

// versionMark is replaced by the version in the pages.
const versionMark = "{version}"

// File is a file ready to be sent. The package owns its bytes; callers must not change them.
type File struct {
	Type string // Content-Type
	ETag string // weak (RFC 9110, section 8.8.1): the same for both encodings
	Body []byte // nil if only the compressed body is stored
	gzip func() []byte
}

// Gzip returns the compressed body, which is made on first use and retained.
func (f *File) Gzip() []byte { return f.gzip() }

// Plain returns the uncompressed body; for a packed file it is a new copy.
func (f *File) Plain() []byte {
	if f.Body != nil {
		return f.Body
	}
	r, err := gzip.NewReader(bytes.NewReader(f.Gzip()))
	if err != nil {
		panic(err) // the package compressed it itself
	}
	body, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	return body
}

// site contains all files by name, and their version.
type site struct {
	version string
	files   map[string]*File
}

// opened is initialised on first use: most workers never serve a page.
var opened = sync.OnceValue(open)

// Page returns Desk, Admin, Docs, Worker or Manifest; nil for any other name.
func Page(name string) *File {
	if !slices.Contains(pages, name) {
		return nil
	}
	return opened().files[name]
}

// Asset returns a file of a page; nil if there is no such file. lasting reports that it never changes under this
// version. For another release's version it returns the current file, which must not be cached: during a rollout, a
// page and its files may come from two instances.
func Asset(version, name string) (f *File, lasting bool) {
	if slices.Contains(pages, name) {
		return nil, false
	}
	s := opened()
	return s.files[name], version == s.version
}

func open() *site {
	s := &site{files: map[string]*File{}}
	all := sha256.New()
	names, err := fs.Glob(static, "static/*")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, name := range names {
		body, err := static.ReadFile(name)
		if err != nil {
			panic(err) // it was listed just before
		}
		all.Write(body)
		s.files[path.Base(name)] = NewFile(path.Ext(name), body)
	}
	s.joinSheets()
	s.version = hex.EncodeToString(all.Sum(nil)[:8])
	for _, name := range pages {
		body := bytes.ReplaceAll(s.files[name].Body, []byte(versionMark), []byte(s.version))
		s.files[name] = NewFile(path.Ext(name), body)
	}
	return s
}

// joinSheets replaces all style sheets by those of the pages.
func (s *site) joinSheets() {
	joined := map[string]*File{}
	for name, parts := range sheets {
		var body []byte
		for _, part := range parts {
			body = append(body, s.files[part].Body...)
		}
		joined[name] = NewFile(path.Ext(name), body)
	}
	maps.DeleteFunc(s.files, func(name string, _ *File) bool { return path.Ext(name) == ".css" })
	maps.Copy(s.files, joined)
}

// NewFile makes a file of body, which it retains. ext, such as ".json", determines its type.
func NewFile(ext string, body []byte) *File {
	f := &File{Type: types[ext], ETag: tagOf(body), Body: body}
	f.gzip = sync.OnceValue(func() []byte { return compressed(body) })
	return f
}

// NewPackedFile is NewFile for a body that is seldom requested uncompressed: only the compressed body is retained.
func NewPackedFile(ext string, body []byte) *File {
	small := compressed(body)
	return &File{Type: types[ext], ETag: tagOf(body), gzip: func() []byte { return small }}
}

func tagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `W/"` + hex.EncodeToString(sum[:8]) + `"`
}

// types are the Content-Types; because of nosniff, browsers do not guess others.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json; charset=utf-8",
	".svg":  "image/svg+xml",
	".png":  "image/png",

	".webmanifest": "application/manifest+json; charset=utf-8",
}

func compressed(body []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	_, _ = w.Write(body) // writing to a buffer never fails
	_ = w.Close()
	return bytes.Clone(out.Bytes())
}

// Package web embeds the pages, the study desk and the operator's page: HTML, CSS and JavaScript without a build step or
// external files. Its main idea: the URL of a page's files carries a hash of their content, so browsers cache them forever
// and revalidate the page alone. It does not depend on the HTTP server; app/httpapi serves the files.
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

// The files that have an address of their own and name others by their version, for Page.
const (
	Desk     = "desk.html"
	Admin    = "admin.html"
	Docs     = "docs.html"
	Worker   = "sw.js" // the desk's service worker
	Manifest = "manifest.webmanifest"
)

var pages = []string{Desk, Admin, Docs, Worker, Manifest}

// Policy is the pages' Content-Security-Policy: scripts, styles and data from this server only, nothing inline, no markup
// made of strings. The one Trusted Types policy is for the address of the service worker.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types worker"

// sheets are the style sheets that are sent as one, in this order: the first paint waits for a page's style sheet.
var sheets = map[string][]string{
	"desk.css":  {"page.css", "desk.css", "aids.css", "print.css"},
	"admin.css": {"page.css", "admin.css"},
	"docs.css":  {"page.css", "docs.css"},
}

// versionMark is replaced by the version in the pages.
const versionMark = "{version}"

// File is a file as it is sent. Its bytes belong to the package.
type File struct {
	Type string // Content-Type
	ETag string // weak (RFC 9110, section 8.8.1): both encodings have it
	Body []byte // nil where only the compressed body is kept
	gzip func() []byte
}

// Gzip gives the compressed body, which is made on first use and kept.
func (f *File) Gzip() []byte { return f.gzip() }

// Plain gives the body as it is; of a packed file it is a new copy.
func (f *File) Plain() []byte {
	if f.Body != nil {
		return f.Body
	}
	r, err := gzip.NewReader(bytes.NewReader(f.Gzip()))
	if err != nil {
		panic(err) // this package made it
	}
	body, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	return body
}

// site is all files by name, and their version.
type site struct {
	version string
	files   map[string]*File
}

// opened is made on first use: most workers never serve a page.
var opened = sync.OnceValue(open)

// Page gives Desk, Admin, Docs, Worker or Manifest; nil for any other.
func Page(name string) *File {
	if !slices.Contains(pages, name) {
		return nil
	}
	return opened().files[name]
}

// Asset gives a file of a page; nil where no file has that name. lasting reports that it never changes under this
// version. For the version of another release it is today's file, which must not be cached: while a release is rolled out,
// page and files may come from two instances.
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
			panic(err) // it was just listed
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

// joinSheets leaves the style sheets of the pages only.
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

// NewFile makes a file of body, which it keeps. ext, as ".json", says its type.
func NewFile(ext string, body []byte) *File {
	f := &File{Type: types[ext], ETag: tagOf(body), Body: body}
	f.gzip = sync.OnceValue(func() []byte { return compressed(body) })
	return f
}

// NewPackedFile is NewFile for a body that is seldom asked for without compression: only the compressed one is kept.
func NewPackedFile(ext string, body []byte) *File {
	small := compressed(body)
	return &File{Type: types[ext], ETag: tagOf(body), gzip: func() []byte { return small }}
}

func tagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `W/"` + hex.EncodeToString(sum[:8]) + `"`
}

// types are the Content-Types; with nosniff, browsers run nothing else.
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
	_, _ = w.Write(body) // a buffer takes everything
	_ = w.Close()
	return bytes.Clone(out.Bytes())
}

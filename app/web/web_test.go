package web

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	// pageBytes is the maximum compressed size of a page with all files that it loads at first, in any language.
	pageBytes = 90_000
	// formulaBytes is the maximum compressed size of KaTeX.
	formulaBytes = 80_000
	formulas     = "katex.js"
)

// languages are the languages of the interface.
var languages = []string{"en", "de", "es", "fr"}

var (
	named    = regexp.MustCompile(`/assets/([0-9a-f]{16})/([a-z]+\.[a-z]+)`)
	imported = regexp.MustCompile(`from "\./([a-z]+\.js)"`)
	opens    = regexp.MustCompile(`import\("\./([a-z]+\.js)"\)`)
)

// loaded returns the files that a page loads at first, by name: those that it names, and their imports.
func loaded(t *testing.T, page string) map[string]*File { return closure(t, page, imported) }

// closure returns the files that a page names, and recursively those that they name by one of the expressions, except
// KaTeX.
func closure(t *testing.T, page string, naming ...*regexp.Regexp) map[string]*File {
	t.Helper()
	files := map[string]*File{}
	var take func(version, name string)
	take = func(version, name string) {
		if files[name] != nil {
			return
		}
		file, lasting := Asset(version, name)
		if file == nil || !lasting {
			t.Fatalf("%s names %s of version %s, which there is not", page, name, version)
		}
		files[name] = file
		for _, expression := range naming {
			for _, found := range expression.FindAllSubmatch(file.Body, -1) {
				if string(found[1]) != formulas {
					take(version, string(found[1]))
				}
			}
		}
	}
	for _, found := range named.FindAllSubmatch(Page(page).Body, -1) {
		take(string(found[1]), string(found[2]))
	}
	return files
}

func TestAPageWithAllItsPlacesIsWithin90kB(t *testing.T) {
	for _, page := range []string{Desk, Admin, Docs} {
		for _, language := range languages {
			size, small := len(Page(page).Body), len(Page(page).Gzip())
			files := closure(t, page, imported, opens) // the service worker loads all of them during the first visit
			files[language+".json"] = opened().files[language+".json"]
			for _, file := range files {
				size += len(file.Body)
				small += len(file.Gzip())
			}
			t.Logf("%s in %s: %d bytes, %d compressed", page, language, size, small)
			if small > pageBytes || small < 5_000 {
				t.Errorf("%s weighs %d bytes, at most %d", page, small, pageBytes)
			}
		}
	}
	if n := len(opened().files["katex.js"].Gzip()); n > formulaBytes {
		t.Errorf("KaTeX weighs %d bytes", n)
	}
}

func TestAPageNamesEveryModuleThatItLoads(t *testing.T) {
	for _, page := range []string{Desk, Admin, Docs} {
		for name := range loaded(t, page) {
			if !strings.Contains(string(Page(page).Body), "/"+name+`"`) {
				t.Errorf("%s is found late: %s does not name it", name, page)
			}
		}
	}
}

// TestFirstPaintWaitsForOneStyleSheet also limits what the first place needs.
func TestFirstPaintWaitsForOneStyleSheet(t *testing.T) {
	for page, most := range map[string]int{Desk: 12, Admin: 9, Docs: 9} {
		kinds := map[string]int{}
		for name := range loaded(t, page) {
			kinds[path.Ext(name)]++
		}
		if kinds[".css"] != 1 || kinds[".js"] < 4 || kinds[".js"] > most {
			t.Errorf("%s loads %v, at most %d modules", page, kinds, most)
		}
	}
}

// TestTheServiceWorkerKeepsEveryModule includes the modules of places that were not opened.
func TestTheServiceWorkerKeepsEveryModule(t *testing.T) {
	found := regexp.MustCompile(`(?s)const modules = "([a-z ]+)" \+\n\t"([a-z ]+)"`).FindSubmatch(Page(Worker).Body)
	if found == nil {
		t.Fatal("sw.js has no list of modules")
	}
	listed := strings.Fields(string(found[1]) + string(found[2]))
	for i := range listed {
		listed[i] += ".js"
	}
	for name := range closure(t, Desk, imported, opens) {
		if path.Ext(name) == ".js" && !slices.Contains(listed, name) {
			t.Errorf("sw.js does not list %s", name)
		}
	}
	for _, name := range listed {
		if opened().files[name] == nil {
			t.Errorf("sw.js lists %s, which does not exist", name)
		}
	}
}

func TestEveryFileIsLoadedByAPageAndHasAType(t *testing.T) {
	used := []string{Desk, Admin, Docs, Worker, Manifest, "icon192.png", "icon512.png", "katex.js"} // formula.js loads KaTeX for the first formula, words.js one language
	for _, language := range languages {
		used = append(used, language+".json")
	}
	for _, page := range []string{Desk, Admin, Docs} {
		for name := range closure(t, page, imported, opens) {
			used = append(used, name)
		}
	}
	for name, file := range opened().files {
		if !slices.Contains(used, name) {
			t.Errorf("no page loads %s", name)
		}
		if file.Type == "" || len(file.Body) == 0 {
			t.Errorf("%s: type %q, %d bytes", name, file.Type, len(file.Body))
		}
	}
}

// forbidden matches what the policy refuses, and what would interpret text as markup.
var forbidden = regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|DOMParser|javascript:| style="|<script>|<style| on[a-z]+="`)

func TestNothingIsInlineAndNoTextIsTakenForMarkup(t *testing.T) {
	for name, file := range opened().files {
		if found := forbidden.Find(file.Body); found != nil && (name != "katex.js" || string(found) != ` style="`) { // KaTeX's markup output is not used
			t.Errorf("%s has %q", name, found)
		}
	}
}

func TestNoFileNamesAnotherHost(t *testing.T) {
	host := regexp.MustCompile(`(https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s"'<]*`)
	for name, file := range opened().files {
		for _, found := range host.FindAll(file.Body, -1) {
			if !strings.HasPrefix(string(found), "http://www.w3.org/") { // a name, not an address
				t.Errorf("%s names %s", name, found)
			}
		}
	}
}

func TestGzipGivesTheSameBytes(t *testing.T) {
	for name, file := range opened().files {
		r, err := gzip.NewReader(bytes.NewReader(file.Gzip()))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, file.Body) {
			t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(file.Body), err)
		}
	}
}

func TestOnlyWhatThereIsIsGiven(t *testing.T) {
	version := opened().version
	for _, name := range []string{"", "desk", "desk.html", "admin.html", "docs.html", Worker, Manifest, "../web.go", "static/desk.js", "no.js", "."} {
		if file, _ := Asset(version, name); file != nil {
			t.Errorf("an asset %q", name)
		}
		if !slices.Contains(pages, name) && Page(name) != nil {
			t.Errorf("a page %q", name)
		}
	}
	if file, lasting := Asset("0123456789abcdef", "desk.js"); file == nil || lasting {
		t.Errorf("a file of another version: %v, lasting %v", file != nil, lasting)
	}
	for _, name := range pages {
		if bytes.Contains(Page(name).Body, []byte(versionMark)) || !bytes.Contains(Page(name).Body, []byte(version)) {
			t.Errorf("%s: the version is not filled in", name)
		}
	}
}

// TestTheManifestNamesIconsThatExist checks what makes browsers offer to install the page.
func TestTheManifestNamesIconsThatExist(t *testing.T) {
	var manifest struct {
		Name, Display string
		StartURL      string `json:"start_url"`
		Icons         []struct{ Src, Sizes, Type string }
	}
	if err := json.Unmarshal(Page(Manifest).Body, &manifest); err != nil || manifest.Name == "" || manifest.Display != "standalone" || manifest.StartURL != "/#/study" {
		t.Fatalf("%v, %+v", err, manifest)
	}
	sizes := []string{}
	for _, icon := range manifest.Icons {
		file, lasting := Asset(path.Base(path.Dir(icon.Src)), path.Base(icon.Src))
		if file == nil || !lasting || file.Type != icon.Type {
			t.Errorf("%+v does not exist", icon)
			continue
		}
		if picture, err := png.DecodeConfig(bytes.NewReader(file.Body)); err == nil {
			sizes = append(sizes, fmt.Sprintf("%dx%d", picture.Width, picture.Height))
			if icon.Sizes != sizes[len(sizes)-1] || len(file.Body) > 10_000 {
				t.Errorf("%+v has %s, %d bytes", icon, sizes[len(sizes)-1], len(file.Body))
			}
		}
	}
	if !slices.Equal(sizes, []string{"192x192", "512x512"}) {
		t.Errorf("the pictures have %v", sizes)
	}
}

func TestFilesAreUnder300Lines(t *testing.T) {
	names, err := fs.Glob(static, "static/*")
	if err != nil || len(names) < 30 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, name := range names {
		body, err := static.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(body, []byte("\n")); !slices.Contains([]string{".html", ".json", ".png"}, path.Ext(name)) && lines > 300 {
			t.Errorf("%s has %d lines", name, lines)
		}
	}
}

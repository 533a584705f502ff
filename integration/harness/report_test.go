package harness

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	sheets "studysharper/loadtest/measure"
)

// reportOf returns a report with something of every kind; words are used for every text.
func reportOf(words string) report {
	latency := &sheets.Summary{Count: 9, Mean: 1, P50: 1, P90: 2, P95: 2, P99: 3, P999: 4, Max: 5}
	return report{
		Began: time.Date(2026, 11, 25, 1, 2, 3, 0, time.UTC), Seconds: 600, Pass: true,
		Versions: versions{words, words, words, words}, Machine: machine{2, 8 << 30, words, words},
		Memory: []ScenarioRow{{Name: words, About: words, Pass: true, Bound: 64e6, Peak: 50e6, After: 40e6, Requests: 12345, Failed: 1,
			Failures: map[string]int64{words: 1}, Latency: latency, Ladder: []sheets.Rung{{Percentile: 50, MS: 1}},
			Recycles: map[string]int{words: 2}, Marks: []float64{1, 1e9}, Slope: &Slope{1, -2, 3}, Notes: []string{words},
			Curve: synthetic(5, 1e6, nil)}},
		Faults:  []FaultRow{{words, words, words, words, 1, 0.5, []string{words}, words, true}},
		Figures: []figureRow{{words, words, words}},
	}
}

func TestTheReportsJSONIsTheReport(t *testing.T) {
	folder, want := t.TempDir(), reportOf("words")
	page, err := want.write(folder)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, reportJSON))
	if err != nil {
		t.Fatal(err)
	}
	var got report
	if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: read back is\n%+v, want\n%+v", err, got, want)
	}
	if html, err := os.ReadFile(page); err != nil || !strings.HasSuffix(string(html), "</html>\n") {
		t.Errorf("%s: %v, it ends with %.20q", page, err, html[max(0, len(html)-20):])
	}
	if _, err := want.write(page); err == nil {
		t.Error("a report was written into a file")
	}
}

// reaching matches everything with which a page can load another resource.
var reaching = regexp.MustCompile(`(?i)<(script|link|iframe|object|embed|img|base|form)\b|\b(src|srcset|href|data|action|poster|on\w+)\s*=|url\(|@import|https?:|"//`)

func TestTheReportsPageNeedsNothingElse(t *testing.T) {
	page, err := reportOf("words").page()
	if err != nil {
		t.Fatal(err)
	}
	if found := reaching.FindAllString(string(page), -1); found != nil {
		t.Errorf("the page reaches out: %q", found)
	}
	if n := strings.Count(string(page), "words"); n < 20 {
		t.Errorf("the page has its words %d times", n)
	}
	for _, want := range []string{"12,345", "50.0 MB", "bound, 64.0 MB", `class=mark`, "8589.9 MB", "all bounds held"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

func TestTheReportEscapesWhateverItQuotes(t *testing.T) {
	for _, hostile := range []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</style><base href=x>`, `' onload='alert(1)`} {
		page, err := reportOf(hostile).page()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(page), hostile) {
			t.Errorf("%s is in the page unescaped", hostile)
		}
	}
}

func TestTheReportOfALongRunIsSmall(t *testing.T) {
	const most = 1_000_000
	r := reportOf("words")
	row := r.Memory[0]
	row.Curve = synthetic(600, 1e6, nil)
	r.Memory = nil
	for i := range 12 {
		row.Name = fmt.Sprint("scenario ", i)
		r.Memory = append(r.Memory, row)
	}
	page, err := r.page()
	if err != nil || len(page) > most {
		t.Errorf("%v: the page has %d bytes, want at most %d", err, len(page), most)
	}
}

func TestAReportOfNothingIsAPage(t *testing.T) {
	page, err := report{}.page()
	if err != nil || strings.Contains(string(page), "<h2>Faults") || !strings.Contains(string(page), "not all tests passed") {
		t.Errorf("%v: %s", err, page)
	}
}

func TestTheReportHasThePartsOfAllPackages(t *testing.T) {
	folder := t.TempDir()
	first, second := reportOf("first words"), reportOf("second words")
	first.Name, second.Name, second.Pass = "memory", "faults", false
	second.Began = first.Began.Add(time.Hour)
	for _, part := range []report{first, second, first} { // a package that runs again replaces its part
		if err := addToReport(part, folder); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(folder, reportJSON))
	if err != nil {
		t.Fatal(err)
	}
	var got report
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Pass || !got.Began.Equal(first.Began) || got.Seconds != first.Seconds+second.Seconds || got.Versions != second.Versions {
		t.Errorf("the report is %+v", got)
	}
	if len(got.Memory) != 2 || len(got.Faults) != 2 || len(got.Figures) != 2 || got.Figures[0] != second.Figures[0] || got.Figures[1] != first.Figures[0] {
		t.Errorf("the report has %+v, %+v and %+v", got.Memory, got.Faults, got.Figures)
	}
}

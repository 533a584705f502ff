package harness

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestManyMarksStandAtTheFoot(t *testing.T) {
	draw := func(marks int) string {
		var b strings.Builder
		c := chart{XMost: 100, Y: func(y float64) string { return number(y, 1) }, Marks: make([]float64, marks),
			Lines: []line{{Name: "a line", Class: "a", Points: []point{{0, 1}, {100, 2}}}}}
		c.Write(&b)
		return b.String()
	}
	if few := draw(fewMarks); strings.Count(few, "class=mark d=\"M0.0 0V1000\"") != fewMarks {
		t.Errorf("few marks: %s", few)
	}
	if many := draw(fewMarks + 1); strings.Count(many, "class=mark d=\"M0.0 930V1000\"") != fewMarks+1 {
		t.Errorf("many marks: %s", many)
	}
}

func TestWhatAChartQuotesIsEscaped(t *testing.T) {
	const hostile = `"><script>`
	var b strings.Builder
	chart{Title: hostile, About: hostile, LimitName: hostile, Limit: 1, XMost: 1, XTicks: []tick{{0, hostile}},
		Y: func(float64) string { return hostile }, Lines: []line{{Name: hostile, Class: "a", Points: []point{{0, 1}}}}}.Write(&b)
	if strings.Contains(b.String(), hostile) || strings.Count(b.String(), "script") < 7 {
		t.Errorf("the chart is %s", b.String())
	}
}

func TestNoDrawingLeavesItsFrame(t *testing.T) {
	for seconds := range 5 {
		var points []point
		for i := range seconds {
			points = append(points, point{X: float64(i), Y: float64(10 * i)})
		}
		most := float64(max(seconds, 1))
		var b strings.Builder
		chart{Title: "a chart", Limit: 30, XMost: most, XTicks: secondsAxis(most), Marks: []float64{0, most}, Y: func(y float64) string { return number(y, 1) },
			Lines: []line{{Name: "a line", Class: "a", Points: points, Area: true}}}.Write(&b)
		text := b.String()
		if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			t.Errorf("%d seconds: a place that is not a number", seconds)
		}
		for _, d := range regexp.MustCompile(` d="(M[^"]*)"`).FindAllStringSubmatch(text, -1) {
			for _, place := range regexp.MustCompile(`-?\d+(\.\d+)?`).FindAllString(d[1], -1) {
				var v float64
				fmt.Sscan(place, &v)
				if v < 0 || v > 1000 {
					t.Errorf("%d seconds: %s leaves the frame", seconds, d[1])
				}
			}
		}
		for _, svg := range regexp.MustCompile(`(?s)<svg viewBox.*?</svg>`).FindAllString(text, -1) {
			svg = regexp.MustCompile(`(\w+)=([\w.]+)`).ReplaceAllString(svg, `$1="$2"`)
			if err := xml.Unmarshal([]byte(svg), new(struct{})); err != nil {
				t.Errorf("%d seconds: %v in %s", seconds, err, svg)
			}
		}
	}
}

func TestLongLinesAreThinnedToTheirHighest(t *testing.T) {
	points := make([]point, 10_000)
	points[7777].Y = 9
	thin := thinned(points)
	if top := slices.MaxFunc(thin, func(a, b point) int { return int(a.Y - b.Y) }); len(thin) != mostPoints || top.Y != 9 {
		t.Errorf("%d points up to %v", len(thin), top.Y)
	}
}

package report

import (
	"strings"
	"testing"
)

func TestManyMarksStandAtTheFoot(t *testing.T) {
	draw := func(marks int) string {
		var b strings.Builder
		c := Chart{XMost: 100, Y: func(y float64) string { return Number(y, 1) }, Marks: make([]float64, marks),
			Lines: []Line{{Name: "a line", Class: "a", Points: []Point{{0, 1}, {100, 2}}}}}
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
	Chart{Title: hostile, About: hostile, LimitName: hostile, Limit: 1, XMost: 1, XTicks: []Tick{{0, hostile}},
		Y: func(float64) string { return hostile }, Lines: []Line{{Name: hostile, Class: "a", Points: []Point{{0, 1}}}}}.Write(&b)
	if strings.Contains(b.String(), hostile) || strings.Count(b.String(), "script") < 7 {
		t.Errorf("the chart is %s", b.String())
	}
}

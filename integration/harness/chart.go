package harness

import (
	_ "embed" // the pages' style
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// chartStyle is the style of the charts and of the page around them, light and dark.
//
//go:embed chart.css
var chartStyle string

// fewMarks is how many marks are drawn over the full height; more would hide the lines, and are drawn at the bottom.
const fewMarks = 12

// mostPoints is how many a line is drawn of; more are thinned out to their highest.
const mostPoints = 600

// point is one of a line, in the units of its chart's axes.
type point struct{ X, Y float64 }

// line is a named line of a chart. The class says how it looks; see chart.css.
type line struct {
	Name, Class string
	Points      []point
	Area        bool // filled down to the axis
}

// chart is a drawing that is stretched to the width there is. Its words stand beside
// it as HTML, so that they stay legible on a telephone.
type chart struct {
	Title, About string
	Lines        []line
	Marks        []float64 // x of vertical lines: recycles
	Limit        float64   // y of a horizontal line; 0 = none
	LimitName    string
	XTicks       []tick // 0 to 1, with their words
	XMost        float64
	Y            func(float64) string // formats a value
}

// tick is a place on an axis, from 0 to 1, and its words.
type tick struct {
	At   float64
	Text string
}

// Write writes the chart; not a word where there is nothing to draw.
func (c chart) Write(b *strings.Builder) {
	top, some := c.top()
	if !some {
		return
	}
	step := nice(top / 4)
	top = math.Ceil(top/step-1e-9) * step
	fmt.Fprintf(b, "<figure><figcaption><b>%s</b> %s</figcaption>\n", html.EscapeString(c.Title), html.EscapeString(c.About))
	c.writeLegend(b)
	fmt.Fprintf(b, "<div class=plot>\n<svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=none role=img aria-label=\"%s\">\n", html.EscapeString(c.Title))
	var labels strings.Builder
	for v := 0.0; v <= top+step/2; v += step {
		fmt.Fprintf(b, "<path class=grid d=\"M0 %.1fH1000\"/>\n", 1000*(1-v/top))
		fmt.Fprintf(&labels, "<span class=y style=\"top:%.2f%%\">%s</span>\n", 100*(1-v/top), html.EscapeString(c.Y(v)))
	}
	for _, t := range c.XTicks {
		fmt.Fprintf(&labels, "<span class=x style=\"left:%.2f%%\">%s</span>\n", 100*t.At, html.EscapeString(t.Text))
	}
	from := 0
	if len(c.Marks) > fewMarks {
		from = 930
	}
	for _, x := range c.Marks {
		fmt.Fprintf(b, "<path class=mark d=\"M%.1f %dV1000\"/>\n", c.x(x), from)
	}
	if c.Limit > 0 && c.Limit <= top {
		fmt.Fprintf(b, "<path class=limit d=\"M0 %.1fH1000\"/>\n", 1000*(1-c.Limit/top))
	}
	for _, l := range c.Lines {
		l.write(b, c, top)
	}
	fmt.Fprintf(b, "</svg>\n%s</div></figure>\n", labels.String())
}

func (c chart) x(x float64) float64 { return 1000 * x / max(c.XMost, 1e-9) }

// top is the highest value that is drawn.
func (c chart) top() (top float64, some bool) {
	for _, l := range c.Lines {
		for _, pt := range l.Points {
			top, some = max(top, pt.Y), true
		}
	}
	if c.Limit > 0 && c.Limit < 4*top { // a limit far above would flatten the line
		top = max(top, c.Limit)
	}
	return max(top, 1e-3), some
}

func (c chart) writeLegend(b *strings.Builder) {
	b.WriteString("<p class=legend>")
	for _, l := range c.Lines {
		fmt.Fprintf(b, "<span><svg width=22 height=8 aria-hidden=true><path class=\"%s\" d=\"M0 4H22\"/></svg> %s</span> ", l.Class, html.EscapeString(l.Name))
	}
	if len(c.Marks) > 0 {
		b.WriteString("<span><svg width=8 height=12 aria-hidden=true><path class=mark d=\"M4 0V12\"/></svg> worker recycled</span> ")
	}
	if c.Limit > 0 {
		fmt.Fprintf(b, "<span><svg width=22 height=8 aria-hidden=true><path class=limit d=\"M0 4H22\"/></svg> %s</span>", html.EscapeString(c.LimitName))
	}
	b.WriteString("</p>\n")
}

// write draws one line; a single point becomes a short one, so that it can be seen.
func (l line) write(b *strings.Builder, c chart, top float64) {
	if len(l.Points) == 0 {
		return
	}
	points := thinned(l.Points)
	if len(points) == 1 {
		points = append(points, point{points[0].X + c.XMost/50, points[0].Y})
	}
	var d strings.Builder
	for i, pt := range points {
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&d, "%s%.1f %.1f", command, c.x(pt.X), 1000*(1-pt.Y/top))
	}
	if l.Area {
		fmt.Fprintf(b, "<path class=\"area %s\" d=\"%sL%.1f 1000L%.1f 1000Z\"/>\n", l.Class, d.String(), c.x(points[len(points)-1].X), c.x(points[0].X))
	}
	fmt.Fprintf(b, "<path class=\"%s\" d=\"%s\"><title>%s</title></path>\n", l.Class, d.String(), html.EscapeString(l.Name))
}

// thinned keeps the highest of each few.
func thinned(all []point) []point {
	if len(all) <= mostPoints {
		return all
	}
	out := make([]point, mostPoints)
	for i := range out {
		some := all[i*len(all)/mostPoints : (i+1)*len(all)/mostPoints]
		out[i] = some[0]
		for _, pt := range some {
			if pt.Y > out[i].Y {
				out[i] = pt
			}
		}
	}
	return out
}

// nice is the step of an axis nearest above: 1, 2, 2.5 or 5 times a power of ten.
func nice(step float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(step)))
	for _, factor := range []float64{1, 2, 2.5, 5, 10} {
		if factor*power >= step*(1-1e-9) {
			return factor * power
		}
	}
	return 10 * power
}

// secondsAxis are ticks of a time axis of so many seconds.
func secondsAxis(most float64) []tick {
	step := nice(max(most, 1) / 5)
	if most > 300 {
		step = 60 * math.Ceil(most/60/5)
	}
	var ticks []tick
	for v := 0.0; v <= most*(1+1e-9); v += step {
		text := number(v, 1) + " s"
		if most > 300 {
			text = number(v/60, 0) + " min"
		}
		ticks = append(ticks, tick{v / most, text})
	}
	return ticks
}

// number writes a number rounded to so many digits, without zeros at its end.
func number(n float64, digits int) string {
	unit := math.Pow10(digits)
	return strconv.FormatFloat(math.Round(n*unit)/unit, 'f', -1, 64)
}

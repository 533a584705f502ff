package report

import (
	_ "embed" // the pages' style
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// Style is the style of the charts and of the page around them, light and dark.
//
//go:embed chart.css
var Style string

// fewMarks are drawn over the whole height; more would be a fence before the lines, and stand at the foot.
const fewMarks = 12

// MostPoints is how many a line is drawn of; more are thinned out to their highest.
const MostPoints = 600

// Point is one of a line, in the units of its chart's axes.
type Point struct{ X, Y float64 }

// Line is a named line of a chart. The class says how it looks; see chart.css.
type Line struct {
	Name, Class string
	Points      []Point
	Area        bool // filled down to the axis
}

// Chart is a drawing that is stretched to the width there is. Its words stand beside
// it as HTML, so that they stay legible on a telephone.
type Chart struct {
	Title, About string
	Lines        []Line
	Marks        []float64 // x of vertical lines: recycles
	Limit        float64   // y of a horizontal line; 0 = none
	LimitName    string
	XTicks       []Tick // 0 to 1, with their words
	XMost        float64
	Y            func(float64) string // words for a value
}

// Tick is a place on an axis, from 0 to 1, and its words.
type Tick struct {
	At   float64
	Text string
}

// Write writes the chart; not a word where there is nothing to draw.
func (c Chart) Write(b *strings.Builder) {
	top, some := c.top()
	if !some {
		return
	}
	step := Nice(top / 4)
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

func (c Chart) x(x float64) float64 { return 1000 * x / max(c.XMost, 1e-9) }

// top is the highest value that is drawn.
func (c Chart) top() (top float64, some bool) {
	for _, l := range c.Lines {
		for _, pt := range l.Points {
			top, some = max(top, pt.Y), true
		}
	}
	if c.Limit > 0 && c.Limit < 4*top { // a limit far above would press the line flat
		top = max(top, c.Limit)
	}
	return max(top, 1e-3), some
}

func (c Chart) writeLegend(b *strings.Builder) {
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
func (l Line) write(b *strings.Builder, c Chart, top float64) {
	if len(l.Points) == 0 {
		return
	}
	points := Thinned(l.Points)
	if len(points) == 1 {
		points = append(points, Point{points[0].X + c.XMost/50, points[0].Y})
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

// Thinned keeps the highest of each few.
func Thinned(all []Point) []Point {
	if len(all) <= MostPoints {
		return all
	}
	out := make([]Point, MostPoints)
	for i := range out {
		some := all[i*len(all)/MostPoints : (i+1)*len(all)/MostPoints]
		out[i] = some[0]
		for _, pt := range some {
			if pt.Y > out[i].Y {
				out[i] = pt
			}
		}
	}
	return out
}

// Nice is the step of an axis nearest above: 1, 2, 2.5 or 5 times a power of ten.
func Nice(step float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(step)))
	for _, factor := range []float64{1, 2, 2.5, 5, 10} {
		if factor*power >= step*(1-1e-9) {
			return factor * power
		}
	}
	return 10 * power
}

// SecondsAxis are ticks of a time axis of so many seconds.
func SecondsAxis(most float64) []Tick {
	step := Nice(max(most, 1) / 5)
	if most > 300 {
		step = 60 * math.Ceil(most/60/5)
	}
	var ticks []Tick
	for v := 0.0; v <= most*(1+1e-9); v += step {
		text := Number(v, 1) + " s"
		if most > 300 {
			text = Number(v/60, 0) + " min"
		}
		ticks = append(ticks, Tick{v / most, text})
	}
	return ticks
}

// Number writes a number without zeros at its end.
func Number(n float64, digits int) string {
	text := strconv.FormatFloat(n, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

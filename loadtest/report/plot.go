package report

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// mostPoints is how many a line is drawn of; more are thinned out to their highest.
const mostPoints = 300

// point is one of a line, in the units of its plot's axes.
type point struct{ x, y float64 }

// line is a named line of a plot. The class says how it looks; see style.css.
type line struct {
	name, class string
	points      []point
	area        bool // filled down to the axis
}

// plot is a chart. The drawing is stretched to the width there is, and its words stand
// beside it as HTML, so that they stay legible on a telephone.
type plot struct {
	title, about string
	lines        []line
	marks        []float64 // x of vertical lines: recycles
	limit        float64   // y of a horizontal line; 0 = none
	limitName    string
	xTicks       []tick // 0 to 1, with their words
	xMost        float64
	y            func(float64) string // words for a value
}

// tick is a place on an axis, from 0 to 1, and its words.
type tick struct {
	at   float64
	text string
}

// write writes the plot; not a word where there is nothing to draw.
func (p plot) write(b *strings.Builder) {
	top, some := p.top()
	if !some {
		return
	}
	step := nice(top / 4)
	top = math.Ceil(top/step-1e-9) * step
	fmt.Fprintf(b, "<figure><figcaption><b>%s</b> %s</figcaption>\n", html.EscapeString(p.title), html.EscapeString(p.about))
	p.writeLegend(b)
	fmt.Fprintf(b, "<div class=plot>\n<svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=none role=img aria-label=\"%s\">\n", html.EscapeString(p.title))
	var labels strings.Builder
	for v := 0.0; v <= top+step/2; v += step {
		fmt.Fprintf(b, "<path class=grid d=\"M0 %.1fH1000\"/>\n", 1000*(1-v/top))
		fmt.Fprintf(&labels, "<span class=y style=\"top:%.2f%%\">%s</span>\n", 100*(1-v/top), html.EscapeString(p.y(v)))
	}
	for _, t := range p.xTicks {
		fmt.Fprintf(&labels, "<span class=x style=\"left:%.2f%%\">%s</span>\n", 100*t.at, html.EscapeString(t.text))
	}
	for _, x := range p.marks {
		fmt.Fprintf(b, "<path class=mark d=\"M%.1f 0V1000\"/>\n", p.x(x))
	}
	if p.limit > 0 && p.limit <= top {
		fmt.Fprintf(b, "<path class=limit d=\"M0 %.1fH1000\"/>\n", 1000*(1-p.limit/top))
	}
	for _, l := range p.lines {
		l.write(b, p, top)
	}
	fmt.Fprintf(b, "</svg>\n%s</div></figure>\n", labels.String())
}

func (p plot) x(x float64) float64 { return 1000 * x / max(p.xMost, 1e-9) }

// top is the highest value that is drawn.
func (p plot) top() (top float64, some bool) {
	for _, l := range p.lines {
		for _, pt := range l.points {
			top, some = max(top, pt.y), true
		}
	}
	if p.limit > 0 && p.limit < 4*top { // a limit far above would press the line flat
		top = max(top, p.limit)
	}
	return max(top, 1e-3), some
}

func (p plot) writeLegend(b *strings.Builder) {
	b.WriteString("<p class=legend>")
	for _, l := range p.lines {
		fmt.Fprintf(b, "<span><svg width=22 height=8 aria-hidden=true><path class=\"%s\" d=\"M0 4H22\"/></svg> %s</span> ", l.class, html.EscapeString(l.name))
	}
	if len(p.marks) > 0 {
		b.WriteString("<span><svg width=8 height=12 aria-hidden=true><path class=mark d=\"M4 0V12\"/></svg> worker recycled</span> ")
	}
	if p.limit > 0 {
		fmt.Fprintf(b, "<span><svg width=22 height=8 aria-hidden=true><path class=limit d=\"M0 4H22\"/></svg> %s</span>", html.EscapeString(p.limitName))
	}
	b.WriteString("</p>\n")
}

// write draws one line; a single point becomes a short one, so that it can be seen.
func (l line) write(b *strings.Builder, p plot, top float64) {
	if len(l.points) == 0 {
		return
	}
	points := thinnedPoints(l.points)
	if len(points) == 1 {
		points = append(points, point{points[0].x + p.xMost/50, points[0].y})
	}
	var d strings.Builder
	for i, pt := range points {
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&d, "%s%.1f %.1f", command, p.x(pt.x), 1000*(1-pt.y/top))
	}
	if l.area {
		fmt.Fprintf(b, "<path class=\"area %s\" d=\"%sL%.1f 1000L%.1f 1000Z\"/>\n", l.class, d.String(), p.x(points[len(points)-1].x), p.x(points[0].x))
	}
	fmt.Fprintf(b, "<path class=\"%s\" d=\"%s\"><title>%s</title></path>\n", l.class, d.String(), html.EscapeString(l.name))
}

// thinnedPoints keeps the highest of each few.
func thinnedPoints(all []point) []point {
	if len(all) <= mostPoints {
		return all
	}
	out := make([]point, mostPoints)
	for i := range out {
		some := all[i*len(all)/mostPoints : (i+1)*len(all)/mostPoints]
		out[i] = some[0]
		for _, pt := range some {
			if pt.y > out[i].y {
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
		text := trimmed(v, 1) + " s"
		if most > 300 {
			text = trimmed(v/60, 0) + " min"
		}
		ticks = append(ticks, tick{v / most, text})
	}
	return ticks
}

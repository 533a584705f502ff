package metrics

import (
	"slices"
	"strconv"
	"strings"
)

// ExpositionType is the content type of an Exposition's text.
const ExpositionType = "text/plain; version=0.0.4; charset=utf-8"

// Exposition builds a text in the Prometheus format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).
// Its methods append; the caller must write all samples of a family together.
type Exposition struct {
	text []byte
	name string // of the family being written
}

// expositionRoom is the size of a usual scrape in bytes, so that the text is allocated once.
const expositionRoom = 24 << 10

// Family begins a family of samples: kind is "counter", "gauge" or "histogram".
func (e *Exposition) Family(name, kind, help string) {
	e.name = name
	if e.text == nil {
		e.text = make([]byte, 0, expositionRoom)
	}
	e.text = append(e.text, "# HELP "+name+" "+escapeHelp.Replace(help)+"\n# TYPE "+name+" "+kind+"\n"...)
}

// Sample adds a sample to the family; labels are pairs of a name and a value.
func (e *Exposition) Sample(value float64, labels ...string) { e.sample("", value, labels) }

// Distribution adds a histogram's samples to the family, in seconds.
func (e *Exposition) Distribution(d Distribution, labels ...string) {
	var below uint64
	with := slices.Concat(labels, []string{"le", ""})
	for i, in := range d.Buckets {
		below += in
		with[len(with)-1] = "+Inf"
		if i < len(bounds) {
			with[len(with)-1] = strconv.FormatFloat(bounds[i].Seconds(), 'g', -1, 64)
		}
		e.sample("_bucket", float64(below), with)
	}
	e.sample("_sum", d.Sum.Seconds(), labels)
	e.sample("_count", float64(below), labels)
}

// Bytes returns the text written so far.
func (e *Exposition) Bytes() []byte { return e.text }

func (e *Exposition) sample(suffix string, value float64, labels []string) {
	e.text = append(append(e.text, e.name...), suffix...)
	for i := 0; i+1 < len(labels); i += 2 {
		e.text = append(e.text, "{,"[min(i, 1)])
		e.text = append(e.text, labels[i]+`="`+escapeLabel.Replace(labels[i+1])+`"`...)
	}
	if len(labels) > 1 {
		e.text = append(e.text, '}')
	}
	e.text = strconv.AppendFloat(append(e.text, ' '), value, 'g', -1, 64)
	e.text = append(e.text, '\n')
}

var (
	escapeHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	escapeLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

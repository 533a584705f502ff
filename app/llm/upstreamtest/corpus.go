// Package upstreamtest contains a corpus of observed behaviours of OpenAI-compatible APIs, and a server that replays
// it. Each behaviour was recorded for a few types of requests; Cases derives it for every type that it applies to, as a
// plain body and as a stream.
package upstreamtest

import (
	_ "embed" // the corpus
	"encoding/base64"
	"encoding/json"

	"studysharper/app/study"
)

//go:embed behaviours.json
var corpus []byte

// Behaviour is an observed way of answering.
type Behaviour struct {
	Name      string
	Source    string       // the bug report or the documentation
	Types     []study.Type // to which it applies
	Responses []Recorded
}

// Recorded is a raw HTTP response to a request of a type.
type Recorded struct {
	Type   study.Type
	Stream bool // the request asked for a stream
	Text   string
	Base64 string    // instead of Text, if it is not UTF-8
	Second *Recorded // to the next identical request; nil = the same response
}

// Bytes returns the response as it is sent.
func (r Recorded) Bytes() []byte {
	if r.Base64 == "" {
		return []byte(r.Text)
	}
	raw, err := base64.StdEncoding.DecodeString(r.Base64)
	if err != nil {
		panic(err)
	}
	return raw
}

// Behaviours returns the corpus; its first entry is a good answer.
func Behaviours() []Behaviour {
	var list []Behaviour
	if err := json.Unmarshal(corpus, &list); err != nil {
		panic(err)
	}
	return list
}

// recorded returns the response that was recorded for a type, plain or streamed; nil if there is none.
func (b Behaviour) recorded(t study.Type, stream bool) *Recorded {
	for i, r := range b.Responses {
		if r.Type == t && r.Stream == stream {
			return &b.Responses[i]
		}
	}
	return nil
}

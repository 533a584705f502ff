package httpapi

import (
	"bufio"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"studysharper/app/httpapi/rawtest"
)

func TestFault_E12_WhatTwoReadersCouldReadDifferentlyIsRefused(t *testing.T) {
	f := serve(t)
	for _, r := range rawtest.Refused() {
		t.Run(r.Name, func(t *testing.T) {
			if fault := r.Refused(t.Context(), f.address); fault != "" {
				t.Error(fault)
			}
		})
	}
	if strings.Contains(f.log.String(), rawtest.Canary) {
		t.Error("a secret of a refused request is in the log")
	}
}

func TestFault_E12_WhatIsOddAndRightIsServed(t *testing.T) {
	f := serve(t)
	for _, r := range rawtest.Served() {
		t.Run(r.Name, func(t *testing.T) {
			if fault := r.Served(t.Context(), f.address); fault != "" {
				t.Error(fault)
			}
		})
	}
}

// What was once in the corpus stays in it.
func TestTheCorpusIsLargeAndItsRequestsDiffer(t *testing.T) {
	refused, served := rawtest.Refused(), rawtest.Served()
	if len(refused) < 140 || len(served) < 30 {
		t.Errorf("%d are to be refused, %d to be served", len(refused), len(served))
	}
	names, raws := map[string]bool{}, map[string]bool{}
	for _, r := range append(refused, served...) {
		if names[r.Name] || raws[r.Raw] || r.Raw == "" || len(r.Statuses) == 0 {
			t.Errorf("%s: is there twice, or says too little", r.Name)
		}
		names[r.Name], raws[r.Raw] = true, true
	}
}

func TestTheGuardOfOrdinaryRequestsAllocatesNothing(t *testing.T) {
	var h fasthttp.RequestHeader
	raw := "POST /api/ai/process?x=y HTTP/1.1\r\nHost: studysharper.example:8000\r\nContent-Length: 2\r\nAuthorization: Bearer " +
		strings.Repeat("a", 400) + "\r\nContent-Type: application/json\r\n\r\n"
	if err := h.Read(bufio.NewReader(strings.NewReader(raw))); err != nil {
		t.Fatal(err)
	}
	if body, status := checkHead(&h); status != 0 || body != (framing{length: 2}) {
		t.Fatalf("it is refused with %d, its body is %+v", status, body)
	}
	if n := testing.AllocsPerRun(100, func() { checkHead(&h) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

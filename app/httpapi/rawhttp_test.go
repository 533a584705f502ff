package httpapi

import (
	"strings"
	"testing"

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

// A request that was once in the corpus stays in it.
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

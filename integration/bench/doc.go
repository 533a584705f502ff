// Package bench measures what open streams, a language model and several instances cost, against the goals of
// docs/performance.md. `make bench-streams`, `make bench-agents` and `make bench-distributed` run it; otherwise its
// benchmarks are skipped.
package bench

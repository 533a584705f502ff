// Package study is the vocabulary of StudySharper: what a student asks for, what
// an agent makes of it, what a client watches while it is made, and how all of
// that fails. Every other package speaks these words to its neighbours; this one
// imports nothing but the standard library and touches nothing outside itself.
package study

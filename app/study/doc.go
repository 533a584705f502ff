// Package study is the vocabulary of StudySharper: the requests of students, the aids that agents make, the events that
// clients watch, and the errors of all of these. Every other package uses these types; this one imports only the
// standard library and has no side effects.
package study

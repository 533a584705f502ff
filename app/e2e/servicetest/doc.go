// Package servicetest starts the real program for tests, and uses it as clients do: with requests, event streams, and
// connections to a particular worker. It builds the program once.
package servicetest

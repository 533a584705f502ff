// Package servicetest starts the real program for tests, and talks to it as its clients do: requests, event streams,
// connections to one worker or the other. It builds the program once.
package servicetest

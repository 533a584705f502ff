// Package container checks one container of the image: its size, start, stop, health, privileges and stored data, and
// that it answers as the README shows.
package container

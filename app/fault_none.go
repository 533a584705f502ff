//go:build !faulttest

package main

// faultAtBoot does nothing: only builds with the tag faulttest can be made to fail.
func faultAtBoot(int) error { return nil }

//go:build !faulttest

package supervisor

// FaultAtBoot does nothing: only builds with the tag faulttest can be made to fail.
func FaultAtBoot(int) error { return nil }

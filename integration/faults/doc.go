// Package faults injects faults into the running service and checks what docs/faults.md promises for each. A fault is a
// value that yields a test (TestFaults/ID…), a row of that document's table and a row of the report.
package faults

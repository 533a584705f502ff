// Package memory holds the container to its memory bounds: under each load of the suite, over a soak, with full caches,
// with workers that leak, and when thousands of clients ask at once. Nothing else may run on the machine meanwhile: what a
// container holds depends on when its garbage collectors get a processor.
package memory

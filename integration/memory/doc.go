// Package memory checks the container's memory limits: under each load of the suite, over a soak, with full caches,
// with workers that leak, and when thousands of clients send requests at once. Nothing else may run on the machine
// meanwhile, because a container's memory depends on when its garbage collectors get a processor.
package memory

package main

import (
	"os"
	"time"

	"studysharper/app/extract/child"
	"studysharper/app/memory"
)

// importWait is how long a file waits to be read; see also child.Reader.
const importWait = 30 * time.Second

// importer reads files one at a time in the container, while there is room for the process that does it. All of it takes less
// than WORKER_TIMEOUT, or the worker would be ended for it.
func (a *assembly) importer() *child.Reader {
	cgroup, reading := memory.OpenCgroup(os.DirFS("/")), a.shared.holdings.Reading
	return &child.Reader{
		Turn: func() (release func(), ok bool) {
			place, err := reading.Take("reading")
			return func() { reading.Release(place) }, err == nil
		},
		Room: func() int64 {
			usage, err := cgroup.Memory()
			if err != nil || usage.LimitBytes == 0 {
				return a.b.Import
			}
			return usage.LimitBytes - a.b.Kernel/2 - usage.Container()
		},
		Wait:  min(importWait, a.c.WorkerTimeout/4),
		Time:  a.c.WorkerTimeout / 2,
		Order: child.Order{MaxPages: a.c.MaxUploadPage, PDF: child.FindPDFReader(), Memory: a.b.Import},
	}
}

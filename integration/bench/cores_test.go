package bench

import (
	"fmt"
	"time"

	"studysharper/integration/harness"
)

// cores adds the share of the cores that the service used since from, and the shares of the client and of other
// processes, which slow the service down. Interrupts, which include the work of the loopback network, may count in any
// of the shares, depending on the kernel's configuration.
func (b *bench) cores(h *harness.Instance, from harness.CPUTime, n int) {
	b.Helper()
	now := h.CPU(b)
	share := func(d time.Duration) float64 { return d.Seconds() / now.At.Sub(from.At).Seconds() }
	service, client := share(now.Service-from.Service), share(now.Client-from.Client)
	others := max(0, share(now.Busy-from.Busy)-service-client)
	b.add(benchRow{Name: "cores that the service took", N: n, Measured: fmt.Sprintf("%.2f", service), Value: service,
		Note: fmt.Sprintf("the client %.2f, everything else on this machine %.2f; in interrupts, of all that, %.2f",
			client, others, share(now.Interrupts-from.Interrupts))})
}

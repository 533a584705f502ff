package harness

import (
	"fmt"
	"time"
)

// Amount formats bytes as megabytes, or as kilobytes below 0.1 MB.
func Amount(bytes int64) string {
	if -100_000 < bytes && bytes < 100_000 {
		return fmt.Sprintf("%.2f kB", float64(bytes)/1e3)
	}
	return Megabytes(bytes)
}

// Short formats a time in milliseconds or seconds, whichever has fewer digits.
func Short(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2f ms", float64(d)/1e6)
	case d < 10*time.Second:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}

// Quantile returns the smallest of the times that a share q of them does not exceed; 0 if there are no times.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := int(q*float64(len(sorted))+.999999) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// Spread formats the quantiles of times.
func Spread(sorted []time.Duration) string {
	return fmt.Sprintf("p50 %s, p90 %s, p99 %s, most %s",
		Short(Quantile(sorted, .5)), Short(Quantile(sorted, .9)), Short(Quantile(sorted, .99)), Short(Quantile(sorted, 1)))
}

// Megabytes formats bytes as megabytes of 10⁶ bytes.
func Megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

// Seconds formats a time in seconds.
func Seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// lasting formats a number of seconds as milliseconds, seconds or minutes.
func lasting(s float64) string {
	switch {
	case s < 1:
		return Short(time.Duration(s * float64(time.Second)))
	case s < 120:
		return number(s, 1) + " s"
	default:
		return number(s/60, 1) + " min"
	}
}

// grouped formats a count with a comma between thousands.
func grouped(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

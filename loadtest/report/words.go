package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// ms formats a time given in milliseconds.
func ms(n float64) string {
	switch {
	case n >= 10_000:
		return number(n/1000, 1) + " s"
	case n >= 1000:
		return number(n/1000, 2) + " s"
	case n >= 100:
		return number(n, 0) + " ms"
	case n >= 10:
		return number(n, 1) + " ms"
	default:
		return number(n, 3) + " ms"
	}
}

func size(bytes int64) string {
	if bytes >= 1e9 {
		return fmt.Sprintf("%.2f GB", float64(bytes)/1e9)
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}

func percent(n float64) string {
	if n < 100 && n > 99.95 { // must not be rounded to 100
		return fmt.Sprintf("%.4f%%", min(n, 99.9999))
	}
	return number(n, 1) + "%"
}

// counted formats counts by name: "2 max_requests, 1 crash".
func counted(counts map[string]int64) string {
	parts := make([]string, 0, len(counts))
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[name], name))
	}
	return strings.Join(parts, ", ")
}

// number writes a number rounded to so many digits, without zeros at its end.
func number(n float64, digits int) string {
	unit := math.Pow10(digits)
	return strconv.FormatFloat(math.Round(n*unit)/unit, 'f', -1, 64)
}

// Package machine says what a measurement was made on, and boils rounds down to figures.
//
// Promises: a heading that tells when, on what, beside what load and by which command; medians with their range.
//
// Not promised: anything on systems without /proc, where the heading says "unknown".
package machine

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Heading is the first lines of a result, as Markdown: the time, the machine, its load, the command.
func Heading(command string) string {
	return fmt.Sprintf("\n## %s\n\n%s, %d processors, %s/%s, %s, load %s. `%s`\n\n",
		time.Now().UTC().Format("2006-01-02 15:04 UTC"), model(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), load(), command)
}

// model is the processor's name as Linux tells it.
func model() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// load is what else the machine does, as Linux tells it: the average of the last minute.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
}

// Median is the middle of v, the mean of the two middle ones when their number is even. v has at least one.
func Median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

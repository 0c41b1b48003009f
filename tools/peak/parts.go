//go:build unix

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// parts are the greatest figures seen of a process, in KiB; 0 is none.
type parts struct{ anon, file int64 }

func (p parts) String() string {
	if p.anon == 0 {
		return ""
	}
	return fmt.Sprintf(" (seen: %.1f private, %.1f of files)", float64(p.anon)/(1<<10), float64(p.file)/(1<<10))
}

// watch looks at a process until the function it returns is called, which gives what was seen. A process that has
// ended, and a system without /proc, show nothing.
func watch(pid int) (stop func() parts) {
	const every = 20 * time.Millisecond
	ended, seen := make(chan struct{}), make(chan parts)
	go func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		var most parts
		for {
			now := look(pid)
			most = parts{max(most.anon, now.anon), max(most.file, now.file)}
			select {
			case <-ticker.C:
			case <-ended:
				seen <- most
				return
			}
		}
	}()
	return func() parts {
		close(ended)
		return <-seen
	}
}

func look(pid int) parts {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return parts{}
	}
	return parts{field(string(text), "RssAnon:"), field(string(text), "RssFile:")}
}

// field is the number on the line of /proc/PID/status that begins with name, which counts KiB; 0 when there is none.
func field(status, name string) int64 {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib
		}
	}
	return 0
}

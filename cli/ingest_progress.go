package cli

import (
	"fmt"
	"path/filepath"
	"time"

	"episteme/engine"
	"episteme/engine/record"
)

// progress is a line on the terminal while a file is read.
type progress struct {
	r       *intakeRun
	name    string
	size    int64 // 0: unknown
	from    *source
	began   int64 // where in the file this run began
	started time.Time
	drawn   time.Time
}

func (r *intakeRun) progress(name string, size int64, from *source) *progress {
	return &progress{r: r, name: name, size: size, from: from, began: from.Offset(), started: time.Now()}
}

// drawEvery is how often the line is drawn again: often enough to live, rare enough for a slow link.
const drawEvery = 200 * time.Millisecond

func (p *progress) step(done engine.Ingested) {
	if !isTerminal(p.r.err) || time.Since(p.drawn) < drawEvery {
		return
	}
	p.drawn = time.Now()
	fmt.Fprintf(p.r.err, "\r\x1b[K%s", p.line(done, p.from.read(), time.Since(p.started)))
}

// line says how far a file is at byte at of it, after so long. Of one that grows, or whose size is not known, nobody
// knows how much is left.
func (p *progress) line(done engine.Ingested, at int64, after time.Duration) string {
	line := fmt.Sprintf("%s: %d kept, %d refused · %s", record.Clean(filepath.Base(p.name)), done.Kept, done.Refused, mebibytes(at))
	read, seconds := float64(max(at-p.began, 0)), after.Seconds()
	if read == 0 || seconds <= 0 {
		return line
	}
	line += fmt.Sprintf(" · %s/s", mebibytes(int64(read/seconds)))
	if at <= p.size && !p.r.flags.follow {
		left := time.Duration(float64(p.size-at) / read * float64(time.Second) * seconds)
		line += fmt.Sprintf(" · %d %% · %s left", at*100/p.size, left.Round(time.Second))
	}
	return line
}

// clear takes the line away, so that something else can be printed.
func (p *progress) clear() {
	if !p.drawn.IsZero() {
		fmt.Fprint(p.r.err, "\r\x1b[K")
	}
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

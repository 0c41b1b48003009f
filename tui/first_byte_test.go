package tui

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/creack/pty"
)

// BenchmarkFirstByte starts the program as somebody does who is in a hurry, episteme tui --fixture auth-jwt, on a pseudo
// terminal that answers nothing that it is asked. It reports from the start of the process to the first byte, and to
// the screen that says how much there is: both in milliseconds, the mean and the worst.
func BenchmarkFirstByte(b *testing.B) {
	program := filepath.Join(b.TempDir(), "episteme")
	if out, err := exec.Command("go", "build", "-o", program, "episteme").CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, out)
	}
	var first, full, worst time.Duration
	for b.Loop() {
		byteAt, screenAt := startOn(b, program)
		first, full, worst = first+byteAt, full+screenAt, max(worst, byteAt)
	}
	milli := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1_000 }
	b.ReportMetric(milli(first)/float64(b.N), "ms/first-byte")
	b.ReportMetric(milli(full)/float64(b.N), "ms/full-screen")
	b.ReportMetric(milli(worst), "ms/worst-first-byte")
}

// startOn runs the program until its first screen is complete, and ends it.
func startOn(b *testing.B, program string) (first, full time.Duration) {
	b.Helper()
	c := exec.Command(program, "tui", "--fixture", "auth-jwt")
	c.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=truecolor", "COLORFGBG=", "HOME="+b.TempDir())
	begun := time.Now()
	terminal, err := pty.StartWithSize(c, &pty.Winsize{Cols: 120, Rows: 40})
	if err != nil {
		b.Skipf("no pseudo terminal here: %v", err)
	}
	defer terminal.Close()
	defer c.Wait()
	defer c.Process.Kill()
	var all bytes.Buffer
	buf := make([]byte, 32<<10)
	for !bytes.Contains(all.Bytes(), []byte(" queries")) {
		n, err := terminal.Read(buf)
		if err != nil {
			b.Fatalf("after %d bytes: %v\n%q", all.Len(), err, all.String())
		}
		if first == 0 {
			first = time.Since(begun)
		}
		all.Write(buf[:n])
	}
	return first, time.Since(begun)
}

//go:build unix

// Peak runs a command and says how much memory it held at most, as the kernel counted it.
//
//	peak --max-mib 256 -- ./episteme ingest big.jsonl
//
// The command has our standard streams; the figures go to standard error once it has ended. The exit status is the
// command's own; 1 when it was 0 and the peak is above the limit. It is here because not every machine has
// GNU time.
//
// The figure that has a limit is ru_maxrss: resident pages, those of mapped files included, as the kernel kept it.
// Linux starts it at the peak of the process that made the new one; that is this program with its few MiB.
//
// Where the system has /proc, two more are the greatest that were seen at some fifty looks a second: what belongs to
// the process alone (RssAnon: heap, stacks), and pages of files, which the kernel can drop (RssFile). They explain the
// first one; what comes and goes between two looks is missing in them.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

func main() {
	maxMiB := flag.Float64("max-mib", 0, "the limit in MiB; 0: none")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: peak [--max-mib N] -- COMMAND [ARGUMENT]...")
		os.Exit(2)
	}
	os.Exit(run(flag.Args(), *maxMiB))
}

// run returns the exit status.
func run(command []string, maxMiB float64) int {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(os.Stderr, "peak: start %s: %v\n", command[0], err)
		return 1
	}
	parts := watch(cmd.Process.Pid)
	err := cmd.Wait()
	seen := parts()
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	peak := mebibytes(int64(usage.Maxrss), runtime.GOOS)
	fmt.Fprintf(os.Stderr, "peak: %.1f MiB resident%s, %.1f s elapsed, %.1f s of processor\n", peak, seen, time.Since(start).Seconds(),
		(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
	return verdict(err, peak, maxMiB)
}

// verdict turns how the command ended and what it held into an exit status, and says what is wrong.
func verdict(err error, peak, maxMiB float64) int {
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode()
	case err != nil: // killed by a signal, or one of its streams failed
		fmt.Fprintf(os.Stderr, "peak: %v\n", err)
		return 1
	case maxMiB > 0 && peak > maxMiB:
		fmt.Fprintf(os.Stderr, "peak: that is above the limit of %g MiB\n", maxMiB)
		return 1
	}
	return 0
}

// mebibytes converts ru_maxrss, which Darwin counts in bytes and the others in KiB.
func mebibytes(maxrss int64, goos string) float64 {
	if goos == "darwin" || goos == "ios" {
		return float64(maxrss) / (1 << 20)
	}
	return float64(maxrss) / (1 << 10)
}

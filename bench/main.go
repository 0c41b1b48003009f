// Command bench measures the journal and the store side by side with others, in one run: rounds in which all take turns,
// medians of rates, and medians of the ratios within each round, which hold also where the machine is shared. It is a
// module of its own, so that the program does not carry the modules of those it is compared with.
//
//	bench [-dir DIR] [-rounds N] [-each D] [-bytes N] [-results FILE]
//	bench store [-dir DIR] [-rounds N] [-n N] [-results FILE] …
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"episteme/bench/machine"
	"episteme/bench/store"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) > 1 && os.Args[1] == "store" {
		return store.Main(os.Args[2:])
	}
	if len(os.Args) > 1 && os.Args[1] == store.ChildArg {
		return store.Child(os.Args[2:], os.Stdin, os.Stdout)
	}
	if len(os.Args) == 5 && os.Args[1] == fillArg {
		total, err := strconv.ParseInt(os.Args[3], 10, 64)
		if err != nil {
			return err
		}
		payload, err := strconv.Atoi(os.Args[4])
		if err != nil {
			return err
		}
		return fill(os.Args[2], total, payload)
	}
	dir := flag.String("dir", ".", "where the journals are made: a real disk, not memory")
	rounds := flag.Int("rounds", 5, "rounds of each measurement")
	each := flag.Duration("each", 700*time.Millisecond, "how long one journal is written to")
	total := flag.Int64("bytes", 1_000_000_000, "size of the journal that is opened and verified")
	results := flag.String("results", "", "file that the results are appended to")
	flag.Parse()

	rows, err := measureAppends(*dir, *rounds, *each)
	if err != nil {
		return err
	}
	var readings []reading
	for _, payload := range []int{payloadBytes, 4096} {
		r, err := measureReading(*dir, *total, payload, *rounds)
		if err != nil {
			return err
		}
		readings = append(readings, r)
	}
	out := io.Writer(os.Stdout)
	if *results != "" {
		f, err := os.OpenFile(*results, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		defer f.Close()
		out = io.MultiWriter(os.Stdout, f)
	}
	return report(out, rows, readings, fmt.Sprintf("-rounds %d -each %v -bytes %d", *rounds, *each, *total))
}

// report writes the results as Markdown.
func report(w io.Writer, rows []row, readings []reading, flags string) error {
	var b strings.Builder
	b.WriteString(machine.Heading("bench " + flags))
	fmt.Fprintf(&b, "Appends of %d bytes a second, each durable when it returns. × is how many times as many episteme makes: the\nmedian of the rounds, in brackets the worst and the best.\n\n", payloadBytes)
	b.WriteString("| |")
	for _, p := range peers {
		fmt.Fprintf(&b, " %s |", p.name)
	}
	for _, p := range peers[1:] {
		fmt.Fprintf(&b, " × %s |", p.name)
	}
	b.WriteString("\n|---" + strings.Repeat("|---", 2*len(peers)-1) + "|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %v |", r.scenario)
		for _, rate := range r.rates {
			fmt.Fprintf(&b, " %.0f |", rate)
		}
		fmt.Fprintf(&b, " %.2f (%.2f–%.2f) |", r.ratios[1], r.spread[0], r.spread[1])
		for _, ratio := range r.ratios[2:] {
			fmt.Fprintf(&b, " %.2f |", ratio)
		}
		b.WriteString("\n")
	}
	b.WriteString("\nOpening and verifying a journal. Hashing is what two goroutines make of the same pieces, payloads and links,\nfrom memory; a stream is the same bytes without pieces.\n\n")
	b.WriteString("| payloads | bytes | open after a crash | after closing | verify MB/s | hashing MB/s | verify ÷ hashing | ÷ a stream |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range readings {
		fmt.Fprintf(&b, "| %d | %d | %.0f ms | %.1f ms | %.0f | %.0f | %.2f | %.2f |\n", r.payload, r.bytes, r.afterCrash.Seconds()*1e3, r.afterClose.Seconds()*1e3,
			r.verify/1e6, r.hash/1e6, r.ratio, r.ratioStream)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

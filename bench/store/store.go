// Package store measures episteme's store beside SQLite, in one run: rounds in which both take turns, each measurement
// in a process of its own, the same records, the same questions, and answers that must be equal.
//
// SQLite is the pure Go one, in WAL mode with synchronous=FULL, one transaction a batch, prepared statements, integer
// keys, and an index for each question. It is given the rows and the hashes of all records ready-made. episteme makes
// its hashes itself within the clock, chains its journal, and computes findings.
//
// Promises: a figure that is printed comes from a run in which both held the same number of audits and gave answers of
// equal checksums; what loses is printed like what wins.
//
// Not promised: figures that hold on another machine, or with the pages of the files not in memory: they are not
// dropped before opening.
package store

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are the flags of a run.
type options struct {
	Dir      string // on the disk that is measured
	Audits   int    // held when reading, opening and memory are measured
	Base     int    // there before ingest is measured
	Ingested int    // by the clock, a tenth of them at one a sync
	Rounds   int
	Seed     uint64
	CacheKiB int           // SQLite's page cache
	Idle     time.Duration // until memory is looked at again
	Progress func(format string, args ...any)
}

// Main is the command `bench store`.
func Main(args []string) error {
	var o options
	f := flag.NewFlagSet("bench store", flag.ContinueOnError)
	f.StringVar(&o.Dir, "dir", ".", "where the stores are made: a real disk, not memory")
	f.IntVar(&o.Audits, "n", 100_000, "audits that are held when reading, opening and memory are measured")
	f.IntVar(&o.Base, "base", 20_000, "audits that are there before ingest is measured; -n at most")
	f.IntVar(&o.Ingested, "ingest", 20_000, "audits that are ingested by the clock, a tenth of them at one a sync; a quarter of -n at most")
	f.IntVar(&o.Rounds, "rounds", 3, "rounds of each measurement")
	f.Uint64Var(&o.Seed, "seed", 1, "of the records and the questions")
	f.IntVar(&o.CacheKiB, "sqlite-cache", defaultCacheKiB, "SQLite's page cache in KiB; its own default is 2000")
	f.DurationVar(&o.Idle, "idle", 2*time.Second, "how long a process rests before its memory is looked at again")
	results := f.String("results", "", "file that the table is appended to")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("found %q, expected flags only", f.Arg(0))
	}
	if err := o.check(); err != nil {
		return err
	}
	if *results == "" {
		return o.tell(os.Stdout)
	}
	file, err := os.OpenFile(*results, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) // now: a run takes minutes
	if err != nil {
		return err
	}
	return errors.Join(o.tell(io.MultiWriter(os.Stdout, file)), file.Close())
}

// tell measures, with progress on the standard error, and writes the table.
func (o options) tell(w io.Writer) error {
	started := time.Now()
	o.Progress = func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%6.1fs  "+format+"\n", append([]any{time.Since(started).Seconds()}, args...)...)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	table, err := measure(ctx, o)
	if err != nil {
		return err
	}
	return table.write(w, o)
}

// check refuses what cannot be measured, and cuts what is ingested to what is held.
func (o *options) check() error {
	const leastIngested = 10 // a tenth of them is ingested at one a sync
	if o.Audits < 4*leastIngested || o.Base < 1 || o.Ingested < leastIngested || o.Rounds < 1 || o.CacheKiB < 1 {
		return fmt.Errorf("found -n %d -base %d -ingest %d -rounds %d -sqlite-cache %d, expected at least %d for -n, %d for -ingest, 1 for the others",
			o.Audits, o.Base, o.Ingested, o.Rounds, o.CacheKiB, 4*leastIngested, leastIngested)
	}
	o.Base, o.Ingested = min(o.Base, o.Audits), min(o.Ingested, o.Audits/4)
	return nil
}

// run is a measurement going on.
type run struct {
	options
	at    string // a directory of its own, removed at the end
	table table
}

// measure makes all measurements, in a directory of its own.
func measure(ctx context.Context, o options) (t table, err error) {
	r := &run{options: o}
	if r.at, err = os.MkdirTemp(o.Dir, "store"); err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.at)) }()
	for _, part := range []func(context.Context) error{r.ingest, r.held} {
		if err := part(ctx); err != nil {
			return t, err
		}
	}
	return r.table, nil
}

func (r *run) task(do work, peer int, dir string) task {
	return task{Do: do, Peer: peerNames[peer], Dir: dir, Batch: 1000, CacheKiB: r.CacheKiB, Idle: r.Idle}
}

// feedSteps sends steps and ends the input.
func feedSteps(steps []Step) func(func(message) error) error {
	return func(send func(message) error) error {
		for i := range steps {
			if err := send(message{Step: &steps[i]}); err != nil {
				return err
			}
		}
		return send(message{Last: true})
	}
}

// turns is the order of the peers in a round: nobody is always the first.
func turns(round int) []int {
	order := make([]int, len(peerNames))
	for i := range order {
		order[i] = (i + round) % len(order)
	}
	return order
}

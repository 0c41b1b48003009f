package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ingest measures how many audits a second become durable, on top of a base that is copied for each round.
func (r *run) ingest(ctx context.Context) error {
	var steps []Step
	for s, err := range NewFleet(r.Base+r.Ingested, r.Seed).Steps() {
		if err != nil {
			return err
		}
		steps = append(steps, s)
	}
	var bases []string
	for p, name := range peerNames {
		dir := filepath.Join(r.at, "base-"+name)
		t := r.task(doFill, p, dir)
		t.Expect, t.Idle = uint64(r.Base), 0
		if _, err := runChild(ctx, t, feedSteps(steps[:r.Base])); err != nil {
			return err
		}
		bases = append(bases, dir)
	}
	for _, batch := range []int{1, 100, 1000} {
		measured := steps[r.Base:]
		if batch == 1 {
			measured = measured[:len(measured)/10]
		}
		batch = min(batch, len(measured)) // what is called a batch of a thousand is one
		if err := r.ingestBatches(ctx, batch, bases, measured); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) ingestBatches(ctx context.Context, batch int, bases []string, steps []Step) error {
	durable := newSeries(fmt.Sprintf("ingest, %d a sync, until durable", batch), "audits/s", more)
	held := newSeries(fmt.Sprintf("ingest, %d a sync, until questions see it", batch), "audits/s", more)
	for round := range r.Rounds {
		for _, p := range turns(round) {
			dir := filepath.Join(r.at, "ingest")
			if err := copyDir(dir, bases[p]); err != nil {
				return err
			}
			t := r.task(doIngest, p, dir)
			t.Batch, t.Expect = batch, uint64(r.Base+len(steps))
			o, err := runChild(ctx, t, feedSteps(steps))
			if err != nil {
				return err
			}
			durable.add(p, float64(len(steps))/o.Durable.Seconds())
			held.add(p, float64(len(steps))/o.Held.Seconds())
			r.Progress("round %d: ingest, %d a sync: %-8s %7.0f audits/s durable, %7.0f seen", round+1, batch, peerNames[p], float64(len(steps))/o.Durable.Seconds(), float64(len(steps))/o.Held.Seconds())
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
		}
	}
	r.table.add(durable, held)
	return nil
}

// copyDir copies a directory and syncs what it wrote, so that nobody's first sync by the clock has to write it.
func copyDir(to, from string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}

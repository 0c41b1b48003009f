package store

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"time"
)

// held measures what holding so many audits takes: bytes, memory, time to open, time to answer.
func (r *run) held(ctx context.Context) error {
	questions, err := r.fill(ctx)
	if err != nil {
		return err
	}
	if err := r.open(ctx); err != nil {
		return err
	}
	return r.ask(ctx, questions)
}

// fillStep is how many audits pass between two lines of progress.
const fillStep = 100_000

func (r *run) dirOf(peer int) string { return filepath.Join(r.at, "held-"+peerNames[peer]) }

// fill makes the stores that the rest is measured with, and looks at bytes and memory on the way.
func (r *run) fill(ctx context.Context) (questions []Question, err error) {
	var filled [2]outcome
	for p := range peerNames {
		t := r.task(doFill, p, r.dirOf(p))
		t.Expect = uint64(r.Audits)
		start := time.Now()
		filled[p], err = runChild(ctx, t, func(send func(message) error) error {
			fleet := NewFleet(r.Audits, r.Seed)
			chosen := newChooser(fleet, r.Seed)
			for s, err := range fleet.Steps() {
				if err != nil {
					return err
				}
				chosen.see(s.Audit)
				if done := s.Audit.Row + 1; done%fillStep == 0 {
					r.Progress("%s is sent %d audits of %d", peerNames[p], done, r.Audits)
				}
				if err := send(message{Step: &s}); err != nil {
					return err
				}
			}
			questions = chosen.questions()
			return send(message{Questions: questions, Last: true})
		})
		if err != nil {
			return nil, err
		}
		r.Progress("%s holds %d audits after %.1f s", peerNames[p], r.Audits, time.Since(start).Seconds())
	}
	if err := sameAnswers(questions, filled[0].Answers, filled[1].Answers); err != nil {
		return nil, err
	}
	if err := r.addBytes(); err != nil {
		return nil, err
	}
	for _, m := range []struct {
		what string
		of   func(outcome) int64
	}{
		{"memory of its own (RssAnon) after ingest and questions", func(o outcome) int64 { return o.Busy.Anonymous }},
		{fmt.Sprintf("the same after %v at rest", r.Idle), func(o outcome) int64 { return o.Idle.Anonymous }},
		{"peak resident memory with mapped files (VmHWM)", func(o outcome) int64 { return o.Idle.Peak }},
	} {
		s := newSeries(m.what, "MiB", less)
		for p := range peerNames {
			s.add(p, float64(m.of(filled[p]))/(1<<20))
		}
		r.table.add(s)
	}
	return questions, nil
}

// addBytes tells what lies on the disk after a clean close. The journal is the evidence, for which SQLite has nothing
// that corresponds, so it is told apart and together.
func (r *run) addBytes() error {
	var sizes [3]float64
	for i, dir := range []string{filepath.Join(r.dirOf(0), "kv"), filepath.Join(r.dirOf(0), "wal"), r.dirOf(1)} {
		n, err := bytesIn(dir)
		if err != nil {
			return err
		}
		sizes[i] = float64(n) / float64(r.Audits)
	}
	store, journal, database := sizes[0], sizes[1], sizes[2]
	for _, row := range []struct {
		what         string
		ours, theirs []float64
	}{
		{"on disk: the store", []float64{store}, []float64{database}},
		{"on disk: the journal, with the room it took ahead", []float64{journal}, nil},
		{"on disk: both", []float64{store + journal}, []float64{database}},
	} {
		s := newSeries(row.what, "bytes/audit", less)
		s.values = [2][]float64{row.ours, row.theirs}
		r.table.add(s)
	}
	return nil
}

func (r *run) open(ctx context.Context) error {
	opened := newSeries("open after a clean close, and count", "ms", less)
	for round := range r.Rounds {
		for _, p := range turns(round) {
			t := r.task(doOpen, p, r.dirOf(p))
			t.Expect = uint64(r.Audits)
			o, err := runChild(ctx, t, feedSteps(nil))
			if err != nil {
				return err
			}
			opened.add(p, o.Opened.Seconds()*1e3)
			r.Progress("round %d: open: %-8s %7.1f ms", round+1, peerNames[p], o.Opened.Seconds()*1e3)
		}
	}
	r.table.add(opened)
	return nil
}

// ask puts all questions in each round, to a process that has just opened its store and was asked each once before.
func (r *run) ask(ctx context.Context, questions []Question) error {
	var halves, tails []*series
	for range kinds() {
		halves, tails = append(halves, newSeries("", "µs", less)), append(tails, newSeries("", "µs", less))
	}
	for round := range r.Rounds {
		var answers [2][]answered
		for _, p := range turns(round) {
			t := r.task(doAsk, p, r.dirOf(p))
			t.Expect = uint64(r.Audits)
			o, err := runChild(ctx, t, func(send func(message) error) error {
				return send(message{Questions: questions, Last: true})
			})
			if err != nil {
				return err
			}
			answers[p] = o.Answers
			r.Progress("round %d: %d questions: %s", round+1, len(questions), peerNames[p])
		}
		if err := sameAnswers(questions, answers[0], answers[1]); err != nil {
			return err
		}
		for i, k := range kinds() {
			for p := range peerNames {
				took, rows := times(questions, answers[p], k)
				if len(took) == 0 {
					continue
				}
				halves[i].what = fmt.Sprintf("%s (%d rows), p50 of %d", k, rows, len(took))
				tails[i].what = fmt.Sprintf("%s, p99", k)
				halves[i].add(p, percentile(took, 0.5))
				tails[i].add(p, percentile(took, 0.99))
			}
		}
	}
	for i := range halves {
		r.table.add(halves[i], tails[i])
	}
	return nil
}

// sameAnswers makes sure that both stores told the same. A question that one cannot be asked says nothing.
func sameAnswers(questions []Question, ours, theirs []answered) error {
	if len(ours) != len(questions) || len(theirs) != len(questions) {
		return fmt.Errorf("%s answered %d questions and %s %d, expected %d", episteme, len(ours), sqlite, len(theirs), len(questions))
	}
	for i, q := range questions {
		a, b := ours[i], theirs[i]
		if a.CannotAsk || b.CannotAsk || a.Rows == b.Rows && a.Digest == b.Digest {
			continue
		}
		return fmt.Errorf("%+v: %s told %d rows with checksum %016x, %s %d with %016x: answers differ, so their times cannot be compared",
			q, episteme, a.Rows, a.Digest, sqlite, b.Rows, b.Digest)
	}
	return nil
}

// times are those of one kind of question in µs, rising, and the mean number of rows.
func times(questions []Question, answers []answered, k Kind) (took []float64, rows int) {
	for i, q := range questions {
		if q.Kind == k && !answers[i].CannotAsk {
			took = append(took, answers[i].Took.Seconds()*1e6)
			rows += answers[i].Rows
		}
	}
	slices.Sort(took)
	return took, rows / max(1, len(took))
}

// percentile is the nearest of sorted values.
func percentile(sorted []float64, p float64) float64 {
	return sorted[int(math.Round(p*float64(len(sorted)-1)))]
}

package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"episteme/bench/machine"
)

const payloadBytes = 256

// scenario is a way of appending: so many at once, from so many goroutines.
type scenario struct{ writers, batch int }

func (s scenario) String() string {
	if s.batch > 1 {
		return fmt.Sprintf("1 writer, batches of %d", s.batch)
	}
	if s.writers == 1 {
		return "1 writer, a sync per append"
	}
	return fmt.Sprintf("%d writers", s.writers)
}

var scenarios = []scenario{{1, 1}, {1, 64}, {4, 1}, {16, 1}, {64, 1}, {256, 1}}

// row is what a scenario came to: the median of each peer's rounds in appends per second, and of the ratios of the
// first peer to it within each round.
type row struct {
	scenario scenario
	rates    []float64
	ratios   []float64
	spread   []float64 // the worst and the best ratio of rounds to the second peer
}

// measureAppends lets all peers take turns within each round, so that whatever else the machine does meets all of them.
func measureAppends(dir string, rounds int, each time.Duration) ([]row, error) {
	var rows []row
	for _, s := range scenarios {
		rates, ratios := make([][]float64, len(peers)), make([][]float64, len(peers))
		for round := range rounds {
			for i := range peers {
				p := (i + round) % len(peers) // nobody is always the first
				rate, err := appendFor(peers[p], dir, s, each)
				if err != nil {
					return nil, fmt.Errorf("%s, %v: %w", peers[p].name, s, err)
				}
				rates[p] = append(rates[p], rate)
			}
			for p := range peers {
				ratios[p] = append(ratios[p], rates[0][round]/rates[p][round])
			}
		}
		r := row{scenario: s, spread: []float64{slices.Min(ratios[1]), slices.Max(ratios[1])}}
		for p := range peers {
			r.rates, r.ratios = append(r.rates, machine.Median(rates[p])), append(r.ratios, machine.Median(ratios[p]))
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// appendFor is how many payloads a second become durable in a new journal.
func appendFor(p peer, dir string, s scenario, each time.Duration) (float64, error) {
	at, err := os.MkdirTemp(dir, "run")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(at)
	log, err := p.open(at)
	if err != nil {
		return 0, err
	}
	write := log.append
	if !p.groups && s.writers > 1 {
		var mu sync.Mutex
		write = func(batch [][]byte) error {
			mu.Lock()
			defer mu.Unlock()
			return log.append(batch)
		}
	}
	batch := make([][]byte, s.batch)
	for i := range batch {
		batch[i] = make([]byte, payloadBytes)
		for j := range batch[i] {
			batch[i][j] = byte(i*31 + j*7)
		}
	}
	for range 50 { // the first ones make files
		if err := write(batch); err != nil {
			return 0, err
		}
	}
	runtime.GC()
	done, took, err := together(s.writers, each, func() error { return write(batch) })
	if err != nil {
		return 0, err
	}
	return float64(done*int64(s.batch)) / took.Seconds(), log.close()
}

// together calls work from so many goroutines for so long, and counts the calls.
func together(writers int, each time.Duration, work func() error) (done int64, took time.Duration, err error) {
	var wg sync.WaitGroup
	var count atomic.Int64
	var failed atomic.Pointer[error]
	start := time.Now()
	for range writers {
		wg.Go(func() {
			for time.Since(start) < each && failed.Load() == nil {
				if err := work(); err != nil {
					failed.Store(&err)
					return
				}
				count.Add(1)
			}
		})
	}
	wg.Wait()
	if e := failed.Load(); e != nil {
		return 0, 0, *e
	}
	return count.Load(), time.Since(start), nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"episteme/bench/machine"
	"episteme/engine/vfs"
	"episteme/engine/wal"
	"lukechampine.com/blake3"
)

// fillArg makes this program fill a journal and end without closing it, as if it had been killed.
const fillArg = "fill-and-die"

// fill appends records until the journal holds so many bytes.
func fill(dir string, total int64, payload int) error {
	l, _, err := wal.Open(vfs.OS(), dir, wal.Options{})
	if err != nil {
		return err
	}
	entries := make([]wal.Entry, max(1, (1<<20)/(payload+104)))
	for i := range entries {
		p := make([]byte, payload)
		for j := range p {
			p[j] = byte(i*13 + j*5)
		}
		entries[i] = wal.Entry{Kind: 1, Payload: p}
	}
	for done := int64(0); done < total; done += int64(len(entries) * (payload + 104)) {
		if _, err := l.Append(context.Background(), entries...); err != nil {
			return err
		}
	}
	return nil
}

func fillInChild(dir string, total int64, payload int) error {
	cmd := exec.Command(os.Args[0], fillArg, dir, fmt.Sprint(total), fmt.Sprint(payload))
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// reading is what reading a journal came to.
type reading struct {
	payload     int
	bytes       int64
	afterCrash  time.Duration // to open it
	afterClose  time.Duration
	verify      float64 // bytes of journal a second
	hash        float64 // the same, of the same pieces hashed from memory by as many goroutines
	hashStream  float64 // the same, all bytes as one stream for each goroutine
	ratio       float64 // verify to hash, median of the rounds
	ratioStream float64
}

func measureReading(dir string, total int64, payload, rounds int) (reading, error) {
	at, err := os.MkdirTemp(dir, "run")
	if err != nil {
		return reading{}, err
	}
	defer os.RemoveAll(at)
	journal := filepath.Join(at, "wal")
	if err := fillInChild(journal, total, payload); err != nil {
		return reading{}, err
	}
	r := reading{payload: payload}
	if r.afterCrash, err = timeOpen(journal, false); err != nil {
		return r, err
	}
	var closed []float64
	for range rounds {
		took, err := timeOpen(journal, true)
		if err != nil {
			return r, err
		}
		closed = append(closed, took.Seconds())
	}
	r.afterClose = time.Duration(machine.Median(closed) * float64(time.Second))
	return r, r.measureVerify(journal, rounds)
}

// timeOpen opens a journal for writing and closes it again, which is not counted.
func timeOpen(journal string, clean bool) (time.Duration, error) {
	start := time.Now()
	l, rec, err := wal.Open(vfs.OS(), journal, wal.Options{})
	took := time.Since(start)
	if err != nil {
		return 0, err
	}
	if rec.Clean != clean {
		return 0, fmt.Errorf("opened with Clean = %v, expected %v", rec.Clean, clean)
	}
	return took, l.Close()
}

// measureVerify lets verifying and hashing take turns.
func (r *reading) measureVerify(journal string, rounds int) error {
	var verify, hash, stream, ratio, ratioStream []float64
	for range rounds {
		start := time.Now()
		report, err := wal.Verify(context.Background(), vfs.OS(), journal, wal.VerifyOptions{Workers: 2})
		if err != nil {
			return err
		}
		if !report.Whole() {
			return errors.New(report.Problems[0].String())
		}
		r.bytes = report.Bytes
		v := float64(report.Bytes) / time.Since(start).Seconds()
		h, s := hashRate(r.payload, r.bytes/2), streamRate(r.bytes/2)
		verify, hash, stream = append(verify, v), append(hash, h), append(stream, s)
		ratio, ratioStream = append(ratio, v/h), append(ratioStream, v/s)
	}
	r.verify, r.hash, r.hashStream = machine.Median(verify), machine.Median(hash), machine.Median(stream)
	r.ratio, r.ratioStream = machine.Median(ratio), machine.Median(ratioStream)
	return nil
}

// hashRate is how many bytes of journal a second two goroutines hash, when they hash of each record what has to be
// hashed, its payload and its link of the chain, and do nothing else. The bytes are in the cache.
func hashRate(payload int, each int64) float64 {
	frame := int64((104 + payload + 7) &^ 7)
	start := time.Now()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			h := blake3.New(32, nil)
			body, link := make([]byte, payload), make([]byte, 104)
			var sum [32]byte
			for done := int64(0); done < each; done += frame {
				h.Reset()
				for rest := body; len(rest) > 0; {
					n := min(len(rest), 1024)
					h.Write(rest[:n])
					rest = rest[n:]
				}
				h.Sum(sum[:0])
				copy(link, sum[:])
				sum = blake3.Sum256(link)
				copy(body, sum[:])
			}
		})
	}
	wg.Wait()
	return float64(2*each) / time.Since(start).Seconds()
}

// streamRate is how many bytes a second two goroutines hash when each hashes one long stream, 1 KiB at a time.
func streamRate(each int64) float64 {
	start := time.Now()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			h := blake3.New(32, nil)
			piece := make([]byte, 1024)
			for done := int64(0); done < each; done += int64(len(piece)) {
				h.Write(piece)
			}
			h.Sum(nil)
		})
	}
	wg.Wait()
	return float64(2*each) / time.Since(start).Seconds()
}

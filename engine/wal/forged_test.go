package wal_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"episteme/engine/vfs"
	"episteme/engine/wal"
	"lukechampine.com/blake3"
)

// forge builds a segment out of headers that are right in themselves and in their chain, whatever they say.
func forge(t *testing.T, frames ...wal.Header) []byte {
	t.Helper()
	data := unhex(t, golden)[:wal.SegmentHeaderBytes]
	var chain wal.Hash
	for _, h := range frames {
		payload := []byte("payload.")
		if h.Kind == wal.KindMark {
			payload = wal.AppendMark(nil, &wal.Mark{Type: wal.MarkIdle})
		}
		h.Length, h.Hash = uint32(len(payload)), blake3.Sum256(payload)
		raw := make([]byte, wal.HeaderBytes)
		chain = wal.EncodeHeader(raw, &testID, &chain, &h)
		data = slices.Concat(data, raw, payload)
	}
	return data
}

// The chain being right is not enough: a writer that lost count is found as well.
func TestNumbersAreCheckedBesideTheChain(t *testing.T) {
	record := func(lsn, durable wal.LSN, flags uint16) wal.Header {
		return wal.Header{Kind: 1, LSN: lsn, Durable: durable, Flags: flags}
	}
	mark := func(lsn wal.LSN) wal.Header {
		return wal.Header{Kind: wal.KindMark, LSN: lsn, Durable: lsn, Flags: wal.FlagLast}
	}
	tests := []struct {
		name     string
		frames   []wal.Header
		readable wal.LSN
	}{
		{"all is well", []wal.Header{record(1, 0, 1), mark(1), record(2, 1, 0), record(3, 1, 1), mark(3)}, 3},
		{"an lsn is left out", []wal.Header{record(1, 0, 1), record(3, 1, 1)}, 1},
		{"an lsn comes twice", []wal.Header{record(1, 0, 1), record(1, 0, 1)}, 1},
		{"a mark counts itself", []wal.Header{record(1, 0, 1), mark(2)}, 1},
		{"a mark inside a batch", []wal.Header{record(1, 0, 1), record(2, 1, 0), mark(2), record(3, 1, 1)}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, rec := mustOpen(t, withFile(t, forge(t, tt.frames...)), options(readOnly))
			if rec.Records != tt.readable {
				t.Errorf("Recovery = %+v, want %d records", rec, tt.readable)
			}
		})
	}
}

// A segment that was exchanged for one of the same numbers does not follow the one before it.
func TestSegmentsAreChained(t *testing.T) {
	m, firsts := rolled(t)
	path := segmentPath(firsts[2])
	writeFile(t, m, path, resegment(readFile(t, m, path), func(h []byte) { h[64] ^= 1 }))
	if err := mustRefuse(t, m, options(), wal.ErrDamaged); !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "chain") {
		t.Error(err)
	}
}

// A segment of another journal whose numbers fit.
func TestSegmentsAreOfOneJournal(t *testing.T) {
	m, firsts := rolled(t)
	path := segmentPath(firsts[2])
	writeFile(t, m, path, resegment(readFile(t, m, path), func(h []byte) { h[40] ^= 1 }))
	if err := mustRefuse(t, m, options(), wal.ErrDamaged); !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "log id") {
		t.Error(err)
	}
}

// A hole says behind which chain it stands, and that has to be the one in front of it.
func TestHoleNamesTheChainInFront(t *testing.T) {
	for _, at := range []int{8, 30} { // the first record it swallowed; the chain before it
		data := special(t)
		hole := bytes.Index(data, wal.AppendMark(nil, &wal.Mark{Type: wal.MarkHole, From: 4, To: 5})[:24])
		frame, before := data[hole-104:hole+88], bytes.Clone(data[hole+24:hole+56])
		frame[104+at] ^= 1
		sum := blake3.Sum256(frame[104:])
		copy(frame, reheader(frame, 0, func(h []byte) { copy(h[40:], sum[:]) }))
		chain := blake3.Sum256(append(before, frame[:72]...))
		copy(frame[72:], chain[:])
		mustRefuse(t, withFile(t, data), options(), wal.ErrDamaged)
	}
}

// Idle means idle: appends that come more often than the marks' interval are not marked in between.
func TestBusyJournalIsNotMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := vfs.NewMem()
		l, _ := mustOpen(t, m, options(func(o *wal.Options) { o.IdleMark = 50 * time.Millisecond }))
		for range 10 {
			mustAppend(t, l, batch("busy", 1, 10)...)
			time.Sleep(30 * time.Millisecond) // of the bubble's clock
			synctest.Wait()
		}
		marks := func() int { return bytes.Count(readFile(t, m, segmentPath(1)), []byte("EPR1\x01\xff")) }
		if n := marks(); n != 0 {
			t.Errorf("%d marks while busy", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := marks(); n != 1 {
			t.Errorf("%d marks after a second of idleness, want 1", n)
		}
		mustClose(t, l)
	})
}

// CLEAN is durable when Close has returned.
func TestCleanSurvivesAPowerCut(t *testing.T) {
	m := vfs.NewMem()
	l, _ := mustOpen(t, m, options())
	mustAppend(t, l, batch("record", 2, 10)...)
	mustClose(t, l)
	if _, rec := mustOpen(t, m.Crash(vfs.KeepNone), options()); !rec.Clean {
		t.Errorf("Recovery = %+v", rec)
	}
}

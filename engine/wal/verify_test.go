package wal_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"episteme/engine/vfs"
	"episteme/engine/wal"
	"github.com/google/go-cmp/cmp"
)

func mustVerify(t testing.TB, fsys vfs.FS, o wal.VerifyOptions) wal.Report {
	t.Helper()
	r, err := wal.Verify(bg, fsys, dir, o)
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	return r
}

func mustBeWhole(t testing.TB, fsys vfs.FS) wal.Report {
	t.Helper()
	r := mustVerify(t, fsys, wal.VerifyOptions{})
	for i := range r.Problems {
		t.Errorf("Verify: %v", &r.Problems[i])
	}
	if t.Failed() {
		t.FailNow()
	}
	return r
}

// unclean takes CLEAN away, so that the journal has to prove itself.
func unclean(t testing.TB, m *vfs.Mem) *vfs.Mem {
	t.Helper()
	if err := m.Remove(dir + "/CLEAN"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return m
}

func TestVerifyCounts(t *testing.T) {
	m := vfs.NewMem()
	l, by := withSecret(t, m)
	if err := l.Erase(bg, 2, by); err != nil {
		t.Fatal(err)
	}
	head := l.Head()
	for _, state := range []string{"beside the writer", "closed"} {
		if state == "closed" {
			mustClose(t, l)
		}
		var told []wal.VerifyProgress
		r := mustVerify(t, m, wal.VerifyOptions{Workers: 1, Progress: func(p wal.VerifyProgress) { told = append(told, p) }})
		if !r.Whole() || r.Log != testID || r.Segments != 3 || r.Records != 4 || r.Lost != 0 || r.TornBytes != 0 {
			t.Errorf("%s: %+v", state, r)
		}
		if d := cmp.Diff([]wal.LSN{2, by}, []wal.LSN{r.Erasures[0].LSN, r.Erasures[0].By}); d != "" || len(r.Erasures) != 1 {
			t.Errorf("%s: %+v", state, r.Erasures)
		}
		if h := r.Head; h.Last != head.Last || h.Chain != head.Chain || h.Segment != head.Segment || h.Durable != head.Last || h.Clean != (state == "closed") {
			t.Errorf("%s: Head = %+v, the log's was %+v", state, h, head)
		}
		if n := len(told); n == 0 || told[n-1].Done != told[n-1].Total || told[n-1].Total == 0 {
			t.Errorf("%s: progress %+v", state, told)
		}
	}
	r := mustBeWhole(t, withFile(t, special(t)))
	if len(r.Holes) != 1 || r.Holes[0].From != 4 || r.Holes[0].To != 5 || r.Lost != 2 || len(r.Erasures) != 1 || r.Records != 5 {
		t.Errorf("with a hole: %+v", r)
	}
	r = mustBeWhole(t, copyDir(t, "testdata/v1"))
	if r.Records != 7 || !r.Head.Clean {
		t.Errorf("version 1: %+v", r)
	}
}

// Nothing to check is not the same as nothing wrong.
func TestVerifyOfNothingFails(t *testing.T) {
	m := vfs.NewMem()
	if _, err := wal.Verify(bg, m, dir, wal.VerifyOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	if err := m.MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := wal.Verify(bg, m, dir, wal.VerifyOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty directory: %v", err)
	}
	gone, cancel := context.WithCancel(bg)
	cancel()
	full, _ := rolled(t)
	if _, err := wal.Verify(gone, full, dir, wal.VerifyOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Any bit of any file that flips is found and named, and so is what lies behind it.
func TestVerifyFindsEveryFlippedBit(t *testing.T) {
	whole, firsts := rolled(t)
	for i, first := range firsts {
		path := segmentPath(first)
		data := readFile(t, whole, path)
		end := len(bytes.TrimRight(data, "\x00"))
		for at := range end {
			bad := bytes.Clone(data)
			bad[at] ^= 1 << (at % 8)
			m := whole.Crash(vfs.KeepAll)
			writeFile(t, m, path, bad)
			r := mustVerify(t, m, wal.VerifyOptions{Workers: 1})
			if i == len(firsts)-1 && at >= end-sealBytes && r.TornBytes > 0 {
				continue // the last mark was never acknowledged, and nothing tells that it was there
			}
			if r.Whole() {
				t.Fatalf("%s, byte %d: nothing found; %+v", path, at, r)
			}
			p := r.Problems[0]
			if p.File != path || p.Offset > int64(at) || p.Found == "" || p.Expected == "" || p.Advice == "" {
				t.Fatalf("%s, byte %d: %+v", path, at, p)
			}
			if len(r.Problems) > 2 {
				t.Fatalf("%s, byte %d: %d problems: %+v", path, at, len(r.Problems), r.Problems)
			}
			if r.Records < 7 {
				t.Fatalf("%s, byte %d: %d records, want all but one", path, at, r.Records)
			}
		}
	}
}

func TestVerifyGoesOn(t *testing.T) {
	change := func(m *vfs.Mem, first wal.LSN, at int) {
		data := readFile(t, m, segmentPath(first))
		data[at] ^= 0x40
		writeFile(t, m, segmentPath(first), data)
	}
	m, firsts := rolled(t)
	change(m, firsts[0], 300)     // a payload
	change(m, firsts[1], 128+20)  // a header
	change(m, firsts[2], 70)      // a segment's header
	change(m, firsts[3], 128+900) // the payload of the last but one
	r := mustVerify(t, m, wal.VerifyOptions{})
	var at []wal.LSN
	for _, p := range r.Problems {
		at = append(at, p.LSN)
	}
	if d := cmp.Diff([]wal.LSN{1, 3, 5, 8}, at); d != "" || r.Records != 5 {
		t.Errorf("%d records; %s", r.Records, d)
		for i := range r.Problems {
			t.Log(&r.Problems[i])
		}
	}
	for _, first := range firsts[1:3] {
		m, _ := rolled(t)
		if err := m.Remove(segmentPath(first)); err != nil {
			t.Fatal(err)
		}
		if r := mustVerify(t, m, wal.VerifyOptions{}); len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Expected, "a segment is missing") || r.Records != 6 {
			t.Errorf("without segment %d: %+v", first, r)
		}
	}
	m, _ = rolled(t)
	writeFile(t, m, segmentPath(3), resegment(readFile(t, m, segmentPath(3)), func(h []byte) { h[8] = 2 }))
	if r := mustVerify(t, m, wal.VerifyOptions{}); r.Whole() || !errors.Is(r.Problems[0].Err, wal.ErrTooNew) {
		t.Errorf("a later version: %+v", r.Problems)
	}
}

// What opening sets aside as torn is no damage, and what it refuses is.
func TestVerifyJudgesTheEndAsOpeningDoes(t *testing.T) {
	first, last := batch("kept", 3, 50), batch("torn", 2, 300)
	data, ends := image(t, first, last)
	for cut := ends[0]; cut < len(bytes.TrimRight(data, "\x00")); cut++ {
		m := withFile(t, data[:cut])
		r := mustBeWhole(t, m)
		_, rec := mustOpen(t, m, options())
		if r.TornBytes != rec.TornBytes || r.Records != 3 || r.Head.Last != rec.Records {
			t.Fatalf("cut at %d: %+v; Recovery = %+v", cut, r, rec)
		}
	}
	l, _ := mustOpen(t, withFile(t, data), options())
	chain, err := l.ChainAt(5)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		bytes   []byte
		witness wal.Witness
		want    error
	}{
		{"all is well", data, wal.Witness{Log: testID, Applied: 5, Chain: chain}, nil},
		{"the store has seen more", data[:ends[0]], wal.Witness{Log: testID, Applied: 5, Chain: chain}, wal.ErrLostTail},
		{"the store has seen something else", data, wal.Witness{Log: testID, Applied: 5, Chain: wal.Hash{1}}, wal.ErrLostTail},
		{"the store is of another journal", data[:ends[0]], wal.Witness{Log: wal.LogID{1}, Applied: 5}, nil},
	} {
		r := mustVerify(t, withFile(t, tt.bytes), wal.VerifyOptions{Witness: tt.witness})
		if tt.want == nil != r.Whole() || tt.want != nil && !errors.Is(r.Problems[0].Err, tt.want) {
			t.Errorf("%s: %+v", tt.name, r.Problems)
		}
	}
	m, _ := rolled(t)
	if r := mustVerify(t, m, wal.VerifyOptions{Witness: wal.Witness{Log: testID, Applied: 3, Chain: wal.Hash{1}}}); r.Whole() {
		t.Error("the store has seen something else in an earlier segment, and nothing was found")
	}
}

// Opening reads more when CLEAN does not check and says no word; somebody who verifies wants to know that a bit flipped.
func TestVerifyFindsADamagedClean(t *testing.T) {
	m := copyDir(t, "testdata/v1")
	data := readFile(t, m, dir+"/CLEAN")
	for at := range data {
		bad := bytes.Clone(data)
		bad[at] ^= 0x20
		writeFile(t, m, dir+"/CLEAN", bad)
		r := mustVerify(t, m, wal.VerifyOptions{})
		if len(r.Problems) != 1 || r.Problems[0].File != dir+"/CLEAN" {
			t.Fatalf("byte %d: %+v", at, r.Problems)
		}
	}
	loss := mustAcceptLoss(t, m, wal.Witness{})
	if len(loss.Kept) != 1 || len(loss.Holes) != 0 {
		t.Errorf("%+v", loss)
	}
	mustBeWhole(t, m)
}

// Zeros where something was erased stay zeros.
func TestVerifyLooksIntoErasedPayloads(t *testing.T) {
	m := vfs.NewMem()
	l, by := withSecret(t, m)
	if err := l.Erase(bg, 2, by); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, batch("on", 1, 10)...)
	mustClose(t, l)
	at := 128 + 208 + 104 + 50
	data := readFile(t, m, segmentPath(1))
	data[at] = 1
	writeFile(t, m, segmentPath(1), data)
	if r := mustVerify(t, m, wal.VerifyOptions{}); len(r.Problems) != 1 || r.Problems[0].LSN != 2 {
		t.Errorf("%+v", r.Problems)
	}
	l, _ = mustOpen(t, m, options(segmentBytes(2048)))
	if err := l.Erase(bg, 2, by); err != nil {
		t.Fatal(err)
	}
	mustBeWhole(t, m)
}

func TestVerifyAndDumpNeverWrite(t *testing.T) {
	m, firsts := rolled(t)
	data := readFile(t, m, segmentPath(firsts[1]))
	data[300] ^= 1
	writeFile(t, m, segmentPath(firsts[1]), data)
	disk := vfs.NewFaulty(m)
	disk.SetPlan(func(op vfs.Op) error {
		if op.Kind.Changes() || op.Kind == vfs.OpLock {
			t.Errorf("%v %s", op.Kind, op.Path)
		}
		return nil
	})
	mustVerify(t, disk, wal.VerifyOptions{})
	for range wal.Dump(bg, disk, dir, 1) {
	}
	if m.OpenHandles() != 0 {
		t.Errorf("%d handles are open", m.OpenHandles())
	}
}

// A disk that does not answer is a problem of its own name, and the rest is checked all the same.
func TestVerifyReportsWhatCannotBeRead(t *testing.T) {
	m, firsts := rolled(t)
	disk := vfs.NewFaulty(m)
	broken := errors.New("input/output error")
	disk.SetPlan(func(op vfs.Op) error {
		if op.Kind == vfs.OpRead && op.Path == segmentPath(firsts[1]) && op.Offset > 0 {
			return broken
		}
		return nil
	})
	r := mustVerify(t, disk, wal.VerifyOptions{})
	if len(r.Problems) == 0 || !errors.Is(r.Problems[0].Err, wal.ErrRead) || !errors.Is(r.Problems[0].Err, broken) || r.Records != 6 {
		t.Errorf("%+v", r)
	}
}

func TestDump(t *testing.T) {
	m := vfs.NewMem()
	l, by := withSecret(t, m)
	if err := l.Erase(bg, 2, by); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	type line struct {
		File   string
		Offset int64
		LSN    wal.LSN
		Kind   uint8
		Bytes  uint32
		Erased wal.LSN
		Mark   wal.MarkType
	}
	dump := func(m *vfs.Mem, from wal.LSN) (lines []line, errs []error) {
		for d, err := range wal.Dump(bg, m, dir, from) {
			if err != nil {
				errs = append(errs, err)
				continue
			}
			one := line{d.File, d.Record.Pos.Offset, d.Record.LSN, d.Record.Kind, d.Record.Pos.Length, d.Record.Erased, 0}
			if d.Mark != nil {
				one.Mark = d.Mark.Type
			}
			if d.Record.RecordedAt == 0 || d.Record.Chain == (wal.Hash{}) || len(d.Record.Header) != wal.HeaderBytes {
				t.Errorf("%+v", d)
			}
			lines = append(lines, one)
		}
		return lines, errs
	}
	want := []line{
		{segmentPath(1), 128, 1, 1, 100, 0, 0},
		{segmentPath(1), 336, 2, 2, 1200, by, 0},
		{segmentPath(1), 1640, 2, 255, 8, 0, wal.MarkSeal},
		{segmentPath(3), 128, 3, 1, 1500, 0, 0},
		{segmentPath(3), 1736, 4, 7, 22, 0, 0},
		{segmentPath(3), 1864, 4, 255, 8, 0, wal.MarkSeal},
		{segmentPath(5), 128, 4, 255, 56, 0, wal.MarkErasure},
	}
	got, errs := dump(m, 1)
	if d := cmp.Diff(want, got); d != "" || len(errs) != 0 {
		t.Errorf("Dump (-want +got):\n%s%v", d, errs)
	}
	if got, _ := dump(m, 4); cmp.Diff(want[4:], got) != "" {
		t.Errorf("from lsn 4:\n%s", cmp.Diff(want[4:], got))
	}
	data := readFile(t, m, segmentPath(3))
	data[500]++
	writeFile(t, m, segmentPath(3), data)
	got, errs = dump(m, 1)
	if d := cmp.Diff(append(want[:3:3], want[4:]...), got); d != "" || len(errs) != 1 || !errors.Is(errs[0], wal.ErrDamaged) {
		t.Errorf("damaged:\n%s%v", d, errs)
	}
	for range wal.Dump(bg, m, dir, 1) {
		break // leaving early is fine
	}
	if m.OpenHandles() != 0 {
		t.Errorf("%d handles are open", m.OpenHandles())
	}
}

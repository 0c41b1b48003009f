package wal_test

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"episteme/engine/vfs"
	"episteme/engine/wal"
)

// closedImage is a segment with a mark at its end, as closing leaves it, without CLEAN.
func closedImage(t testing.TB, batches ...[]wal.Entry) (data []byte, markAt int) {
	t.Helper()
	m := vfs.NewMem()
	l, _ := mustOpen(t, m, options(segmentBytes(1<<20)))
	for _, b := range batches {
		mustAppend(t, l, b...)
	}
	markAt = int(l.Head().Offset)
	mustClose(t, l)
	return readFile(t, m, segmentPath(1))[:markAt+sealBytes], markAt
}

// mustRefuse opens for writing, wants to be refused with target, and checks that no byte of the segment changed.
func mustRefuse(t *testing.T, m *vfs.Mem, o wal.Options, target error) error {
	t.Helper()
	names, err := m.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	before := map[string][]byte{}
	for _, name := range names {
		before[name] = readFile(t, m, dir+"/"+name)
	}
	l, _, err := wal.Open(m, dir, o)
	if err == nil {
		l.Close()
		t.Fatalf("Open = nil, want %v", target)
	}
	if !errors.Is(err, target) {
		t.Fatalf("Open = %v, want %v", err, target)
	}
	for name, data := range before {
		if !bytes.Equal(readFile(t, m, dir+"/"+name), data) {
			t.Fatalf("%s changed", name)
		}
	}
	return err
}

// One flipped bit anywhere in what was acknowledged is damage, never a shorter log.
func TestBitFlipAtEveryByteOfAcknowledgedLog(t *testing.T) {
	batches := [][]wal.Entry{batch("one", 1, 20), batch("two", 3, 33), batch("three", 1, 0)}
	data, markAt := closedImage(t, batches...)
	for at := range data {
		bad := bytes.Clone(data)
		bad[at] ^= 1 << (at % 8)
		m := withFile(t, bad)
		if at >= markAt {
			// The mark itself was never acknowledged; all that was is there.
			l, rec := mustOpen(t, m, options())
			if rec.Records != 5 || rec.TornBytes == 0 {
				t.Fatalf("byte %d of the mark: Recovery = %+v", at, rec)
			}
			mustClose(t, l)
			continue
		}
		err := mustRefuse(t, m, options(), wal.ErrDamaged)
		if at < wal.SegmentHeaderBytes {
			continue
		}
		var damaged *wal.DamagedError
		if !errors.As(err, &damaged) || damaged.Offset > int64(at) || damaged.LSN == 0 || damaged.File != segmentPath(1) {
			t.Fatalf("byte %d: %v", at, err)
		}
		l, rec := mustOpen(t, m, options(readOnly))
		if rec.Damage == nil || rec.Records >= 5 || rec.Records != damaged.Intact {
			t.Fatalf("byte %d, read-only: Recovery = %+v, error %v", at, rec, err)
		}
		if got := contents(t, l); len(got) != int(damaged.Intact) {
			t.Fatalf("byte %d, read-only: %d records, want %d", at, len(got), damaged.Intact)
		}
		r := l.Reader(damaged.Intact + 1)
		if _, err := r.Next(bg); !errors.Is(err, wal.ErrDamaged) {
			t.Fatalf("byte %d, read-only: at the end Next = %v, want the damage", at, err)
		}
		mustClose(t, l)
	}
}

// The last batch has no later witness in the journal; the store is one.
func TestBitFlipInLastBatchWithStoreAheadRefuses(t *testing.T) {
	data, ends := image(t, batch("one", 2, 20), batch("two", 1, 20))
	good := withFile(t, data)
	l, _ := mustOpen(t, good, options())
	chain, err := l.ChainAt(3)
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	witness := func(applied wal.LSN, id wal.LogID, chain wal.Hash) func(*wal.Options) {
		return func(o *wal.Options) { o.Witness = wal.Witness{Log: id, Applied: applied, Chain: chain} }
	}
	for at := ends[0]; at < ends[1]; at++ {
		bad := bytes.Clone(data)
		bad[at] ^= 0x10
		err := mustRefuse(t, withFile(t, bad), options(witness(3, testID, chain)), wal.ErrLostTail)
		if errors.Is(err, wal.ErrDamaged) || errors.Is(err, wal.ErrRead) {
			t.Fatalf("byte %d: %v goes by two names", at, err)
		}
	}
	mustRefuse(t, withFile(t, data[:ends[0]]), options(witness(3, testID, chain)), wal.ErrLostTail) // nothing but zeros
	mustRefuse(t, withFile(t, data), options(witness(3, testID, wal.Hash{1})), wal.ErrLostTail)     // another history
	empty := vfs.NewMem()
	if _, _, err := wal.Open(empty, dir, options(witness(3, testID, chain))); !errors.Is(err, wal.ErrLostTail) {
		t.Fatalf("no segment: %v", err)
	}
	for _, fine := range []func(*wal.Options){witness(3, testID, chain), witness(0, testID, wal.Hash{}), witness(99, wal.LogID{7}, wal.Hash{})} {
		l, _ := mustOpen(t, withFile(t, data), options(fine))
		mustClose(t, l)
	}
}

func TestDamageInTheMiddleRefusesAndKeepsBytes(t *testing.T) {
	data, ends := image(t, batch("one", 1, 600), batch("two", 1, 600), batch("three", 1, 600), batch("four", 1, 600))
	tests := []struct {
		name   string
		change func([]byte)
	}{
		{"a sector of zeros", func(b []byte) { clear(b[1024:1536]) }},
		{"a record of zeros", func(b []byte) { clear(b[ends[0]:ends[1]]) }},
		{"two damages", func(b []byte) { b[ends[0]+200]++; b[ends[1]+200]++ }},
		{"everything between the header and the last record", func(b []byte) { clear(b[128:ends[2]]) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bad := bytes.Clone(data)
			tt.change(bad)
			err := mustRefuse(t, withFile(t, bad), options(), wal.ErrDamaged)
			for _, says := range []string{segmentPath(1), "found", "expected", "lsn", "verify"} {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q does not say %q", err, says)
				}
			}
		})
	}
}

func TestNonZeroPaddingRejected(t *testing.T) {
	data, markAt := closedImage(t, batch("one", 1, 13))
	if data[markAt-1] != 0 {
		t.Fatal("the record has no padding")
	}
	data[markAt-1] = 1
	mustRefuse(t, withFile(t, data), options(), wal.ErrDamaged)
}

// A record can be replaced by one whose checksum and hash are right; the chain still shows it.
func TestChainShowsTampering(t *testing.T) {
	m := vfs.NewMem()
	l, _ := mustOpen(t, m, options())
	for _, e := range batch("honest", 3, 64) {
		mustAppend(t, l, e)
	}
	data := readFile(t, m, segmentPath(1))
	size := 104 + 64
	forged, _ := image(t, batch("forged", 3, 64)[:1]) // its header is right in every way for another payload
	copy(data[128+72:128+104], forged[128+72:])       // even with a chain that follows
	copy(data[128:128+size], forged[128:])
	writeFile(t, m, segmentPath(1), data)
	r := l.Reader(1)
	if _, err := r.Next(bg); err != nil {
		t.Fatalf("the forged record is right by itself: %v", err)
	}
	if _, err := r.Next(bg); !errors.Is(err, wal.ErrDamaged) || !strings.Contains(err.Error(), "chain") {
		t.Fatalf("Next = %v, want the chain to differ", err)
	}
	mustRefuse(t, m.Crash(vfs.KeepAll), options(), wal.ErrDamaged)
}

// rolled is a journal of four segments that was closed and is missing CLEAN.
func rolled(t *testing.T) (*vfs.Mem, []wal.LSN) {
	t.Helper()
	m := vfs.NewMem()
	if acked, done := rollThrice(m); !done || len(acked) != 8 {
		t.Fatal("cannot make four segments")
	}
	if err := m.Remove(dir + "/CLEAN"); err != nil {
		t.Fatal(err)
	}
	return m, []wal.LSN{1, 3, 5, 7}
}

func TestMissingMiddleSegment(t *testing.T) {
	tests := []struct {
		missing  wal.LSN
		readable int
	}{{1, 0}, {3, 2}, {5, 4}}
	for _, tt := range tests {
		m, _ := rolled(t)
		if err := m.Remove(segmentPath(tt.missing)); err != nil {
			t.Fatal(err)
		}
		mustRefuse(t, m, options(), wal.ErrDamaged)
		if tt.readable == 0 {
			continue
		}
		l, rec := mustOpen(t, m, options(readOnly))
		if got := contents(t, l); len(got) != tt.readable || rec.Damage == nil {
			t.Fatalf("without segment %d: %d records, want %d; %+v", tt.missing, len(got), tt.readable, rec)
		}
		mustClose(t, l)
	}
}

// In a segment that has a successor nothing can be torn.
func TestLaterSegmentMakesTornDamaged(t *testing.T) {
	tests := []struct {
		name   string
		lsn    wal.LSN // where the damage is said to be
		change func([]byte) []byte
	}{
		{"its end is missing", 5, func(b []byte) []byte { return b[:len(b)-8] }},
		{"its seal is missing", 5, func(b []byte) []byte { return b[:len(b)-sealBytes] }},
		{"its seal is zeros", 5, func(b []byte) []byte { clear(b[len(b)-sealBytes:]); return b }},
		{"its last record changed", 4, func(b []byte) []byte { b[len(b)-sealBytes-8]++; b[len(b)-1]++; return b }},
		{"something follows its seal", 5, func(b []byte) []byte { return append(b, 1, 2, 3, 4, 5, 6, 7, 8) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, firsts := rolled(t)
			path := segmentPath(firsts[1])
			writeFile(t, m, path, tt.change(readFile(t, m, path)))
			err := mustRefuse(t, m, options(), wal.ErrDamaged)
			var damaged *wal.DamagedError
			if !strings.Contains(err.Error(), "later segment") || !errors.As(err, &damaged) || damaged.File != path || damaged.LSN != tt.lsn {
				t.Error(err)
			}
		})
	}
}

// The header that proves the damage lies across the end of what is read at once.
func TestProofAcrossTwoReads(t *testing.T) {
	const read = 64 << 10
	for _, in := range []int{8, 48, 96, 104} {
		big := wal.Entry{Kind: 1, Payload: bytes.Repeat([]byte{7}, read-in-104)}
		data, ends := image(t, batch("one", 1, 16), []wal.Entry{big}, batch("proof", 1, 16))
		clear(data[ends[0] : ends[0]+104])
		mustRefuse(t, withFile(t, data), options(), wal.ErrDamaged)
	}
}

// No more records than there is room for can stand between the end and what proves that they were durable.
func TestProofHasAnLSNThatFits(t *testing.T) {
	data, _ := image(t, batch("one", 1, 16))
	for _, tt := range []struct {
		lsn  wal.LSN
		want error
	}{{3, wal.ErrDamaged}, {4, wal.ErrDamaged}, {5, nil}, {1000, nil}} {
		header := make([]byte, wal.HeaderBytes)
		var prev wal.Hash
		wal.EncodeHeader(header, &testID, &prev, &wal.Header{Kind: 1, Flags: wal.FlagLast, LSN: tt.lsn, Durable: tt.lsn - 1})
		m := withFile(t, slices.Concat(data, bytes.Repeat([]byte{7}, 2*wal.HeaderBytes), header))
		if tt.want != nil {
			mustRefuse(t, m, options(), tt.want)
			continue
		}
		if _, rec := mustOpen(t, m, options()); rec.Records != 1 || rec.TornBytes == 0 {
			t.Errorf("lsn %d: Recovery = %+v", tt.lsn, rec)
		}
	}
}

// What lies behind a clean end was written by a later life, and set aside as ever.
func TestTornBehindACleanEnd(t *testing.T) {
	m := copyDir(t, "testdata/v1")
	l, _ := mustOpen(t, m.Crash(vfs.KeepAll), options(readOnly))
	path := segmentPath(7)
	writeFile(t, m, path, append(readFile(t, m, path)[:l.Head().Offset:l.Head().Offset], "torn...."...))
	if _, rec := mustOpen(t, m, options()); rec.Clean || rec.TornBytes != 8 || rec.TornFile == "" || rec.Records != 7 {
		t.Errorf("Recovery = %+v", rec)
	}
}

// A CLEAN of another journal, that names nothing which could be compared.
func TestCleanOfAnotherJournal(t *testing.T) {
	m, _ := rolled(t)
	other := wal.EncodeClean(&wal.Clean{Log: wal.LogID{9}, LSN: 1, Segment: 1, Offset: 128, Chain: wal.Hash{1}})
	writeFile(t, m, dir+"/CLEAN", other[:])
	if err := mustRefuse(t, m, options(), wal.ErrDamaged); !strings.Contains(err.Error(), "log id 09000000") {
		t.Error(err)
	}
}

// CLEAN says how far the journal went. A journal that ends before is damaged, also when only zeros follow.
func TestCleanIsAWitness(t *testing.T) {
	journal := func(t *testing.T) (*vfs.Mem, []byte) {
		m := vfs.NewMem()
		l, _ := mustOpen(t, m, options())
		for _, e := range batch("record", 4, 100) {
			mustAppend(t, l, e)
		}
		mustClose(t, l)
		return m, readFile(t, m, segmentPath(1))
	}
	last := 128 + 3*208
	t.Run("it is believed when it fits", func(t *testing.T) {
		m, _ := journal(t)
		l, rec := mustOpen(t, m, options())
		if !rec.Clean || rec.Checked != 1 || rec.Records != 4 || !l.Head().Clean {
			t.Fatalf("Recovery = %+v", rec)
		}
		mustClose(t, l)
		if l, rec = mustOpen(t, m, options()); !rec.Clean {
			t.Fatalf("after a life without an append: Recovery = %+v", rec)
		}
		mustAppend(t, l, batch("more", 1, 1)...)
		if _, err := m.Stat(dir + "/CLEAN"); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("CLEAN is there after an append: %v", err)
		}
	})
	t.Run("the last record changed", func(t *testing.T) {
		m, data := journal(t)
		data[last+150]++
		clear(data[last+208:]) // no mark to prove it
		writeFile(t, m, segmentPath(1), data)
		mustRefuse(t, m, options(), wal.ErrDamaged)
	})
	t.Run("the last record is gone", func(t *testing.T) {
		m, data := journal(t)
		clear(data[last:])
		writeFile(t, m, segmentPath(1), data)
		if err := mustRefuse(t, m, options(), wal.ErrDamaged); !strings.Contains(err.Error(), "closed with lsn 4") {
			t.Error(err)
		}
	})
	t.Run("every segment is gone", func(t *testing.T) {
		m, _ := journal(t)
		if err := m.Remove(segmentPath(1)); err != nil {
			t.Fatal(err)
		}
		mustRefuse(t, m, options(), wal.ErrDamaged)
	})
	t.Run("it is of another history", func(t *testing.T) {
		m, data := journal(t)
		other, _ := image(t, batch("other", 4, 100))
		copy(data[128:], make([]byte, len(data)-128))
		copy(data, other)
		writeFile(t, m, segmentPath(1), data)
		mustRefuse(t, m, options(), wal.ErrDamaged)
	})
	t.Run("it is of another journal", func(t *testing.T) {
		m, _ := journal(t)
		c := wal.EncodeClean(&wal.Clean{Log: wal.LogID{1}, LSN: 4, Segment: 1})
		writeFile(t, m, dir+"/CLEAN", c[:])
		mustRefuse(t, m, options(), wal.ErrDamaged)
	})
	t.Run("damaged itself it costs a scan", func(t *testing.T) {
		m, _ := journal(t)
		c := readFile(t, m, dir+"/CLEAN")
		for at := range c {
			bad := bytes.Clone(c)
			bad[at] ^= 4
			writeFile(t, m, dir+"/CLEAN", bad)
			l, rec := mustOpen(t, m, options())
			if rec.Clean || rec.Records != 4 || rec.Checked != 4 {
				t.Fatalf("byte %d: Recovery = %+v", at, rec)
			}
			mustClose(t, l)
		}
	})
}

// A read that fails says nothing about the bytes: never torn, never damaged, nothing changed.
func TestReadFailureNeverTruncates(t *testing.T) {
	m := stoppedBeforeSync(t, batch("kept", 2, 300), batch("lost", 3, 2000)).Crash(vfs.KeepSeeded(4))
	for n := 1; ; n++ {
		disk := vfs.NewFaulty(m)
		broken := errors.New("input/output error")
		fail := vfs.FailNth(vfs.OpRead, n, broken)
		fired := false
		disk.SetPlan(func(op vfs.Op) error {
			if op.Kind == vfs.OpWrite || op.Kind == vfs.OpTruncate {
				return vfs.ErrStopped
			}
			err := fail(op)
			fired = fired || err != nil
			return err
		})
		before := readFile(t, m, segmentPath(1))
		l, _, err := wal.Open(disk, dir, options())
		if err == nil {
			l.Close()
			t.Fatal("opened without a write")
		}
		if !fired {
			break
		}
		if !errors.Is(err, wal.ErrRead) || !errors.Is(err, broken) || errors.Is(err, wal.ErrDamaged) {
			t.Fatalf("read %d failed: %v", n, err)
		}
		if !bytes.Equal(readFile(t, m, segmentPath(1)), before) {
			t.Fatalf("read %d failed: the segment changed", n)
		}
	}
}

// A later version is another failure than damage.
func TestTooNewIsNotDamaged(t *testing.T) {
	data, ends := image(t, batch("one", 1, 10), batch("two", 1, 10))
	tests := []struct {
		name  string
		bytes []byte
	}{
		{"a record of version 2", reheader(data, ends[0], func(h []byte) { h[4] = 2 })},
		{"a record with an unknown flag", reheader(data, ends[0], func(h []byte) { h[6] |= 2 })},
		{"a segment of version 2", resegment(data, func(h []byte) { h[8] = 2 })},
		{"a segment with an unknown flag", resegment(data, func(h []byte) { h[56] = 1 })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := mustRefuse(t, withFile(t, tt.bytes), options(), wal.ErrTooNew)
			if errors.Is(err, wal.ErrDamaged) {
				t.Error(err)
			}
		})
	}
}

func TestReadAtChecksEverything(t *testing.T) {
	m := vfs.NewMem()
	l, _ := mustOpen(t, m, options())
	for _, e := range batch("record", 5, 100) {
		mustAppend(t, l, e)
	}
	good := wal.Position{Segment: 1, Offset: 128 + 208, Length: 100}
	rec, err := l.ReadAt(good)
	if err != nil || rec.LSN != 2 || rec.Pos != good || !strings.HasPrefix(string(rec.Payload), "record 2") {
		t.Fatalf("ReadAt = %+v, %v", rec, err)
	}
	for _, pos := range []wal.Position{
		{}, {Segment: 2, Offset: 128, Length: 100}, {Segment: 1, Offset: 0, Length: 100}, {Segment: 1, Offset: 129, Length: 100},
		{Segment: 1, Offset: 128, Length: 99}, {Segment: 1, Offset: 136, Length: 100}, {Segment: 1, Offset: 128 + 5*208, Length: 100},
		{Segment: 1, Offset: 128, Length: 1<<32 - 1}, {Segment: 1, Offset: 1<<63 - 8, Length: 100}, {Segment: 1, Offset: -8, Length: 8},
	} {
		if _, err := l.ReadAt(pos); !errors.Is(err, wal.ErrNoRecord) || errors.Is(err, wal.ErrDamaged) {
			t.Errorf("ReadAt(%+v) = %v, want ErrNoRecord", pos, err)
		}
	}
	data := readFile(t, m, segmentPath(1))
	f, err := m.OpenReadWrite(segmentPath(1))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for at := good.Offset; at < good.Offset+208; at++ {
		if at >= good.Offset+72 && at < good.Offset+104 {
			continue // the chain is what a Reader checks
		}
		f.WriteAt([]byte{data[at] ^ 1}, at)
		if _, err := l.ReadAt(good); !errors.Is(err, wal.ErrDamaged) {
			t.Errorf("byte %d: ReadAt = %v, want ErrDamaged", at, err)
		}
		f.WriteAt(data[at:at+1], at)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for _, err := range []error{&wal.DamagedError{}, &wal.LostTailError{}, &wal.TooNewError{}, &wal.ReadError{Err: errors.New("x")},
		&wal.LatchedError{Err: errors.New("x")}, &wal.NoSpaceError{}, &wal.UnknownOutcomeError{Err: errors.New("x")}} {
		if s := err.Error(); !strings.HasPrefix(s, "wal: ") || !strings.Contains(s, " - ") {
			t.Errorf("%T says %q, with no advice behind a dash", err, s)
		}
	}
}

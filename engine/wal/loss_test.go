package wal_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"episteme/engine/vfs"
	"episteme/engine/wal"
	"github.com/google/go-cmp/cmp"
)

func mustAcceptLoss(t testing.TB, fsys vfs.FS, w wal.Witness) wal.Loss {
	t.Helper()
	loss, err := wal.AcceptLoss(bg, fsys, dir, wal.LossOptions{Witness: w, Now: clock()})
	if err != nil {
		t.Fatalf("AcceptLoss: %v", err)
	}
	return loss
}

// kept is a record as a rebuild has to leave it.
type kept struct {
	LSN     wal.LSN
	Chain   wal.Hash
	Header  string
	Payload string
}

// records reads all that can be read of a journal that opens.
func records(t testing.TB, fsys vfs.FS) map[wal.LSN]kept {
	t.Helper()
	l, rec, err := wal.Open(fsys, dir, options(readOnly))
	if err != nil || rec.Damage != nil {
		t.Fatalf("Open = %v, %v", err, rec.Damage)
	}
	defer l.Close()
	r := l.Reader(1)
	all := map[wal.LSN]kept{}
	for r.Ready() {
		rec, err := r.Next(bg)
		if errors.Is(err, wal.ErrClosed) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all[rec.LSN] = kept{rec.LSN, rec.Chain, string(rec.Header), string(rec.Payload)}
	}
	return all
}

// mustGoOn checks that a rebuilt journal verifies, opens, and is appended to, closed and opened again.
func mustGoOn(t testing.TB, m *vfs.Mem, want wal.LSN) {
	t.Helper()
	before := mustBeWhole(t, m)
	l, rec := mustOpen(t, m, options(segmentBytes(2048)))
	if h := l.Head(); h.Last != before.Head.Last || h.Chain != before.Head.Chain {
		t.Fatalf("Head = %+v, verified %+v", h, before.Head)
	}
	if want != 0 && rec.Records != want {
		t.Fatalf("Recovery = %+v, want %d records", rec, want)
	}
	mustClose(t, l)
	l, _ = mustOpen(t, m, options(segmentBytes(2048)))
	next := mustAppend(t, l, batch("after the loss", 2, 100)...)
	if next.First != rec.Records+1 {
		t.Fatalf("appended as lsn %d behind %d", next.First, rec.Records)
	}
	mustClose(t, l)
	after := mustBeWhole(t, m)
	if len(after.Holes) != len(before.Holes) || after.Lost != before.Lost || after.Records != before.Records+2 {
		t.Fatalf("before %+v, after %+v", before, after)
	}
	l, _ = mustOpen(t, m, options(segmentBytes(2048)))
	r := l.Reader(next.First)
	if got, err := r.Next(bg); err != nil || !strings.HasPrefix(string(got.Payload), "after the loss") {
		t.Fatalf("lsn %d = %.30q, %v", next.First, got.Payload, err)
	}
	mustClose(t, l)
}

// Each damage to four segments of two records each, 1-2, 3-4, 5-6, 7-8: what is lost, and that nothing else is.
func TestAcceptLoss(t *testing.T) {
	whole, _ := rolled(t)
	all := records(t, whole)
	flip := func(first wal.LSN, at ...int) func(*testing.T, *vfs.Mem) {
		return func(t *testing.T, m *vfs.Mem) {
			data := readFile(t, m, segmentPath(first))
			for _, at := range at {
				data[at] ^= 4
			}
			writeFile(t, m, segmentPath(first), data)
		}
	}
	edit := func(first wal.LSN, change func([]byte) []byte) func(*testing.T, *vfs.Mem) {
		return func(t *testing.T, m *vfs.Mem) {
			writeFile(t, m, segmentPath(first), change(readFile(t, m, segmentPath(first))))
		}
	}
	remove := func(firsts ...wal.LSN) func(*testing.T, *vfs.Mem) {
		return func(t *testing.T, m *vfs.Mem) {
			for _, first := range firsts {
				if err := m.Remove(segmentPath(first)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	const second = 128 + 104 + 704 // offset of a segment's second record: 700 bytes padded to 704
	tests := []struct {
		name   string
		damage func(*testing.T, *vfs.Mem)
		lost   []wal.LSN
		holes  [][2]wal.LSN
	}{
		{"a payload", flip(3, 400), []wal.LSN{3}, [][2]wal.LSN{{3, 3}}},
		{"a payload at the end of a segment", flip(3, second+200), []wal.LSN{4}, [][2]wal.LSN{{4, 4}}},
		{"a header", flip(3, 128+16), []wal.LSN{3}, [][2]wal.LSN{{3, 3}}},
		{"a header's length", flip(3, 128+9), []wal.LSN{3}, [][2]wal.LSN{{3, 3}}},
		{"a stored chain", flip(3, 128+80), []wal.LSN{3}, [][2]wal.LSN{{3, 3}}},
		{"two records in a row", flip(5, 200, second+200), []wal.LSN{5, 6}, [][2]wal.LSN{{5, 6}}},
		{"in two segments", func(t *testing.T, m *vfs.Mem) { flip(1, 200)(t, m); flip(5, 200)(t, m) }, []wal.LSN{1, 5}, [][2]wal.LSN{{1, 1}, {5, 5}}},
		{"a seal", edit(5, func(b []byte) []byte { b[len(b)-4] = 7; return b }), nil, [][2]wal.LSN{{7, 6}}},
		{"a seal cut off", edit(5, func(b []byte) []byte { return b[:len(b)-sealBytes] }), nil, [][2]wal.LSN{{7, 6}}},
		{"the end of a segment", edit(5, func(b []byte) []byte { return b[:len(b)-sealBytes-50] }), []wal.LSN{6}, [][2]wal.LSN{{6, 6}}},
		{"what follows a seal", edit(5, func(b []byte) []byte { return append(b, 1, 2, 3, 4, 5, 6, 7, 8) }), nil, nil},
		{"a segment's header", flip(5, 100), nil, nil},
		{"the first segment's header", flip(1, 20), nil, nil},
		{"the last segment's header", flip(7, 50), nil, nil},
		{"a segment's header and what is in front of it", func(t *testing.T, m *vfs.Mem) { flip(3, second+200)(t, m); flip(5, 100)(t, m) },
			[]wal.LSN{4}, [][2]wal.LSN{{4, 4}}},
		{"a segment's chain and what is in front of it", func(t *testing.T, m *vfs.Mem) { flip(3, second+200)(t, m); flip(5, 70)(t, m) },
			[]wal.LSN{4}, [][2]wal.LSN{{4, 4}}},
		{"a segment's chain and the seal in front of it", func(t *testing.T, m *vfs.Mem) {
			edit(3, func(b []byte) []byte { return b[:len(b)-sealBytes] })(t, m)
			flip(5, 70)(t, m)
		}, nil, [][2]wal.LSN{{5, 4}, {5, 4}}},
		{"a segment's header and its first record", flip(5, 100, 300), []wal.LSN{5}, [][2]wal.LSN{{5, 5}}},
		{"everything in a segment", edit(5, func(b []byte) []byte { clear(b); return b }), []wal.LSN{5, 6}, [][2]wal.LSN{{5, 6}}},
		{"an empty file", edit(5, func(b []byte) []byte { return nil }), []wal.LSN{5, 6}, [][2]wal.LSN{{5, 6}}},
		{"a segment is missing", remove(5), []wal.LSN{5, 6}, [][2]wal.LSN{{5, 6}}},
		{"the first segment is missing", remove(1), []wal.LSN{1, 2}, [][2]wal.LSN{{1, 2}}},
		{"two segments are missing", remove(3, 5), []wal.LSN{3, 4, 5, 6}, [][2]wal.LSN{{3, 3}, {4, 6}}},
		{"a segment is missing, and what is in front of it", func(t *testing.T, m *vfs.Mem) { flip(3, second+200)(t, m); remove(5)(t, m) },
			[]wal.LSN{4, 5, 6}, [][2]wal.LSN{{4, 4}, {5, 6}}},
		{"a segment is missing, and the end in front of it", func(t *testing.T, m *vfs.Mem) {
			edit(3, func(b []byte) []byte { return b[:second+50] })(t, m)
			remove(5)(t, m)
		}, []wal.LSN{4, 5, 6}, [][2]wal.LSN{{4, 3}, {4, 6}}},
		{"a payload of the last segment", flip(7, 300), []wal.LSN{7}, [][2]wal.LSN{{7, 7}}},
		{"the last record, with a mark behind", flip(7, second+200), []wal.LSN{8}, [][2]wal.LSN{{8, 8}}},
		{"a segment that belongs elsewhere", edit(5, func(b []byte) []byte { return resegment(b, func(h []byte) { h[64] ^= 1 }) }), nil,
			[][2]wal.LSN{{5, 4}, {5, 4}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := whole.Crash(vfs.KeepAll)
			tt.damage(t, m)
			if r := mustVerify(t, m, wal.VerifyOptions{}); r.Whole() {
				t.Fatal("nothing is damaged")
			}
			before := map[string][]byte{}
			names, err := m.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				before[dir+"/"+name] = readFile(t, m, dir+"/"+name)
			}
			loss := mustAcceptLoss(t, m, wal.Witness{})
			var holes [][2]wal.LSN
			for _, h := range loss.Holes {
				holes = append(holes, [2]wal.LSN{h.From, h.To})
			}
			if d := cmp.Diff(tt.holes, holes); d != "" || loss.Records != uint64(len(tt.lost)) {
				t.Errorf("%d records lost; %s", loss.Records, d)
			}
			want := map[wal.LSN]kept{}
			for lsn, r := range all {
				if !slices.Contains(tt.lost, lsn) {
					want[lsn] = r
				}
			}
			m = m.Crash(vfs.KeepNone) // what it returned for is durable
			if d := cmp.Diff(want, records(t, m)); d != "" {
				t.Error(d)
			}
			for _, k := range loss.Kept {
				path, _, _ := strings.Cut(k, ".damaged-")
				if !bytes.Equal(readFile(t, m, k), before[path]) {
					t.Errorf("%s is not what %s was", k, path)
				}
			}
			if again := mustAcceptLoss(t, m, wal.Witness{}); len(again.Holes) != 0 || len(again.Kept) != 0 {
				t.Errorf("a second time: %+v", again)
			}
			mustGoOn(t, m, 8)
		})
	}
}

// A hole beside a hole becomes one: the chain in front of the second cannot be known.
func TestHolesGrowTogether(t *testing.T) {
	data := special(t)
	at := bytes.Index(data, []byte("behind the hole"))
	data[at] ^= 1 // lsn 6, directly behind the hole of 4 and 5
	m := withFile(t, data)
	loss := mustAcceptLoss(t, m, wal.Witness{})
	if len(loss.Holes) != 1 || loss.Holes[0].From != 4 || loss.Holes[0].To != 6 {
		t.Fatalf("%+v", loss)
	}
	mustGoOn(t, m, 7)
	data = special(t)
	at = bytes.Index(data, wal.AppendMark(nil, &wal.Mark{Type: wal.MarkHole, From: 4, To: 5})[:24])
	data[at+30] ^= 1 // the mark itself
	m = withFile(t, data)
	if loss = mustAcceptLoss(t, m, wal.Witness{}); len(loss.Holes) != 1 || loss.Holes[0].From != 4 || loss.Holes[0].To != 5 {
		t.Fatalf("%+v", loss)
	}
	mustGoOn(t, m, 7)
}

// What CLEAN or a later header says was there, and is gone from the end, leaves a hole too, and LSNs go on behind it.
func TestLostTailThatTheJournalKnowsOf(t *testing.T) {
	m := vfs.NewMem()
	l, _ := mustOpen(t, m, options(segmentBytes(2048)))
	for i := range 4 {
		mustAppend(t, l, batch(fmt.Sprint("record ", i), 1, 100)...)
	}
	mustClose(t, l)
	data := readFile(t, m, segmentPath(1))
	clear(data[128+2*208:])
	writeFile(t, m, segmentPath(1), data)
	loss := mustAcceptLoss(t, m, wal.Witness{})
	if len(loss.Holes) != 1 || loss.Holes[0].From != 3 || loss.Holes[0].To != 4 || loss.Left != 2 || len(loss.Kept) != 2 {
		t.Fatalf("%+v", loss)
	}
	mustGoOn(t, m.Crash(vfs.KeepNone), 4)
}

// The log id is in every checksum, so a bit of it that flips in the only header must not cost everything.
func TestFlippedLogIDIsMended(t *testing.T) {
	data, _ := image(t, batch("one", 2, 20), batch("two", 1, 20))
	all := records(t, withFile(t, data))
	for at := range wal.SegmentHeaderBytes {
		bad := bytes.Clone(data)
		bad[at] ^= 1 << (at % 8)
		m := withFile(t, bad)
		if loss := mustAcceptLoss(t, m, wal.Witness{}); len(loss.Holes) != 0 || len(loss.Kept) != 1 {
			t.Fatalf("byte %d: %+v", at, loss)
		}
		if d := cmp.Diff(all, records(t, m)); d != "" {
			t.Fatalf("byte %d: %s", at, d)
		}
	}
	clear(data[:128])
	if _, err := wal.AcceptLoss(bg, withFile(t, data), dir, wal.LossOptions{}); !errors.Is(err, wal.ErrDamaged) {
		t.Errorf("no header at all: %v", err)
	}
}

// An order of erasure that is lost leaves zeros that nobody explains.
func TestLostErasureMarkTakesItsRecordAlong(t *testing.T) {
	m := vfs.NewMem()
	l, by := withSecret(t, m)
	if err := l.Erase(bg, 2, by); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, batch("on", 1, 10)...)
	mustClose(t, l)
	data := readFile(t, m, segmentPath(5))
	data[128+104+9]++
	writeFile(t, m, segmentPath(5), data)
	loss := mustAcceptLoss(t, m, wal.Witness{})
	if len(loss.Holes) != 2 || loss.Holes[0].From != 2 || loss.Holes[0].To != 2 || loss.Holes[1].From != 5 || loss.Holes[1].To != 4 {
		t.Fatalf("%+v", loss)
	}
	mustGoOn(t, m, 5)
}

func TestRebuildRefusesWhenTheStoreIsTheLastWitness(t *testing.T) {
	data, ends := image(t, batch("one", 2, 20), batch("two", 1, 20))
	l, _ := mustOpen(t, withFile(t, data), options())
	chain, err := l.ChainAt(3)
	if err != nil {
		t.Fatal(err)
	}
	store := wal.Witness{Log: testID, Applied: 3, Chain: chain}
	refused := func(name string, m *vfs.Mem, w wal.Witness, want error) {
		t.Helper()
		before := m.Crash(vfs.KeepAll)
		_, err := wal.AcceptLoss(bg, m, dir, wal.LossOptions{Witness: w, Now: clock()})
		if !errors.Is(err, want) {
			t.Errorf("%s: AcceptLoss = %v, want %v", name, err, want)
		}
		names, _ := m.ReadDir(dir)
		for _, n := range names {
			if n != "LOCK" && !bytes.Equal(readFile(t, m, dir+"/"+n), readFile(t, before, dir+"/"+n)) {
				t.Errorf("%s: %s changed", name, n)
			}
		}
	}
	for at := ends[0]; at < ends[1]; at++ {
		bad := bytes.Clone(data)
		bad[at] ^= 0x10
		refused(fmt.Sprint("byte ", at), withFile(t, bad), store, wal.ErrLostTail)
	}
	refused("zeros", withFile(t, data[:ends[0]]), store, wal.ErrLostTail)
	refused("another history", withFile(t, data), wal.Witness{Log: testID, Applied: 3, Chain: wal.Hash{1}}, wal.ErrLostTail)

	// Damage that the journal itself tells of, at its end: a hole would hide what the store still knows.
	m, _ := rolled(t)
	last := readFile(t, m, segmentPath(7))
	last[128+808+200] ^= 1 // lsn 8, with a mark behind it
	writeFile(t, m, segmentPath(7), last)
	refused("at the end", m, wal.Witness{Log: testID, Applied: 8}, wal.ErrLostTail)

	// In the middle, later records tell of it for ever.
	m, _ = rolled(t)
	middle := readFile(t, m, segmentPath(3))
	middle[300] ^= 1
	writeFile(t, m, segmentPath(3), middle)
	chain8 := records(t, unclean(t, func() *vfs.Mem { w, _ := rolled(t); return w }()))[8].Chain
	refused("in the middle, another history", m, wal.Witness{Log: testID, Applied: 8, Chain: wal.Hash{1}}, wal.ErrLostTail)
	refused("in the middle, another history there", m, wal.Witness{Log: testID, Applied: 5, Chain: wal.Hash{1}}, wal.ErrLostTail)
	if loss := mustAcceptLoss(t, m, wal.Witness{Log: testID, Applied: 8, Chain: chain8}); loss.Records != 1 {
		t.Errorf("in the middle: %+v", loss)
	}
}

func TestRebuildRefusesWhatItCannotJudge(t *testing.T) {
	broken := errors.New("input/output error")
	m, _ := rolled(t)
	bad := readFile(t, m, segmentPath(3))
	bad[300] ^= 1
	writeFile(t, m, segmentPath(3), bad)
	disk := vfs.NewFaulty(m)
	disk.SetPlan(func(op vfs.Op) error {
		if op.Kind == vfs.OpRead && op.Path == segmentPath(5) && op.Offset > 0 {
			return broken
		}
		return nil
	})
	if _, err := wal.AcceptLoss(bg, disk, dir, wal.LossOptions{}); !errors.Is(err, wal.ErrRead) {
		t.Errorf("a disk that does not answer: %v", err)
	}
	newer := m.Crash(vfs.KeepAll)
	writeFile(t, newer, segmentPath(5), resegment(readFile(t, m, segmentPath(5)), func(h []byte) { h[8] = 2 }))
	if _, err := wal.AcceptLoss(bg, newer, dir, wal.LossOptions{}); !errors.Is(err, wal.ErrTooNew) {
		t.Errorf("a later version: %v", err)
	}
	whole, _ := rolled(t)
	l, _ := mustOpen(t, whole, options(segmentBytes(2048)))
	var locked *vfs.LockedError
	if _, err := wal.AcceptLoss(bg, whole, dir, wal.LossOptions{}); !errors.As(err, &locked) {
		t.Errorf("in use: %v", err)
	}
	mustClose(t, l)
	before := whole.Crash(vfs.KeepAll)
	if loss := mustAcceptLoss(t, whole, wal.Witness{}); len(loss.Holes)+len(loss.Kept) != 0 || loss.Left != 8 {
		t.Errorf("nothing is damaged: %+v", loss)
	}
	if _, rec := mustOpen(t, before, options()); !rec.Clean {
		t.Error("CLEAN was taken away")
	}
}

// Stopped anywhere, with whatever of it on disk, a rebuild can be run again and comes to the same end; and no byte of
// what was there before is ever without a copy.
func TestCrashAtEveryStepOfRebuild(t *testing.T) {
	whole, _ := rolled(t)
	all := records(t, whole)
	damaged := whole.Crash(vfs.KeepAll)
	for _, first := range []wal.LSN{1, 7} {
		data := readFile(t, damaged, segmentPath(first))
		data[300] ^= 1
		writeFile(t, damaged, segmentPath(first), data)
	}
	if err := damaged.Remove(segmentPath(5)); err != nil {
		t.Fatal(err)
	}
	if err := damaged.SyncDir(dir); err != nil {
		t.Fatal(err)
	}
	old := [][]byte{readFile(t, damaged, segmentPath(1)), readFile(t, damaged, segmentPath(7))}
	var want map[wal.LSN]kept
	for n := 1; ; n++ {
		m := damaged.Crash(vfs.KeepAll)
		disk := vfs.NewFaulty(m)
		disk.SetPlan(vfs.StopAt(n))
		_, err := wal.AcceptLoss(bg, disk, dir, wal.LossOptions{Now: clock()})
		for seed := range uint64(16) {
			keep := vfs.KeepSeeded(seed)
			switch seed {
			case 0:
				keep = vfs.KeepNone
			case 1:
				keep = vfs.KeepAll
			}
			after := m.Crash(keep)
			mustAcceptLoss(t, after, wal.Witness{})
			for i, was := range old {
				if !inAnyFile(t, after, was[128:]) {
					t.Fatalf("stopped at %d, seed %d: damaged segment %d is nowhere", n, seed, i)
				}
			}
			got := records(t, after)
			if want == nil {
				want = map[wal.LSN]kept{2: all[2], 3: all[3], 4: all[4], 8: all[8]}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("stopped at %d, seed %d: %s", n, seed, d)
			}
			mustGoOn(t, after, 8)
		}
		if err == nil {
			break
		}
		if n > 200 {
			t.Fatal("the rebuild never ends")
		}
	}
}

// Records inside the payload of a record whose header is damaged are no records.
func TestRebuildIsNotFooledByPayloads(t *testing.T) {
	m := vfs.NewMem()
	l, _ := mustOpen(t, m, options(segmentBytes(64<<10)))
	mustAppend(t, l, batch("first", 1, 100)...)
	inner := make([]byte, 104+8)
	copy(inner[104:], "a fake! ")
	fake, _ := image(t, []wal.Entry{{Kind: 9, Payload: []byte("a fake! ")}})
	copy(inner, fake[128:])
	for _, lsn := range []wal.LSN{2, 3} { // as if it were the record itself, or the one behind it
		mustAppend(t, l, wal.Entry{Kind: 1, Payload: slices.Concat(relsn(inner, lsn), make([]byte, 200))})
	}
	for i := range 3 {
		mustAppend(t, l, batch(fmt.Sprint("later ", i), 1, 300)...)
	}
	mustClose(t, l)
	all := records(t, m)
	at := 128 + 208
	data := readFile(t, m, segmentPath(1))
	for _, off := range []int{8, 16, 5, 0} { // its length, its lsn, its kind, its magic
		bad := bytes.Clone(data)
		bad[at+off] ^= 1
		after := m.Crash(vfs.KeepAll)
		writeFile(t, after, segmentPath(1), bad)
		mustAcceptLoss(t, after, wal.Witness{})
		got := records(t, after)
		for lsn, r := range got {
			if r != all[lsn] {
				t.Errorf("byte %d of the header: lsn %d = %.20q", off, lsn, r.Payload)
			}
		}
		if len(got) != len(all)-1 {
			t.Errorf("byte %d of the header: %d records, want %d", off, len(got), len(all)-1)
		}
	}
}

// relsn gives a frame another LSN, durable LSN and a right checksum.
func relsn(frame []byte, lsn wal.LSN) []byte {
	return reheader(frame, 0, func(h []byte) { h[16], h[24] = byte(lsn), byte(lsn-1) })
}

// Random journals, randomly damaged: what is rebuilt is whole, and holds every record that no damage touched, as it was.
func TestRandomDamageIsRebuilt(t *testing.T) {
	for seed := range uint64(150) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { randomDamage(t, seed) })
	}
}

func randomDamage(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 7))
	m := vfs.NewMem()
	l, _ := mustOpen(t, m, options(segmentBytes(4096)))
	for i := range 3 + r.IntN(20) {
		mustAppend(t, l, batch(fmt.Sprint("batch ", i), 1+r.IntN(3), r.IntN(500))...)
		if last := l.Head().Last; r.IntN(4) == 0 && last > 2 {
			if err := l.Erase(bg, 1+wal.LSN(r.IntN(int(last)-1)), last); err != nil {
				t.Fatal(err)
			}
		}
	}
	type extent struct {
		path     string
		from, to int64
	}
	where := map[wal.LSN]extent{}
	for d, err := range wal.Dump(bg, m, dir, 1) {
		if err != nil {
			t.Fatal(err)
		}
		if d.Mark == nil {
			n := (104 + int64(d.Record.Pos.Length) + 7) &^ 7
			where[d.Record.LSN] = extent{d.File, d.Record.Pos.Offset, d.Record.Pos.Offset + n}
		}
	}
	if r.IntN(2) == 0 {
		mustClose(t, l)
	} else {
		m = m.Crash(vfs.KeepAll)
	}
	all := records(t, m)
	touched := map[wal.LSN]bool{}
	for range 1 + r.IntN(4) {
		lsn := wal.LSN(1 + r.IntN(len(all)))
		e := where[lsn]
		data := readFile(t, m, e.path)
		from := e.from + int64(r.IntN(int(e.to-e.from)))
		to := min(from+1+int64(r.IntN(300)), int64(len(data)))
		for i := from; i < to; i++ {
			data[i] ^= byte(1 + r.IntN(255))
		}
		writeFile(t, m, e.path, data)
		for other, x := range where {
			if x.path == e.path && x.from < to && x.to > from {
				touched[other] = true
			}
		}
	}
	loss := mustAcceptLoss(t, m, wal.Witness{})
	got := records(t, m)
	for lsn, r := range got {
		was := all[lsn]
		if touched[lsn] {
			// Between two holes no link is left to check the stored chain by, and the checksum does not cover it.
			r.Chain, r.Header = was.Chain, r.Header[:72]+was.Header[72:]
		}
		if was != r {
			t.Fatalf("lsn %d is not what it was; %+v", lsn, loss)
		}
	}
	for lsn, r := range all {
		// Erased payloads go when their order was hit, and what stands between two damages when neither side confirms it.
		// Behind the last record that is left, nothing may tell of it.
		between := touched[lsn-1] && (touched[lsn+1] || touched[lsn+2])
		if _, ok := got[lsn]; !ok && !touched[lsn] && !between && r.Payload != "" && lsn <= loss.Left {
			t.Fatalf("lsn %d at %+v was not touched and is gone; touched %v; %+v", lsn, where[lsn], touched, loss)
		}
	}
	mustGoOn(t, m, 0)
}

package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/ingest"
	"episteme/engine/kv"
	"episteme/engine/kv/mem"
	"episteme/engine/record"
	"episteme/engine/vfs"
	"episteme/engine/wal"
)

// openLog is a journal in memory.
func openLog(t *testing.T, disk vfs.FS) *wal.Log {
	t.Helper()
	log, _, err := wal.Open(disk, "wal", wal.Options{ReserveBytes: -1, IdleMark: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return log
}

// history is n records of all kinds that refer to each other.
func history(t *testing.T, seed uint64, n int) []record.Record {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	var list []record.Record
	var assertions, epochs []record.Hash
	hashOf := func(rec record.Record) record.Hash {
		id, err := record.IDOf(rec)
		if err != nil {
			t.Fatal(err)
		}
		return id.Hash
	}
	for i := range n {
		at := record.Time(1e18 + int64(r.IntN(1000))*1e9)
		agent := fmt.Sprintf("agent-%d", r.IntN(5))
		var rec record.Record
		switch k := r.IntN(8); {
		case k == 0:
			rec = record.Evidence(fmt.Sprintf("document %d", r.IntN(n)))
		case k == 1:
			rec = &record.Source{Name: fmt.Sprintf("doc-%d", i), Digest: record.Sum([]byte{byte(r.IntN(9))}), URI: strings.Repeat("u", r.IntN(900)), Authority: 0.5, Agent: agent, Timestamp: at}
		case k == 2 && len(epochs) > 0:
			rec = &record.Epoch{Name: fmt.Sprintf("e%d", i), Agent: agent, Timestamp: at, Supersedes: epochs[r.IntN(len(epochs))], Supersession: record.Temporal}
		case k == 2:
			rec = &record.Epoch{Name: "e", Agent: agent, Timestamp: at}
		case k == 3 && len(assertions) > 0:
			rec = &record.Vote{Assertion: assertions[r.IntN(len(assertions))], Agent: agent, Weight: 0.5, Timestamp: at}
		case k == 4 && len(assertions) > 0:
			rec = &record.Transition{Assertion: assertions[r.IntN(len(assertions))], To: record.Approved, Agent: agent, Timestamp: at}
		case k == 5:
			rec = &record.Event{Type: record.Deploy, Timestamp: at, Agent: agent, Title: fmt.Sprintf("deploy %d", i)}
		case k == 6:
			a := &record.Audit{Agent: agent, Timestamp: at, Subject: fmt.Sprintf("s/%d", r.IntN(2)), Predicate: "p", Lens: "external", AsOf: at, ResultHash: record.Object{}.Hash(), Question: fmt.Sprint(i)}
			for range r.IntN(4) {
				c := record.Contribution{Assertion: record.Sum(fmt.Append(nil, "nobody", r.IntN(9))), Weight: 0.5, Lifecycle: record.Unstated, Source: record.Sum([]byte{1})}
				if len(assertions) > 0 && r.IntN(5) > 0 {
					c.Assertion = assertions[r.IntN(len(assertions))]
				}
				a.Contributions = append(a.Contributions, c)
			}
			a.Considered = uint64(len(a.Contributions))
			rec = a
		default:
			rec = &record.Assertion{Subject: fmt.Sprintf("s/%d", r.IntN(4)), Predicate: "p", Object: record.TextObject(fmt.Sprint(r.IntN(3))),
				Confidence: 0.5, Lifecycle: record.Proposed, Agent: agent, Timestamp: at, Source: record.Sum([]byte{byte(r.IntN(9))})}
			if r.IntN(4) == 0 { // a vote before what it is about
				list = append(list, &record.Vote{Assertion: hashOf(rec), Agent: agent, Weight: -0.5, Timestamp: at})
			}
			assertions = append(assertions, hashOf(rec))
		}
		if e, ok := rec.(*record.Epoch); ok {
			epochs = append(epochs, hashOf(e))
		}
		list = append(list, rec)
		if r.IntN(10) == 0 { // sent again
			list = append(list, list[r.IntN(len(list))])
		}
	}
	return list
}

func appendAll(t *testing.T, log *wal.Log, list []record.Record) wal.LSN {
	t.Helper()
	var last wal.LSN
	for i := 0; i < len(list); i += 7 {
		var entries []wal.Entry
		for _, rec := range list[i:min(i+7, len(list))] {
			payload, err := record.Encode(nil, rec)
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, wal.Entry{Kind: uint8(rec.Kind()), Payload: payload})
		}
		receipt, err := log.Append(t.Context(), entries...)
		if err != nil {
			t.Fatal(err)
		}
		last = receipt.Last
	}
	return last
}

// contents is all that a store holds, without what says how it was written: the marks of transactions and the number of
// the last one.
func contents(t *testing.T, store kv.Store) map[string]string {
	t.Helper()
	snap, err := store.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	all := map[string]string{}
	for e, err := range snap.Scan(t.Context(), nil, nil) {
		if err != nil {
			t.Fatal(err)
		}
		value := string(e.Value)
		switch key := string(e.Key); {
		case strings.HasPrefix(key, "b:"):
			continue
		case key == "m:applied":
			value = value[:len(value)-8]
		}
		all[string(e.Key)] = value
	}
	return all
}

// crashing stops taking batches after a number of them, as if the process had ended there.
type crashing struct {
	kv.Store
	left atomic.Int64
}

var errCrash = errors.New("the process ended here")

func (c *crashing) Apply(b *kv.Batch) error {
	if c.left.Add(-1) < 0 {
		return errCrash
	}
	return c.Store.Apply(b)
}

// TestIngestExactlyOnceAtEveryCrashPoint stops the worker before each of its transactions in turn and starts another:
// the store ends up as if nothing had happened.
func TestIngestExactlyOnceAtEveryCrashPoint(t *testing.T) {
	const seed = 42
	log := openLog(t, vfs.NewMem())
	last := appendAll(t, log, history(t, seed, 120))
	whole := mem.NewLimited(12 << 10) // many small transactions
	run(t, log, whole, last)
	want := contents(t, whole)
	if len(want) < 120 {
		t.Fatalf("the store has %d keys, want at least one a record", len(want))
	}
	points := 0
	for stop := int64(1); ; stop++ {
		inner := mem.NewLimited(12 << 10)
		store := &crashing{Store: inner}
		store.left.Store(stop)
		w, err := ingest.Start(ingest.FromLog(log), ingest.NewIndex(store, log), nil)
		if err != nil {
			t.Fatal(err)
		}
		err = w.Wait(t.Context(), record.LSN(last))
		w.Close()
		if err == nil {
			break
		}
		if !errors.Is(err, errCrash) {
			t.Fatalf("crash %d: %v", stop, err)
		}
		points++
		run(t, log, inner, last)
		if diff := cmp.Diff(want, contents(t, inner)); diff != "" {
			t.Fatalf("seed %d, crash before transaction %d: the store differs (-want +got):\n%s", seed, stop, diff)
		}
	}
	if points < 5 {
		t.Errorf("%d crash points, want at least 5: the test has lost its teeth", points)
	}
}

func run(t *testing.T, log *wal.Log, store kv.Store, last wal.LSN) {
	t.Helper()
	w, err := ingest.Start(ingest.FromLog(log), ingest.NewIndex(store, log), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Wait(t.Context(), record.LSN(last)); err != nil {
		t.Fatal(err)
	}
}

// TestBatchBoundsChangeNothing: where the worker cuts its transactions decides nothing.
func TestBatchBoundsChangeNothing(t *testing.T) {
	log := openLog(t, vfs.NewMem())
	last := appendAll(t, log, history(t, 7, 200))
	small, large := mem.NewLimited(12<<10), mem.New()
	run(t, log, small, last)
	run(t, log, large, last)
	if diff := cmp.Diff(contents(t, large), contents(t, small)); diff != "" {
		t.Errorf("stores differ (-large +small batches):\n%s", diff)
	}
}

// TestARecordSentAgainKeepsItsFirstLSN (rule 4).
func TestARecordSentAgainKeepsItsFirstLSN(t *testing.T) {
	log := openLog(t, vfs.NewMem())
	e := &record.Event{Type: record.Note, Timestamp: 1e18, Agent: "alice", Title: "twice"}
	last := appendAll(t, log, []record.Record{e, record.Evidence("between"), e})
	store := mem.New()
	run(t, log, store, last)
	v, err := ingest.NewIndex(store, log).View()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	id, _ := record.IDOf(e)
	if got, err := v.Get(id); err != nil || got.LSN != 1 {
		t.Errorf("Get(%s) = lsn %d, %v; want lsn 1", id.Short(), got.LSN, err)
	}
	n := 0
	for range v.Events(t.Context(), nil, nil) {
		n++
	}
	if n != 1 {
		t.Errorf("%d events listed, want 1", n)
	}
}

// TestStoreAheadOfJournalRefused: a store that has seen more than the journal holds, or another journal, is not used.
func TestStoreAheadOfJournalRefused(t *testing.T) {
	store := mem.New()
	long := openLog(t, vfs.NewMem())
	run(t, long, store, appendAll(t, long, history(t, 1, 30)))
	other := openLog(t, vfs.NewMem())
	if _, err := ingest.Start(ingest.FromLog(other), ingest.NewIndex(store, other), nil); !errors.Is(err, ingest.ErrWrongJournal) {
		t.Errorf("Start with another journal = %v, want ErrWrongJournal", err)
	}
}

// TestWaitSaysWhyItEnds: a question never waits for ever, and says at which LSN the store stood.
func TestWaitSaysWhyItEnds(t *testing.T) {
	log := openLog(t, vfs.NewMem())
	appendAll(t, log, history(t, 1, 3))
	w, err := ingest.Start(ingest.FromLog(log), ingest.NewIndex(mem.New(), log), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Wait(ctx, 1<<40); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait with an ended context = %v, want context.Canceled", err)
	}
	w.Close()
	if err := w.Wait(t.Context(), 1<<40); err == nil {
		t.Error("Wait after Close = nil, want an error")
	}
}

// full has no room for a while.
type full struct {
	kv.Store
	refuses atomic.Bool
}

func (f *full) Apply(b *kv.Batch) error {
	if f.refuses.Load() {
		return fmt.Errorf("disk of the test: %w", kv.ErrNoRoom)
	}
	return f.Store.Apply(b)
}

// TestAFullDiskIsWaitedFor: the worker says why it does not go on, and goes on by itself when there is room.
func TestAFullDiskIsWaitedFor(t *testing.T) {
	log := openLog(t, vfs.NewMem())
	store := &full{Store: mem.New()}
	w, err := ingest.Start(ingest.FromLog(log), ingest.NewIndex(store, log), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	list := history(t, 1, 30)
	if err := w.Wait(t.Context(), record.LSN(appendAll(t, log, list[:10]))); err != nil {
		t.Fatal(err)
	}
	store.refuses.Store(true)
	last := record.LSN(appendAll(t, log, list[10:]))
	for w.Stalled() == nil {
		if err := w.Err(); err != nil {
			t.Fatalf("the worker stopped: %v", err)
		}
		runtime.Gosched()
	}
	if err := w.Stalled(); !errors.Is(err, kv.ErrNoRoom) {
		t.Errorf("Stalled() = %v, want no room", err)
	}
	if got := w.Applied(); got >= last {
		t.Errorf("applied %d while there was no room, want less than %d", got, last)
	}
	if err := w.Wait(t.Context(), last); !errors.Is(err, kv.ErrNoRoom) {
		t.Errorf("Wait while there is no room = %v, want why", err)
	}
	store.refuses.Store(false)
	err = w.Wait(t.Context(), last)
	for errors.Is(err, kv.ErrNoRoom) { // it has not looked again yet
		runtime.Gosched()
		err = w.Wait(t.Context(), last)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Stalled(); err != nil {
		t.Errorf("Stalled() = %v after there was room, want nil", err)
	}
}

// TestAnyNumberMayWaitForAnAssertion: votes that came before what they are about are counted once it is here, however many
// they are and however small a transaction is.
func TestAnyNumberMayWaitForAnAssertion(t *testing.T) {
	a := &record.Assertion{Subject: "s", Predicate: "p", Object: record.TextObject("v"), Confidence: 0.5, Lifecycle: record.Proposed,
		Agent: "ann", Timestamp: 1e18, Source: record.Sum([]byte{1})}
	id, err := record.IDOf(a)
	if err != nil {
		t.Fatal(err)
	}
	vote := func(i int) record.Record {
		return &record.Vote{Assertion: id.Hash, Agent: fmt.Sprint(i), Weight: 0.5, Timestamp: 1e18}
	}
	var list []record.Record
	for i := range 700 {
		list = append(list, vote(i))
	}
	list = append(list, a)
	for i := range 300 {
		list = append(list, vote(1000+i))
	}
	log := openLog(t, vfs.NewMem())
	last := appendAll(t, log, list)
	store := mem.NewLimited(12 << 10)
	run(t, log, store, last)
	v, err := ingest.NewIndex(store, log).View()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	counts, before := map[string]int{}, record.LSN(0)
	for l, err := range v.Life(t.Context(), "s", "p") {
		if err != nil || l.LSN <= before {
			t.Fatalf("lsn %d behind %d, %v, want them rising", l.LSN, before, err)
		}
		before = l.LSN
		counts["life"]++
	}
	for l, err := range v.Links(t.Context(), id, ingest.LinkVote) {
		if _, ok := l.Record.(*record.Vote); !ok || err != nil {
			t.Fatalf("a vote is %v, %v", l.Record, err)
		}
		counts["links"]++
	}
	for e, err := range v.Topic(t.Context(), "s", "p") {
		if err != nil {
			t.Fatal(err)
		}
		if e.Life.Record != nil {
			counts["topic"]++
		}
	}
	if counts["life"] != 1000 || counts["links"] != 1000 || counts["topic"] != 1000 {
		t.Errorf("%v votes, want 1000 in each", counts)
	}
}

// TestALimitComesBack: one record that needs small transactions does not slow down all that follow.
func TestALimitComesBack(t *testing.T) {
	log := openLog(t, vfs.NewMem())
	list := history(t, 9, 400)
	last := appendAll(t, log, list)
	store := &refusing{Store: mem.New(), times: 12}
	run(t, log, store, last)
	if store.after > 40 {
		t.Errorf("%d transactions for 400 records after the store had refused %d, want some larger ones", store.after, 12)
	}
}

// refusing finds the first batches too big.
type refusing struct {
	kv.Store
	times, after int
}

func (r *refusing) Apply(b *kv.Batch) error {
	if b.Len() > 3 && r.times > 0 {
		r.times--
		return kv.ErrBatchTooBig
	}
	r.after++
	return r.Store.Apply(b)
}

// failing is a journal whose disk gives an error.
type failing struct{ err error }

func (f failing) ReadAt(wal.Position) (wal.Record, error) {
	return wal.Record{}, &wal.ReadError{File: "000001.wal", Offset: 128, Err: f.err}
}

// TestADiskThatDoesNotAnswerIsNotDamage: of bytes that could not be read nothing is known; a file that is too short has
// lost some.
func TestADiskThatDoesNotAnswerIsNotDamage(t *testing.T) {
	log := openLog(t, vfs.NewMem())
	doc := record.Evidence("a document")
	store := mem.New()
	run(t, log, store, appendAll(t, log, []record.Record{doc}))
	id, err := record.IDOf(doc)
	if err != nil {
		t.Fatal(err)
	}
	for err, broken := range map[error]bool{syscall.EIO: false, io.ErrUnexpectedEOF: true, io.EOF: true} {
		v, openErr := ingest.NewIndex(store, failing{err}).View()
		if openErr != nil {
			t.Fatal(openErr)
		}
		if _, got := v.Get(id); !errors.Is(got, err) || errors.Is(got, ingest.ErrBroken) != broken {
			t.Errorf("Get over %v = %v, want that cause, broken: %t", err, got, broken)
		}
		v.Close()
	}
}

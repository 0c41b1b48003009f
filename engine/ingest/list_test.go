package ingest_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"episteme/engine/ingest"
	"episteme/engine/kv"
	"episteme/engine/kv/mem"
	"episteme/engine/record"
	"episteme/engine/vfs"
)

// listed is an audit as the naive lists of the test have it.
type listed struct {
	lsn   record.LSN
	audit *record.Audit
}

// audits is n audits of few agents and subjects, at times that go forwards, backwards and to extremes, which received
// assertions about their subject, about another, and ones that nobody holds.
func audits(t *testing.T, r *rand.Rand, n int) []record.Record {
	t.Helper()
	var list []record.Record
	var held []record.Hash
	for i := range 40 {
		a := &record.Assertion{Subject: fmt.Sprintf("s/%d", i%3), Predicate: "p", Object: record.TextObject(fmt.Sprint(i)), Confidence: 0.5,
			Lifecycle: record.Approved, Agent: "a", Timestamp: 1e18, Source: record.Sum([]byte{1})}
		id, err := record.IDOf(a)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, id.Hash)
		if i%8 != 0 { // the others arrive at the end, or never
			list = append(list, a)
		}
		if i == 16 {
			defer func() { list = append(list, a) }()
		}
	}
	at := int64(1e18)
	for i := range n {
		switch r.IntN(20) {
		case 0:
			at -= r.Int64N(1e15)
		case 1:
			at = 1e18
		default:
			at += r.Int64N(1e9)
		}
		when := record.Time(at)
		if r.IntN(200) == 0 {
			when = []record.Time{0, record.MaxTime}[r.IntN(2)]
		}
		a := &record.Audit{Agent: fmt.Sprintf("agent-%d", r.IntN(3)), Timestamp: when, Subject: fmt.Sprintf("s/%d", r.IntN(3)), Predicate: "p",
			Lens: "external", AsOf: when, ResultHash: record.Object{}.Hash(), Question: fmt.Sprint(i)}
		received := r.IntN(6)
		if r.IntN(50) == 0 {
			received = 40 // all there are
		}
		for _, k := range r.Perm(len(held))[:received] {
			a.Contributions = append(a.Contributions, record.Contribution{Assertion: held[k], Weight: 0.5, Lifecycle: record.Approved, Source: record.Sum([]byte{1})})
		}
		a.Considered = uint64(len(a.Contributions))
		list = append(list, a)
	}
	return list
}

// TestListsEqualNaiveOnes compares every list, over every kind of range, with one that is filtered and sorted by hand,
// and who received an assertion with a look at every audit; across packs, and whatever the batches.
func TestListsEqualNaiveOnes(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 2))
		list := audits(t, r, 900)
		log := openLog(t, vfs.NewMem())
		last := appendAll(t, log, list)
		store := mem.NewLimited([]int{32 << 10, 64 << 10, 1 << 20, 32 << 20}[seed])
		run(t, log, store, last)
		v, err := ingest.NewIndex(store, log).View()
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		var all []listed
		for i, rec := range list {
			if a, ok := rec.(*record.Audit); ok {
				all = append(all, listed{record.LSN(i + 1), a})
			}
		}
		compareLists(t, seed, r, v, all)
		compareReceived(t, seed, v, list, all)
	}
}

func compareLists(t *testing.T, seed uint64, r *rand.Rand, v *ingest.View, all []listed) {
	t.Helper()
	slices.SortFunc(all, func(a, b listed) int {
		return cmp.Or(-cmp.Compare(a.audit.Timestamp, b.audit.Timestamp), -cmp.Compare(a.lsn, b.lsn))
	})
	bound := func() *record.Time {
		t := all[r.IntN(len(all))].audit.Timestamp + record.Time(r.IntN(3)) - 1
		if r.IntN(3) == 0 || t < 0 {
			return nil
		}
		return &t
	}
	for range 60 {
		from, to := bound(), bound()
		agent, subject := fmt.Sprintf("agent-%d", r.IntN(4)), fmt.Sprintf("s/%d", r.IntN(4)) // the last of each has none
		for name, got := range map[string]struct {
			list  iter.Seq2[ingest.Brief, error]
			holds func(*record.Audit) bool
		}{
			"all":              {v.All(t.Context(), from, to), func(*record.Audit) bool { return true }},
			"of " + agent:      {v.ByAgent(t.Context(), agent, from, to), func(a *record.Audit) bool { return a.Agent == agent }},
			"about " + subject: {v.BySubject(t.Context(), subject, from, to), func(a *record.Audit) bool { return a.Subject == subject }},
		} {
			var want []record.LSN
			for _, l := range all {
				if got.holds(l.audit) && (from == nil || l.audit.Timestamp >= *from) && (to == nil || l.audit.Timestamp < *to) {
					want = append(want, l.lsn)
				}
			}
			var have []record.LSN
			for b, err := range got.list {
				if err != nil {
					t.Fatalf("seed %d: %s: %v", seed, name, err)
				}
				row, err := v.Row(b)
				if err != nil {
					t.Fatalf("seed %d: %s: lsn %d: %v", seed, name, b.LSN, err)
				}
				a := row.Audit
				if a.Agent != b.Agent || a.Subject != b.Subject || a.Predicate != b.Predicate || a.Lens != b.Lens || a.Timestamp != b.Timestamp || row.LSN != b.LSN {
					t.Fatalf("seed %d: %s: columns %+v of audit %+v", seed, name, b, a)
				}
				have = append(have, b.LSN)
			}
			if !slices.Equal(have, want) {
				t.Fatalf("seed %d: %s in [%v, %v): %d audits, want %d", seed, name, from, to, len(have), len(want))
			}
		}
	}
}

func compareReceived(t *testing.T, seed uint64, v *ingest.View, list []record.Record, all []listed) {
	t.Helper()
	asked := map[record.Hash]bool{}
	for _, l := range all {
		for _, c := range l.audit.Contributions {
			asked[c.Assertion] = true
		}
	}
	if len(asked) != 40 {
		t.Fatalf("seed %d: %d assertions were received, want all 40: the test has lost its teeth", seed, len(asked))
	}
	for assertion := range asked {
		var want, have []record.LSN
		for _, l := range all {
			for _, c := range l.audit.Contributions {
				if c.Assertion == assertion {
					want = append(want, l.lsn)
				}
			}
		}
		for row, err := range v.Received(t.Context(), assertion) {
			if err != nil {
				t.Fatal(err)
			}
			have = append(have, row.LSN)
		}
		slices.Sort(want)
		slices.Sort(have)
		if !slices.Equal(have, want) {
			t.Fatalf("seed %d: assertion %s: %d audits received it, want %d", seed, assertion, len(have), len(want))
		}
	}
}

// forgetful says that it took the transaction with a number and drops it.
type forgetful struct {
	kv.Store
	drop, last uint64
}

func (f *forgetful) Apply(b *kv.Batch) error {
	for op := range b.Ops() {
		if slot, ok := bytes.CutPrefix(op.Key, []byte("b:")); ok {
			f.last = uint64(binary.BigEndian.Uint16(slot))
		}
	}
	if f.last == f.drop {
		return nil
	}
	return f.Store.Apply(b)
}

// TestHolesAreFound drops each transaction of a store in turn, as a damaged log of its own does, and takes the store for
// one that was not closed: each hole is found, and a store without its end is whole.
func TestHolesAreFound(t *testing.T) {
	log := openLog(t, vfs.NewMem())
	last := appendAll(t, log, history(t, 3, 150))
	for drop := uint64(1); ; drop++ {
		store := &forgetful{Store: mem.NewLimited(12 << 10), drop: drop}
		run(t, log, store, last)
		checked, err := ingest.CheckWhole(t.Context(), store)
		var hole *ingest.HoleError
		switch {
		case store.last < drop: // nothing was dropped
			if err != nil || checked != store.last || drop < 5 {
				t.Errorf("CheckWhole of a whole store = %d, %v, want its %d transactions, and 5 at least", checked, err, store.last)
			}
			return
		case store.last == drop: // the end, which is simply applied again
			if err != nil || checked != drop-1 {
				t.Errorf("without the last transaction: CheckWhole = %d, %v, want %d", checked, err, drop-1)
			}
		case !errors.As(err, &hole) || hole.Number != drop:
			t.Errorf("without transaction %d of %d: CheckWhole = %d, %v, want a hole there", drop, store.last, checked, err)
		}
	}
}

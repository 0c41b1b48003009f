package ingest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"episteme/engine/ingest"
	"episteme/engine/kv"
	"episteme/engine/kv/mem"
	"episteme/engine/record"
	"episteme/engine/vfs"
)

// beforeIt notes of each audit which one the same question was answered by before.
type beforeIt map[record.LSN]string

func (b beforeIt) Annotate(ctx context.Context, v *ingest.View, row ingest.Row) ([]byte, error) {
	key, err := row.Audit.AnswerKey()
	if err != nil {
		return nil, err
	}
	id, result, ok, err := v.AnswerBefore(ctx, key, row.LSN)
	b[row.LSN] = fmt.Sprint(id, result, ok)
	return nil, err
}

// counting counts its transactions.
type counting struct {
	kv.Store
	applied atomic.Int64
}

func (c *counting) Apply(b *kv.Batch) error {
	c.applied.Add(1)
	return c.Store.Apply(b)
}

// TestAuditsOfOneBatchKnowEachOther: the same question asked again and again is one transaction, and each answer comes
// after the one before it.
func TestAuditsOfOneBatchKnowEachOther(t *testing.T) {
	const seed = 11
	r := rand.New(rand.NewPCG(seed, 1))
	log := openLog(t, vfs.NewMem())
	journal := record.LogID(log.Head().Log)
	var last record.LSN
	want, told := beforeIt{}, map[string]string{}
	for i := range 60 {
		at := record.Time(1e18 + int64(i)*1e9)
		a := &record.Audit{Agent: "a", Timestamp: at, Subject: fmt.Sprintf("s/%d", r.IntN(3)), Predicate: "p", Lens: "recency", AsOf: at,
			Pinned: true, Journal: journal, Value: record.TextObject(fmt.Sprint(r.IntN(3))), Question: fmt.Sprint(i)}
		if r.IntN(5) == 0 {
			a.AsOf-- // explicit: it neither flips an answer nor is flipped
		}
		a.ResultHash = a.Value.Hash()
		id, err := record.IDOf(a)
		if err != nil {
			t.Fatal(err)
		}
		last = record.LSN(appendAll(t, log, []record.Record{a}))
		before, ok := told[a.Subject]
		if !ok {
			before = fmt.Sprint(record.ID{}, record.Hash{}, false)
		}
		want[last] = before
		if !a.ExplicitAsOf() {
			told[a.Subject] = fmt.Sprint(id, a.ResultHash, true)
		}
	}
	for name, limited := range map[string]kv.Store{"one batch": mem.New(), "many batches": mem.NewLimited(8 << 10)} {
		store := &counting{Store: limited}
		found := beforeIt{}
		w, err := ingest.Start(ingest.FromLog(log), ingest.NewIndex(store, log), found)
		if err != nil {
			t.Fatal(err)
		}
		err = w.Wait(t.Context(), last)
		w.Close()
		if err != nil {
			t.Fatal(err)
		}
		for lsn := range last {
			if found[lsn+1] != want[lsn+1] {
				t.Errorf("%s: the audit at lsn %d came after %s, want %s", name, lsn+1, found[lsn+1], want[lsn+1])
			}
		}
		if n := store.applied.Load(); name == "one batch" && n > 2 || name == "many batches" && n < 4 {
			t.Errorf("%s: %d transactions", name, n)
		}
	}
}

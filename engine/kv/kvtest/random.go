package kvtest

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"

	"episteme/engine/kv"
)

const (
	randomSeeds = 8   // lists each run tries; a guess that keeps a store on disk below a second
	randomOps   = 250 // operations in a list
	shrinkRuns  = 300 // lists tried to make a failing one shorter
)

// randomOperations runs lists of operations against the store and against a map. The first seeds are always the same,
// the last is new in each run.
func randomOperations(reopening bool) func(*rig) error {
	return func(r *rig) error {
		seeds := []uint64{rand.Uint64()}
		for s := range uint64(randomSeeds - 1) {
			seeds = append(seeds, s+1)
		}
		if text, set := os.LookupEnv("KVTEST_SEED"); set {
			seed, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				return fmt.Errorf("KVTEST_SEED: %w; give a number that a failure printed", err)
			}
			seeds = []uint64{seed}
		}
		r.logf("seeds %d", seeds)
		for _, seed := range seeds {
			if err := randomSeed(r, seed, reopening); err != nil {
				return err
			}
		}
		return nil
	}
}

func randomSeed(r *rig, seed uint64, reopening bool) error {
	rng := rand.New(rand.NewPCG(seed, 0))
	ops := make([]op, randomOps)
	for i := range ops {
		ops[i] = randomOp(rng, reopening)
	}
	if runOps(r, ops) == nil {
		return nil
	}
	ops = shrink(ops, func(ops []op) bool { return runOps(r, ops) != nil })
	var list strings.Builder
	for _, o := range ops {
		fmt.Fprintf(&list, "\n\t%s", o)
	}
	return fmt.Errorf("KVTEST_SEED=%d: %w\nthe shortest list of operations that does it:%s", seed, runOps(r, ops), list.String())
}

// op is one operation on a store and on its model.
type op struct {
	kind         opKind
	batch        []batchOp // apply
	slot         int       // take, drop, scan and get: which of the held snapshots
	lower, upper []byte    // scan; get: lower is the key
}

type opKind string

const (
	opApply  opKind = "apply"
	opTake   opKind = "take"   // a snapshot into a slot
	opDrop   opKind = "drop"   // the snapshot of a slot
	opScan   opKind = "scan"   // the snapshot of a slot, or a new one where it is empty
	opGet    opKind = "get"    // likewise
	opSync   opKind = "sync"   //
	opReopen opKind = "reopen" // drops all snapshots
)

type batchOp struct {
	key     string
	value   string
	deletes bool
}

func (o op) String() string {
	switch o.kind {
	case opApply:
		var b strings.Builder
		for _, c := range o.batch {
			if c.deletes {
				fmt.Fprintf(&b, " delete %q", c.key)
			} else {
				fmt.Fprintf(&b, " put %v", pair{c.key, c.value})
			}
		}
		return "apply:" + b.String()
	case opScan:
		return fmt.Sprintf("scan slot %d [%q, %q)", o.slot, o.lower, bound(o.upper))
	case opGet:
		return fmt.Sprintf("get slot %d %q", o.slot, o.lower)
	case opTake, opDrop:
		return fmt.Sprintf("%s slot %d", o.kind, o.slot)
	default:
		return string(o.kind)
	}
}

const randomSlots = 3

func randomOp(rng *rand.Rand, reopening bool) op {
	o := op{slot: rng.IntN(randomSlots)}
	switch n := rng.IntN(100); {
	case n < 40:
		o.kind = opApply
		for range rng.IntN(12) {
			o.batch = append(o.batch, batchOp{randomKey(rng), randomValue(rng), rng.IntN(3) == 0})
		}
	case n < 65:
		o.kind, o.lower, o.upper = opScan, randomBound(rng), randomBound(rng)
	case n < 80:
		o.kind, o.lower = opGet, []byte(randomKey(rng))
	case n < 90:
		o.kind = opTake
	case n < 96:
		o.kind = opDrop
	case n < 98 || !reopening:
		o.kind = opSync
	default:
		o.kind = opReopen
	}
	return o
}

// randomKey is short and of few letters, so that keys meet again, lie close, and start each other.
func randomKey(rng *rand.Rand) string {
	key := make([]byte, 1+rng.IntN(3))
	for i := range key {
		key[i] = "\x00ab\xff"[rng.IntN(4)]
	}
	return string(key)
}

func randomBound(rng *rand.Rand) []byte {
	switch rng.IntN(6) {
	case 0:
		return nil
	case 1:
		return []byte{}
	default:
		return []byte(randomKey(rng))
	}
}

func randomValue(rng *rand.Rand) string {
	switch rng.IntN(60) {
	case 0:
		return noise(1<<20+rng.IntN(3)-1, rng.Uint64())
	case 1, 2:
		return noise(8<<10, rng.Uint64())
	default:
		return noise(rng.IntN(20), rng.Uint64())
	}
}

// noise is size bytes that do not compress.
func noise(size int, seed uint64) string {
	rng := rand.New(rand.NewPCG(seed, 1))
	out := make([]byte, 0, size+8)
	for len(out) < size {
		out = binary.LittleEndian.AppendUint64(out, rng.Uint64())
	}
	return string(out[:size])
}

// player is a store and its model side by side.
type player struct {
	rig   *rig
	dir   string
	store kv.Store
	model map[string]string
	held  [randomSlots]struct {
		snap  kv.Snapshot // nil: the slot is empty
		model map[string]string
	}
}

// runOps returns the first difference between a new store and the model.
func runOps(r *rig, ops []op) (err error) {
	p := &player{rig: r, dir: r.tempDir(), model: map[string]string{}}
	if p.store, err = r.open(p.dir); err != nil {
		return err
	}
	defer func() {
		if closeErr := p.store.Close(); err == nil {
			err = closeErr
		}
	}()
	for i, o := range ops {
		if err := p.play(o); err != nil {
			return fmt.Errorf("operation %d of %d, %s: %w", i+1, len(ops), o, err)
		}
	}
	return nil
}

func (p *player) play(o op) error {
	held := &p.held[o.slot]
	switch o.kind {
	case opApply:
		return p.apply(o.batch)
	case opTake:
		if err := p.drop(o.slot); err != nil {
			return err
		}
		snap, err := p.store.Snapshot()
		held.snap, held.model = snap, maps.Clone(p.model)
		return err
	case opDrop:
		return p.drop(o.slot)
	case opScan:
		return p.read(o.slot, func(snap kv.Snapshot, model map[string]string) error {
			return wantScan(snap, o.lower, o.upper, within(sorted(model), o.lower, o.upper))
		})
	case opGet:
		return p.read(o.slot, func(snap kv.Snapshot, model map[string]string) error {
			if want, found := model[string(o.lower)]; found {
				return wantGet(snap, string(o.lower), want)
			}
			return wantMissing(snap, o.lower)
		})
	case opSync:
		return p.store.Sync()
	case opReopen:
		return p.reopen()
	default:
		panic("kvtest: unknown operation " + o.kind)
	}
}

func (p *player) apply(ops []batchOp) error {
	var b kv.Batch
	for _, c := range ops {
		if c.deletes {
			b.Delete([]byte(c.key))
		} else {
			b.Put([]byte(c.key), []byte(c.value))
		}
	}
	if err := p.store.Apply(&b); err != nil {
		return err
	}
	for _, c := range ops {
		if c.deletes {
			delete(p.model, c.key)
		} else {
			p.model[c.key] = c.value
		}
	}
	return nil
}

// read hands f the snapshot of a slot, or a new one where the slot is empty, with the model of its moment.
func (p *player) read(slot int, f func(kv.Snapshot, map[string]string) error) error {
	if held := p.held[slot]; held.snap != nil {
		return f(held.snap, held.model)
	}
	return seen(p.store, func(snap kv.Snapshot) error { return f(snap, p.model) })
}

func (p *player) drop(slot int) error {
	held := &p.held[slot]
	if held.snap == nil {
		return nil
	}
	err := held.snap.Close()
	held.snap, held.model = nil, nil
	return err
}

// reopen leaves the held snapshots to the store's Close.
func (p *player) reopen() error {
	if err := p.store.Close(); err != nil {
		return err
	}
	for i := range p.held {
		p.held[i].snap, p.held[i].model = nil, nil
	}
	store, err := p.rig.open(p.dir)
	if err != nil {
		return err
	}
	p.store = store
	return wantContent(store, sorted(p.model)...)
}

func sorted(model map[string]string) []pair {
	var pairs []pair
	for _, key := range slices.Sorted(maps.Keys(model)) {
		pairs = append(pairs, pair{key, model[key]})
	}
	return pairs
}

// shrink takes runs of operations out of ops, then operations out of its batches, as long as what is left fails.
// Halves first, then shorter and shorter runs, down to single ones.
func shrink(ops []op, fails func([]op) bool) []op {
	runs := 0
	try := func(ops []op) bool { runs++; return runs <= shrinkRuns && fails(ops) }
	ops = without(ops, try)
	for i := range ops {
		ops[i].batch = without(ops[i].batch, func(batch []batchOp) bool {
			shorter := slices.Clone(ops)
			shorter[i].batch = batch
			return try(shorter)
		})
	}
	return ops
}

// without returns a shorter list that still fails, or list itself.
func without[T any](list []T, fails func([]T) bool) []T {
	for run := max(1, len(list)/2); run > 0; run /= 2 {
		for at := 0; at < len(list); {
			shorter := slices.Delete(slices.Clone(list), at, min(at+run, len(list)))
			if fails(shorter) {
				list = shorter
			} else {
				at += run
			}
		}
	}
	return list
}

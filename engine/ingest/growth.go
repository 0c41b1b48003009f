package ingest

import (
	"context"
	"errors"
	"slices"

	"episteme/engine/kv"
	"episteme/engine/record"
)

// listState is how far a list has come in the store.
type listState struct {
	packs  uint32
	tail   uint8      // audits in no pack, below packAudits
	packed record.LSN // of the last audit in a pack
}

// listsRemembered bounds how many lists' states are kept between batches: 100 bytes each. The others are looked up.
const listsRemembered = 1 << 15

// growth is what a batch adds to lists. Nothing is put before the batch ends, so that a list which fills a pack within
// one batch never writes its single rows.
type growth struct {
	added  map[string]*grown    // by prefix; of this batch
	states map[string]listState // of lists as the store has them
	bytes  int                  // about what write will put
	ops    int
}

type grown struct {
	state  listState
	audits []Brief
}

func newGrowth() *growth {
	return &growth{added: map[string]*grown{}, states: map[string]listState{}}
}

// reset forgets the batch.
func (g *growth) reset() {
	clear(g.added)
	g.bytes, g.ops = 0, 0
	if len(g.states) > listsRemembered {
		clear(g.states)
	}
}

// applied notes that the store has taken what write had put.
func (g *growth) applied() {
	for prefix, list := range g.added {
		total := int(list.state.tail) + len(list.audits)
		after := listState{list.state.packs + uint32(total/packAudits), uint8(total % packAudits), list.state.packed}
		if total >= packAudits {
			after.packed = list.audits[len(list.audits)-1-total%packAudits].LSN // a batch fills packs with its own audits last
		}
		g.states[prefix] = after
	}
}

// add notes an audit for a list. snap is the store before the batch.
func (g *growth) add(ctx context.Context, snap kv.Snapshot, prefix []byte, b Brief) error {
	list := g.added[string(prefix)]
	if list == nil {
		state, err := g.stateOf(ctx, snap, prefix)
		if err != nil {
			return err
		}
		list = &grown{state: state}
		g.added[string(prefix)] = list
		g.ops += int(state.tail) // deleted when a pack is filled
		g.bytes += int(state.tail) * (len(prefix) + 16)
	}
	list.audits = append(list.audits, b)
	g.ops++
	g.bytes += len(prefix) + 48 + len(b.Agent) + len(b.Subject) + len(b.Predicate) + len(b.Lens) + len(b.Annotation) + len(b.received)
	return nil
}

func (g *growth) stateOf(ctx context.Context, snap kv.Snapshot, prefix []byte) (listState, error) {
	if state, ok := g.states[string(prefix)]; ok {
		return state, nil
	}
	var state listState
	for s, err := range spans(ctx, snap, prefix) {
		if err != nil {
			return state, err
		}
		state.packs, state.packed = s.number+1, s.last
	}
	for _, err := range tailScan(ctx, snap, prefix, state.packed) {
		if err != nil {
			return state, err
		}
		state.tail++
	}
	return state, nil
}

// write puts what was added. snap is the store before the batch.
func (g *growth) write(ctx context.Context, snap kv.Snapshot, batch *kv.Batch) error {
	for prefix, list := range g.added {
		if err := list.write(ctx, snap, batch, []byte(prefix)); err != nil {
			return err
		}
	}
	return nil
}

func (l *grown) write(ctx context.Context, snap kv.Snapshot, batch *kv.Batch, prefix []byte) error {
	audits := l.audits
	if int(l.state.tail)+len(audits) >= packAudits {
		before, err := tail(ctx, snap, prefix, l.state.packed, nil)
		if err != nil {
			return err
		}
		for _, b := range before {
			batch.Delete(tailKey(prefix, b.LSN))
		}
		if audits, err = seal(snap, batch, prefix, l.state.packs, append(before, audits...)); err != nil {
			return err
		}
	}
	for i := range audits {
		batch.Put(tailKey(prefix, audits[i].LSN), appendPack(nil, audits[i:i+1]))
	}
	return nil
}

// seal puts all the full packs that audits make, and their spans, and returns the rest. audits are by rising LSN.
func seal(snap kv.Snapshot, batch *kv.Batch, prefix []byte, number uint32, audits []Brief) (rest []Brief, err error) {
	var chunk []byte
	for ; len(audits) >= packAudits; number++ {
		if chunk == nil && number%spansPerChunk != 0 {
			key := spansKey(prefix, number/spansPerChunk)
			chunk, err = snap.Get(key)
			if errors.Is(err, kv.ErrNotFound) {
				return nil, &StoreError{key, "nothing", "the spans of packs that were counted"}
			}
			if err != nil {
				return nil, err
			}
		}
		full := slices.Clone(audits[:packAudits])
		audits = audits[packAudits:]
		chunk = appendSpan(chunk, spanOf(full, number))
		batch.Put(packKey(prefix, number), appendPack(nil, full))
		if last := number%spansPerChunk == spansPerChunk-1; last || len(audits) < packAudits {
			batch.Put(spansKey(prefix, number/spansPerChunk), chunk)
			chunk = nil
		}
	}
	return audits, nil
}

// prefixes of the lists that an audit is in.
func allPrefix() []byte                   { return space(spaceTimeline) }
func agentPrefix(agent string) []byte     { return appendText(space(spaceByAgent), agent) }
func subjectPrefix(subject string) []byte { return appendText(space(spaceBySubject), subject) }

// list adds an audit to all lists that it is in; received goes to that of its subject.
func (g *growth) list(ctx context.Context, snap kv.Snapshot, b Brief, received []byte) error {
	if err := g.add(ctx, snap, allPrefix(), b); err != nil {
		return err
	}
	if err := g.add(ctx, snap, agentPrefix(b.Agent), b); err != nil {
		return err
	}
	b.received = received
	return g.add(ctx, snap, subjectPrefix(b.Subject), b)
}

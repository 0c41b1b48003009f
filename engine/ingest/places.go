package ingest

import (
	"encoding/binary"
	"sync"

	"episteme/engine/record"
	"episteme/engine/wal"
)

// places remembers where records lie in the journal, so that a walk over records that were read or written lately asks the
// store for none of them. It is a table of slots in which a newer place takes the older one's. The zero places is empty.
type places struct {
	shards [placeShards]placeShard
}

// How much is remembered: 2^17 places of 72 bytes are 9 MiB. A shard takes its memory when it is first written to.
const (
	placeShards = 1 << 6
	placeSlots  = 1 << 11 // of a shard
)

type placeShard struct {
	mu    sync.Mutex
	slots []placeSlot // guarded by mu; nil or placeSlots of them
}

type placeSlot struct {
	id    record.ID // zero: empty
	lsn   record.LSN
	place wal.Position
}

// slot is where a record's place is remembered. Hashes are evenly spread, so a few bytes of one are as good as any.
func (p *places) slot(id record.ID) (*placeShard, int) {
	n := binary.LittleEndian.Uint32(id.Hash[4:])
	return &p.shards[n%placeShards], int(n / placeShards % placeSlots)
}

// find is where a record lies, if that is remembered. Who sees less than its LSN does not see it.
func (p *places) find(id record.ID) (record.LSN, wal.Position, bool) {
	s, i := p.slot(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slots == nil || s.slots[i].id != id {
		return 0, wal.Position{}, false
	}
	return s.slots[i].lsn, s.slots[i].place, true
}

func (p *places) put(id record.ID, lsn record.LSN, place wal.Position) {
	s, i := p.slot(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slots == nil {
		s.slots = make([]placeSlot, placeSlots)
	}
	s.slots[i] = placeSlot{id, lsn, place}
}

// forget gives the memory back.
func (p *places) forget() {
	for i := range p.shards {
		s := &p.shards[i]
		s.mu.Lock()
		s.slots = nil
		s.mu.Unlock()
	}
}

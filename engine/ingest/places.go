package ingest

import (
	"encoding/binary"
	"sync"

	"episteme/engine/record"
	"episteme/engine/wal"
)

// places remembers where records lie in the journal, so that a walk over records that were read or written lately asks the
// store for none of them. It is a table of sets of slots, in which a newer place takes an older one's. The zero places is
// empty.
type places struct {
	shards [placeShards]placeShard
}

// How much is remembered: 2^17 places of 72 bytes are 9 MiB. A shard takes its memory when it is first written to.
const (
	placeShards = 1 << 6
	placeSlots  = 1 << 11 // of a shard
	placeWays   = 1 << 2  // slots of a set; with one, a chain of 15,000 records lost one in nine each time it was walked
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

// set is where a record's place may be remembered, and which slot of that it takes when all are taken. Hashes are evenly
// spread, so a few bytes of one are as good as any.
func (p *places) set(id record.ID) (shard *placeShard, first, victim int) {
	n := binary.LittleEndian.Uint32(id.Hash[4:])
	return &p.shards[n%placeShards], int(n/placeShards%(placeSlots/placeWays)) * placeWays, int(id.Hash[8] % placeWays)
}

// slots are those of a set; none when nothing was put into its shard yet. The caller holds mu.
func (s *placeShard) set(first int) []placeSlot {
	if s.slots == nil {
		return nil
	}
	return s.slots[first : first+placeWays]
}

// find is where a record lies, if that is remembered. Who sees less than its LSN does not see it.
func (p *places) find(id record.ID) (record.LSN, wal.Position, bool) {
	s, first, _ := p.set(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	set := s.set(first)
	for i := range set {
		if set[i].id == id {
			return set[i].lsn, set[i].place, true
		}
	}
	return 0, wal.Position{}, false
}

func (p *places) put(id record.ID, lsn record.LSN, place wal.Position) {
	s, first, at := p.set(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slots == nil {
		s.slots = make([]placeSlot, placeSlots)
	}
	set := s.set(first)
	for i := range set {
		if set[i].id == id || set[i].lsn == 0 {
			at = i
			break
		}
	}
	set[at] = placeSlot{id, lsn, place}
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

package ingest

import (
	"encoding/binary"
	"testing"

	"episteme/engine/record"
	"episteme/engine/wal"
)

// placed is an id of a set; as many n as there are slots fill all. Ids with another word are others in the same set.
func placed(n uint32, other byte) record.ID {
	id := record.ID{Kind: record.KindAudit}
	binary.LittleEndian.PutUint32(id.Hash[4:], n)
	id.Hash[31] = other
	return id
}

func TestPlacesAreThoseThatWerePut(t *testing.T) {
	var p places
	if _, _, ok := p.find(placed(1, 0)); ok {
		t.Error("an empty table has a place")
	}
	const slots = placeShards * placeSlots
	for n := range uint32(slots) {
		p.put(placed(n, 0), record.LSN(n+1), wal.Position{Segment: 1, Offset: int64(n), Length: n})
	}
	for n := range uint32(slots) {
		lsn, place, ok := p.find(placed(n, 0))
		if want := (wal.Position{Segment: 1, Offset: int64(n), Length: n}); !ok || lsn != record.LSN(n+1) || place != want {
			t.Fatalf("slot %d: found %v at %d, %t; want %v at %d", n, place, lsn, ok, want, n+1)
		}
		if _, _, ok := p.find(placed(n, 1)); ok {
			t.Fatalf("slot %d: found the place of another record", n)
		}
	}
	if _, _, ok := p.find(record.ID{Kind: record.KindAssertion, Hash: placed(5, 0).Hash}); ok {
		t.Error("found an assertion where an audit with its hash was put")
	}
}

func TestPlacesTakeEachOthersSlot(t *testing.T) {
	var p places
	for n := range byte(placeWays) {
		p.put(placed(7, n), record.LSN(n+1), wal.Position{Segment: uint64(n)})
	}
	for n := range byte(placeWays) {
		if lsn, _, ok := p.find(placed(7, n)); !ok || lsn != record.LSN(n+1) {
			t.Errorf("there is room for %d in a set, and place %d is gone", placeWays, n)
		}
	}
	p.put(placed(7, 1), 2, wal.Position{Segment: 9}) // again: it takes its own slot
	p.put(placed(7, placeWays), 90, wal.Position{Segment: 90})
	left := 0
	for n := range byte(placeWays) {
		if _, _, ok := p.find(placed(7, n)); ok {
			left++
		}
	}
	if left != placeWays-1 {
		t.Errorf("%d of %d older places are left, want one less than there were", left, placeWays)
	}
	if lsn, place, ok := p.find(placed(7, placeWays)); !ok || lsn != 90 || place.Segment != 90 {
		t.Errorf("found %v at %d, %t; want segment 90 at 90", place, lsn, ok)
	}
	p.forget()
	if _, _, ok := p.find(placed(7, placeWays)); ok {
		t.Error("a place was found after all were forgotten")
	}
}

package ingest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"

	"episteme/engine/kv"
	"episteme/engine/record"
)

// The dense index says what lies at each LSN: packs of densePerPack entries of a kind and a hash, the last one as long
// as the journal has come. Kind 0 is an LSN that the journal lost in a hole and somebody gave up.
const (
	densePerPack = 128
	denseBytes   = 33
)

func densePackOf(lsn record.LSN) (number uint64, at int) {
	return uint64(lsn) / densePerPack, int(uint64(lsn)%densePerPack) * denseBytes
}

// denseWriter adds to the dense index. The packs that a batch touches are kept until it is applied.
type denseWriter struct {
	number uint64
	pack   []byte // of number; nil: none yet
}

// add notes what lies at lsn. LSNs rise.
func (d *denseWriter) add(snap kv.Snapshot, batch *kv.Batch, lsn record.LSN, id record.ID) error {
	number, at := densePackOf(lsn)
	if d.pack == nil || d.number != number {
		if d.pack != nil {
			d.write(batch)
		}
		pack, err := snap.Get(denseKey(number))
		if err != nil && !errors.Is(err, kv.ErrNotFound) {
			return err
		}
		d.number, d.pack = number, append(make([]byte, 0, densePerPack*denseBytes), pack...)
	}
	for len(d.pack) < at+denseBytes {
		d.pack = append(d.pack, 0)
	}
	d.pack[at] = byte(id.Kind)
	copy(d.pack[at+1:], id.Hash[:])
	return nil
}

func (d *denseWriter) write(batch *kv.Batch) {
	if d.pack != nil {
		batch.Put(denseKey(d.number), d.pack)
	}
	d.pack = nil
}

// idAt is what lies at an LSN. remembered holds the pack that was read last.
func (v *View) idAt(lsn record.LSN, remembered *densePack) (record.ID, error) {
	number, at := densePackOf(lsn)
	if remembered.value == nil || remembered.number != number {
		value, err := v.snap.Get(denseKey(number))
		if err != nil && !errors.Is(err, kv.ErrNotFound) {
			return record.ID{}, err
		}
		remembered.number, remembered.value = number, value
	}
	if len(remembered.value) < at+denseBytes || remembered.value[at] == 0 {
		return record.ID{}, &StoreError{denseKey(number), "nothing", fmt.Sprintf("what lies at lsn %d", lsn)}
	}
	return denseEntry(remembered.value[at:]), nil
}

type densePack struct {
	number uint64
	value  []byte
}

func denseEntry(b []byte) record.ID {
	return record.ID{Kind: record.Kind(b[0]), Hash: record.Hash(b[1:denseBytes])}
}

// Held is one LSN of the dense index.
type Held struct {
	LSN record.LSN
	ID  record.ID
}

// Dense yields what the store says lies at each LSN, ascending; LSNs that were given up are left out.
func (v *View) Dense(ctx context.Context) iter.Seq2[Held, error] {
	return func(yield func(Held, error) bool) {
		for e, err := range kv.ScanPrefix(ctx, v.snap, space(spaceDense)) {
			if err == nil && (len(e.Key) != 10 || len(e.Value)%denseBytes != 0) {
				err = &StoreError{slices.Clone(e.Key), fmt.Sprintf("%d bytes", len(e.Value)), "a pack of the dense index"}
			}
			if err != nil {
				yield(Held{}, err)
				return
			}
			first := binary.BigEndian.Uint64(e.Key[2:]) * densePerPack
			for i := 0; i*denseBytes < len(e.Value); i++ {
				id := denseEntry(e.Value[i*denseBytes:])
				if id.Kind != 0 && !yield(Held{record.LSN(first + uint64(i)), id}, nil) {
					return
				}
			}
		}
	}
}

package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"episteme/engine/kv"
	"episteme/engine/record"
)

// Nearly every document has one descriptor, and a question may rest on many documents. So the first descriptors of one
// lie in a single value; only when there are many do the others become links, which take a scan.

// describedMax bounds the bytes of that value, which is written again with each descriptor.
const describedMax = 4 << 10

// describedMore says that there are links too.
const describedMore = 1

// descriptions are the descriptors that a batch adds, as the values that it puts.
type descriptions map[record.Hash][]byte

// add puts a descriptor of a digest. before is the store before the batch.
func (d descriptions) add(before *View, batch *kv.Batch, digest record.Hash, lsn record.LSN, id record.ID, payload []byte) error {
	value, ok := d[digest]
	if !ok {
		stored, err := before.snap.Get(describedKey(digest))
		if errors.Is(err, kv.ErrNotFound) {
			stored, err = []byte{0}, nil
		}
		if err != nil {
			return err
		}
		value = stored
	}
	if len(value) > 1 && len(value)+len(payload) > describedMax || value[0] == describedMore {
		value[0] = describedMore
		batch.Put(linkKey(evidenceID(digest), LinkDescribes, lsn), linkValue(id, payload))
	} else {
		value = binary.BigEndian.AppendUint64(value, uint64(lsn))
		value = binary.AppendUvarint(append(value, id.Hash[:]...), uint64(len(payload)))
		value = append(value, payload...)
	}
	d[digest] = value
	batch.Put(describedKey(digest), value)
	return nil
}

// described reads the descriptors of a digest, in the order of the journal.
func (v *View) described(ctx context.Context, digest record.Hash) ([]Linked, error) {
	key := describedKey(digest)
	value, err := v.snap.Get(key)
	if errors.Is(err, kv.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Linked
	in := field{rest: value}
	more := in.byte()
	for len(in.rest) > 0 {
		l := Linked{LSN: record.LSN(in.uint64()), ID: record.ID{Kind: record.KindSource, Hash: in.hash()}}
		payload := in.bytes(in.uvarint())
		if in.bad {
			break
		}
		if l.Record, err = record.Decode(record.KindSource, payload); err != nil {
			return nil, &StoreError{bytes.Clone(key), err.Error(), "a descriptor"}
		}
		list = append(list, l)
	}
	if in.bad {
		return nil, &StoreError{bytes.Clone(key), fmt.Sprintf("%d bytes", len(value)), "descriptors"}
	}
	if more != describedMore {
		return list, nil
	}
	for l, err := range v.scanLinks(ctx, evidenceID(digest), LinkDescribes) {
		if err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, nil
}

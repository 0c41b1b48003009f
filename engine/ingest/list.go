package ingest

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"

	"episteme/engine/kv"
	"episteme/engine/record"
)

// A list is a growing index of audits under one prefix: all of them, those of an agent, those about a subject. It grows
// in the order of the journal and is read newest first.
//
//	prefix 00 number(4)    → pack of packAudits audits that follow each other in the journal (pack.go)
//	prefix 01 lsn(8)       → pack of one audit: the tail, up to packAudits-1 of them
//	prefix 02 number(4)    → spans of up to spansPerChunk packs: newest time, oldest time, first lsn, last lsn of each
//
// Where a list is cut into packs follows from the records alone, never from how they were batched. Times may come in
// any order: the spans say which packs can hold a time, so a file of old records that is taken in late costs no more
// than the packs that overlap.
const (
	packAudits    = 128
	spansPerChunk = 256
	spanBytes     = 32
)

const (
	listPack  = 0
	listTail  = 1
	listSpans = 2
)

func listKey(prefix []byte, part byte) []byte {
	return append(append(make([]byte, 0, len(prefix)+9), prefix...), part)
}

func packKey(prefix []byte, number uint32) []byte {
	return binary.BigEndian.AppendUint32(listKey(prefix, listPack), number)
}

func tailKey(prefix []byte, lsn record.LSN) []byte {
	return binary.BigEndian.AppendUint64(listKey(prefix, listTail), uint64(lsn))
}

func spansKey(prefix []byte, number uint32) []byte {
	return binary.BigEndian.AppendUint32(listKey(prefix, listSpans), number)
}

// span says what a pack can hold.
type span struct {
	newest, oldest record.Time
	first, last    record.LSN
	number         uint32
}

func (s span) overlaps(from, to *record.Time) bool {
	return (from == nil || s.newest >= *from) && (to == nil || s.oldest < *to)
}

// mayPrecede reports whether the pack can hold an audit that comes before b, newest first.
func (s span) mayPrecede(b *Brief) bool {
	return s.newest > b.Timestamp || s.newest == b.Timestamp && s.last > b.LSN
}

func appendSpan(dst []byte, s span) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.newest))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.oldest))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.first))
	return binary.BigEndian.AppendUint64(dst, uint64(s.last))
}

func readSpan(b []byte, number uint32) span {
	return span{
		record.Time(binary.BigEndian.Uint64(b)), record.Time(binary.BigEndian.Uint64(b[8:])),
		record.LSN(binary.BigEndian.Uint64(b[16:])), record.LSN(binary.BigEndian.Uint64(b[24:])), number,
	}
}

func spanOf(audits []Brief, number uint32) span {
	s := span{audits[0].Timestamp, audits[0].Timestamp, audits[0].LSN, audits[0].LSN, number}
	for i := range audits {
		s.newest = max(s.newest, audits[i].Timestamp)
		s.oldest = min(s.oldest, audits[i].Timestamp)
		s.first = min(s.first, audits[i].LSN)
		s.last = max(s.last, audits[i].LSN)
	}
	return s
}

// spans yields those of all packs of a list, in the order of the journal. Most lists have one value of them or none, which
// a get finds faster than a scan.
func spans(ctx context.Context, snap kv.Snapshot, prefix []byte) iter.Seq2[span, error] {
	return func(yield func(span, error) bool) {
		for chunk := uint32(0); ; chunk++ {
			value, err := spansAt(snap, spansKey(prefix, chunk))
			if err == nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				yield(span{}, err)
				return
			}
			for i := range uint32(len(value) / spanBytes) {
				if !yield(readSpan(value[i*spanBytes:], chunk*spansPerChunk+i), nil) {
					return
				}
			}
			if len(value) < spansPerChunk*spanBytes {
				return
			}
		}
	}
}

// spansAt reads a value of spans, nil when there is none.
func spansAt(snap kv.Snapshot, key []byte) ([]byte, error) {
	value, err := snap.Get(key)
	if errors.Is(err, kv.ErrNotFound) {
		return nil, nil
	}
	if err == nil && (len(value) == 0 || len(value)%spanBytes != 0 || len(value) > spansPerChunk*spanBytes) {
		err = &StoreError{key, fmt.Sprintf("%d bytes", len(value)), "spans of packs"}
	}
	return value, err
}

// tailScan yields the entries of a list that are in no pack yet, oldest LSN first. packed is the last LSN of the last
// pack: what lies in front was deleted, and a scan would have to step over each trace of it.
func tailScan(ctx context.Context, snap kv.Snapshot, prefix []byte, packed record.LSN) iter.Seq2[kv.Entry, error] {
	return snap.Scan(ctx, tailKey(prefix, packed+1), kv.PrefixEnd(listKey(prefix, listTail)))
}

// tail reads the audits of a list that are in no pack yet and have holding among their bytes, oldest LSN first.
func tail(ctx context.Context, snap kv.Snapshot, prefix []byte, packed record.LSN, holding []byte) ([]Brief, error) {
	var out []Brief
	for e, err := range tailScan(ctx, snap, prefix, packed) {
		if err != nil {
			return nil, err
		}
		if !bytes.Contains(e.Value, holding) {
			continue
		}
		audits, err := unpack(slices.Clone(e.Value))
		if err != nil || len(audits) != 1 {
			return nil, &StoreError{slices.Clone(e.Key), fmt.Sprintf("%d audits, %v", len(audits), err), "one audit"}
		}
		out = append(out, audits[0])
	}
	return out, nil
}

// unpack reads all audits of a pack, newest first. They point into value.
func unpack(value []byte) ([]Brief, error) {
	r, err := readPack(value)
	if err != nil {
		return nil, err
	}
	return r.rest()
}

func readPackAt(snap kv.Snapshot, prefix []byte, number uint32) (*packReader, error) {
	key := packKey(prefix, number)
	value, err := snap.Get(key)
	if errors.Is(err, kv.ErrNotFound) {
		return nil, &StoreError{key, "nothing", "a pack of audits that its list names"}
	}
	if err != nil {
		return nil, err
	}
	r, err := readPack(value)
	if err != nil {
		return nil, &StoreError{key, err.Error(), "a pack of audits"}
	}
	return r, nil
}

// list yields the audits under prefix with a timestamp in [from, to), newest first. Packs are opened when the walk
// reaches the newest time that they can hold.
func (v *View) list(ctx context.Context, prefix []byte, from, to *record.Time) iter.Seq2[Brief, error] {
	return func(yield func(Brief, error) bool) {
		m := merge{}
		waiting, err := v.open(ctx, prefix, from, to, &m)
		for err == nil {
			for len(waiting) > 0 && (len(m) == 0 || waiting[0].mayPrecede(&m[0].head)) {
				var r *packReader
				if r, err = readPackAt(v.snap, prefix, waiting[0].number); err == nil {
					err = m.add(r)
				}
				waiting = waiting[1:]
				if err != nil {
					break
				}
			}
			if err != nil || len(m) == 0 {
				break
			}
			if err = context.Cause(ctx); err != nil {
				break
			}
			b := m[0].head
			if from != nil && b.Timestamp < *from {
				return // whatever follows is older
			}
			if (to == nil || b.Timestamp < *to) && !yield(b, nil) {
				return
			}
			err = m.advance()
		}
		if err != nil {
			yield(Brief{}, err)
		}
	}
}

// open puts the tail of a list into m and returns the packs that can hold something in [from, to), newest first.
func (v *View) open(ctx context.Context, prefix []byte, from, to *record.Time, m *merge) (waiting []span, err error) {
	var packed record.LSN
	for s, err := range spans(ctx, v.snap, prefix) {
		if err != nil {
			return nil, err
		}
		packed = s.last
		if s.overlaps(from, to) {
			waiting = append(waiting, s)
		}
	}
	slices.SortStableFunc(waiting, func(a, b span) int { return cmp.Or(-cmp.Compare(a.newest, b.newest), -cmp.Compare(a.last, b.last)) })
	audits, err := tail(ctx, v.snap, prefix, packed, nil)
	if err != nil || len(audits) == 0 {
		return waiting, err
	}
	r, err := readPack(appendPack(nil, audits))
	if err != nil {
		return nil, err
	}
	return waiting, m.add(r)
}

// merge yields the newest audit of several packs: a heap of readers, each at its newest audit that was not yielded.
type merge []*mergeReader

type mergeReader struct {
	*packReader
	head Brief
}

func (m *merge) add(r *packReader) error {
	mr := &mergeReader{packReader: r}
	ok, err := r.next(&mr.head)
	if ok {
		heap.Push(m, mr)
	}
	return err
}

// advance moves the reader with the newest audit on.
func (m *merge) advance() error {
	ok, err := (*m)[0].next(&(*m)[0].head)
	if ok {
		heap.Fix(m, 0)
	} else {
		heap.Pop(m)
	}
	return err
}

func (m merge) Len() int           { return len(m) }
func (m merge) Less(i, j int) bool { return m[j].head.older(&m[i].head) }
func (m merge) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }
func (m *merge) Push(x any)        { *m = append(*m, x.(*mergeReader)) }

func (m *merge) Pop() any {
	old := *m
	last := old[len(old)-1]
	*m = old[:len(old)-1]
	return last
}

// at finds the audit with an LSN in a list.
func (v *View) at(ctx context.Context, prefix []byte, lsn record.LSN) (Brief, bool, error) {
	var packed record.LSN
	for s, err := range spans(ctx, v.snap, prefix) {
		if err != nil {
			return Brief{}, false, err
		}
		if packed = s.last; s.first <= lsn && lsn <= s.last {
			r, err := readPackAt(v.snap, prefix, s.number)
			if err != nil {
				return Brief{}, false, err
			}
			audits, err := r.rest()
			return pick(audits, lsn, err)
		}
	}
	audits, err := tail(ctx, v.snap, prefix, packed, nil)
	return pick(audits, lsn, err)
}

func pick(audits []Brief, lsn record.LSN, err error) (Brief, bool, error) {
	i := slices.IndexFunc(audits, func(b Brief) bool { return b.LSN == lsn })
	if i < 0 || err != nil {
		return Brief{}, false, err
	}
	return audits[i], true, nil
}

package ingest

import (
	"bytes"
	"context"
	"errors"
	"iter"

	"episteme/engine/kv"
	"episteme/engine/record"
)

// Who received an assertion is told by two indices. An audit that was answered from assertions about its own subject,
// as all are that were asked here, has the beginnings of their hashes in the list of that subject. For every other
// contribution there is a link: of another subject, of an assertion that was not here yet, behind the first receivedMax.

// receivedMax of an audit's contributions are told by the list of its subject, so that a pack stays small; the others
// are linked.
const receivedMax = 64

// Received yields the audits that an assertion contributed to, newest last.
func (v *View) Received(ctx context.Context, assertion record.Hash) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if err := v.received(ctx, assertion, func(r Row) bool { return yield(r, nil) }); err != nil {
			yield(Row{}, err)
		}
	}
}

func (v *View) received(ctx context.Context, assertion record.Hash, yield func(Row) bool) error {
	for l, err := range v.Links(ctx, assertionID(assertion), LinkContributed) {
		if err != nil {
			return err
		}
		row, err := v.RowOf(ctx, l.ID)
		if err != nil {
			return err
		}
		if !yield(row) {
			return nil
		}
	}
	a, lsn, err := v.Claim(assertion)
	if errors.Is(err, kv.ErrNotFound) || errors.Is(err, ErrErased) {
		return nil
	}
	if err != nil {
		return err
	}
	return v.receivedAbout(ctx, subjectPrefix(a.Subject), assertion, lsn, yield)
}

// receivedAbout walks the list of a subject from an LSN on.
func (v *View) receivedAbout(ctx context.Context, prefix []byte, assertion record.Hash, from record.LSN, yield func(Row) bool) error {
	take := func(b *Brief) (more bool, err error) {
		if !holdsBeginning(b.received, assertion) {
			return true, nil
		}
		row, err := v.Row(*b)
		if err != nil || !contributed(row.Audit, assertion) {
			return err == nil, err
		}
		return yield(row), nil
	}
	var packed record.LSN
	first, packs := uint32(0), uint32(0) // the first pack that can hold one, and how many there are
	for s, err := range spans(ctx, v.snap, prefix) {
		if err != nil {
			return err
		}
		if packed, packs = s.last, s.number+1; packed < from {
			first = packs
		}
	}
	for e, err := range v.snap.Scan(ctx, packKey(prefix, first), packKey(prefix, packs)) { // not at all when there are none
		if err != nil {
			return err
		}
		if !bytes.Equal(e.Key, packKey(prefix, first)) {
			break
		}
		first++
		if !bytes.Contains(e.Value, assertion[:receivedBytes]) {
			continue
		}
		audits, err := unpack(e.Value)
		if err != nil {
			return &StoreError{bytes.Clone(e.Key), err.Error(), "a pack of audits"}
		}
		for i := len(audits) - 1; i >= 0; i-- {
			if more, err := take(&audits[i]); !more || err != nil {
				return err
			}
		}
	}
	if first != packs {
		return &StoreError{packKey(prefix, first), "nothing", "a pack of audits that its list names"}
	}
	audits, err := tail(ctx, v.snap, prefix, packed, assertion[:receivedBytes])
	for i := range audits {
		if more, err := take(&audits[i]); !more || err != nil {
			return err
		}
	}
	return err
}

func holdsBeginning(beginnings []byte, assertion record.Hash) bool {
	for ; len(beginnings) >= receivedBytes; beginnings = beginnings[receivedBytes:] {
		if bytes.Equal(beginnings[:receivedBytes], assertion[:receivedBytes]) {
			return true
		}
	}
	return false
}

func contributed(a *record.Audit, assertion record.Hash) bool {
	for _, c := range a.Contributions {
		if c.Assertion == assertion {
			return true
		}
	}
	return false
}

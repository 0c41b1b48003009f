package ingest

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"

	"episteme/engine/kv"
	"episteme/engine/record"
)

// View reads the store at one moment. All of an answer's reads go through one View, so that they agree. Close it
// soon. Safe for use by several goroutines.
type View struct {
	snap    kv.Snapshot
	index   *Index
	applied Applied
	shared  *shared // guarded by Index.sharedMu; nil once closed

	answers *answers // of the worker, whose View this is; nil for others

	anyErased, anyOrphans func() (bool, error) // look once
}

// Applied is how far the store had come; the zero Applied is an empty store.
func (v *View) Applied() Applied { return v.applied }

// appliedIn reads how far a store has come.
func appliedIn(snap kv.Snapshot) (Applied, error) {
	value, err := snap.Get(keyApplied)
	if errors.Is(err, kv.ErrNotFound) {
		return Applied{}, nil
	}
	if err != nil {
		return Applied{}, err
	}
	return readApplied(value)
}

// Has reports whether a record is here.
func (v *View) Has(id record.ID) (bool, error) {
	if lsn, _, ok := v.index.places.find(id); ok && lsn <= v.applied.LSN {
		return true, nil
	}
	_, err := v.getPrimary(id)
	if errors.Is(err, kv.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Erased reports whether a record's payload was removed by an erasure that is here.
func (v *View) Erased(ctx context.Context, id record.ID) (bool, error) {
	if some, err := v.anyErased(); err != nil || !some {
		return false, err // nearly always: erasing is rare
	}
	for _, err := range v.scanLinks(ctx, id, LinkErases) {
		return err == nil, err
	}
	return false, nil
}

// Linked is a record that names another.
type Linked struct {
	ID     record.ID
	LSN    record.LSN
	Record record.Record // nil for links that carry no payload
}

// Links yields the records that name target in this way, in the order of the journal.
func (v *View) Links(ctx context.Context, target record.ID, link Link) iter.Seq2[Linked, error] {
	switch link {
	case LinkVote:
		return v.lifeOf(ctx, target.Hash, record.KindVote)
	case LinkTransition:
		return v.lifeOf(ctx, target.Hash, record.KindTransition)
	case LinkDescribes, LinkSupersedes:
		return v.remembered(ctx, linked{target, link})
	}
	return v.scanLinks(ctx, target, link)
}

// remembered yields links that are asked for again and again: what describes a document, what supersedes an epoch.
func (v *View) remembered(ctx context.Context, key linked) iter.Seq2[Linked, error] {
	return func(yield func(Linked, error) bool) {
		list, ok := v.index.recall(v, key)
		if !ok {
			var err error
			if list, err = v.readWhole(ctx, key); err != nil {
				yield(Linked{}, err)
				return
			}
			if len(list) <= linksCachedMax {
				v.index.remember(v, key, list)
			}
		}
		for _, l := range list {
			if !yield(l, nil) {
				return
			}
		}
	}
}

func (v *View) readWhole(ctx context.Context, key linked) (list []Linked, err error) {
	if key.link == LinkDescribes {
		return v.described(ctx, key.target.Hash)
	}
	for l, err := range v.scanLinks(ctx, key.target, key.link) {
		if err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, nil
}

func (v *View) scanLinks(ctx context.Context, target record.ID, link Link) iter.Seq2[Linked, error] {
	return func(yield func(Linked, error) bool) {
		var near densePack
		for e, err := range kv.ScanPrefix(ctx, v.snap, linkPrefix(target, link)) {
			var l Linked
			if err == nil {
				l, err = v.readLinked(e, &near)
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

func (v *View) readLinked(e kv.Entry, near *densePack) (l Linked, err error) {
	l.LSN = lastLSN(e.Key)
	if len(e.Value) == 0 && near != nil {
		l.ID, err = v.idAt(l.LSN, near)
		return l, err
	}
	if len(e.Value) < 33 {
		return Linked{}, &StoreError{bytes.Clone(e.Key), fmt.Sprintf("%d bytes", len(e.Value)), "a link"}
	}
	l.ID = record.ID{Kind: record.Kind(e.Value[0]), Hash: record.Hash(e.Value[1:33])}
	if l.Record, err = record.Decode(l.ID.Kind, e.Value[33:]); err != nil {
		return Linked{}, &StoreError{bytes.Clone(e.Key), err.Error(), "a record"}
	}
	return l, nil
}

// AuditByQuestion finds the audit of a question that was asked before.
func (v *View) AuditByQuestion(question record.Hash) (record.ID, bool, error) {
	value, err := v.snap.Get(questionKey(question))
	if errors.Is(err, kv.ErrNotFound) {
		return record.ID{}, false, nil
	}
	if err != nil {
		return record.ID{}, false, err
	}
	if len(value) != 8 {
		return record.ID{}, false, &StoreError{questionKey(question), fmt.Sprintf("%d bytes", len(value)), "8"}
	}
	id, err := v.idAt(lastLSN(value), &densePack{})
	return id, err == nil, err
}

// Agent is what is counted about somebody; zero queries for a stranger.
func (v *View) Agent(name string) (AgentRow, error) {
	key := agentKey(name)
	value, err := v.snap.Get(key)
	if errors.Is(err, kv.ErrNotFound) {
		return AgentRow{Name: name}, nil
	}
	if err != nil {
		return AgentRow{}, err
	}
	return readAgentRow(key, value)
}

// Agents yields everybody who asked, by name.
func (v *View) Agents(ctx context.Context) iter.Seq2[AgentRow, error] {
	return func(yield func(AgentRow, error) bool) {
		for e, err := range kv.ScanPrefix(ctx, v.snap, space(spaceAgents)) {
			var a AgentRow
			if err == nil {
				a, err = readAgentRow(e.Key, e.Value)
			}
			if !yield(a, err) || err != nil {
				return
			}
		}
	}
}

// WithPrefix yields the ids that a typed prefix means, kind by kind.
func (v *View) WithPrefix(ctx context.Context, p record.Prefix) iter.Seq2[record.ID, error] {
	return func(yield func(record.ID, error) bool) {
		for _, kind := range record.Kinds() {
			if p.Kind != 0 && p.Kind != kind {
				continue
			}
			whole, _ := hex.DecodeString(p.Digits[:len(p.Digits)/2*2]) // an odd last digit is matched below
			prefix := append([]byte{kind.KeyLetter(), ':'}, whole...)
			for e, err := range kv.ScanPrefix(ctx, v.snap, prefix) {
				if err != nil {
					yield(record.ID{}, err)
					return
				}
				id := record.ID{Kind: kind, Hash: record.Hash(e.Key[2:34])}
				if p.Match(id) && !yield(id, nil) {
					return
				}
			}
		}
	}
}

func lastLSN(key []byte) record.LSN {
	var lsn record.LSN
	for _, b := range key[len(key)-8:] {
		lsn = lsn<<8 | record.LSN(b)
	}
	return lsn
}

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
type View struct{ snap kv.Snapshot }

// NewView takes a snapshot of store.
func NewView(store kv.Store) (*View, error) {
	snap, err := store.Snapshot()
	if err != nil {
		return nil, err
	}
	return &View{snap}, nil
}

// Close releases the snapshot.
func (v *View) Close() error { return v.snap.Close() }

// Applied is how far the store had come; the zero Applied is an empty store.
func (v *View) Applied() (Applied, error) {
	value, err := v.snap.Get(keyApplied)
	if errors.Is(err, kv.ErrNotFound) {
		return Applied{}, nil
	}
	if err != nil {
		return Applied{}, err
	}
	return readApplied(value)
}

// Get finds a record by its id; kv.ErrNotFound when it is not here.
func (v *View) Get(id record.ID) (Stored, error) {
	if !id.Kind.Valid() {
		return Stored{}, kv.ErrNotFound
	}
	value, err := v.snap.Get(primaryKey(id))
	if err != nil {
		return Stored{}, err
	}
	return readPrimary(id, value)
}

// Has reports whether a record is here.
func (v *View) Has(id record.ID) (bool, error) {
	_, err := v.snap.Get(primaryKey(id))
	if errors.Is(err, kv.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Candidate is an assertion as the candidate index has it.
type Candidate struct {
	ID        record.ID
	LSN       record.LSN
	Assertion *record.Assertion
}

// Candidates yields the assertions with this subject and predicate, whenever they were made, oldest first.
func (v *View) Candidates(ctx context.Context, subject, predicate string) iter.Seq2[Candidate, error] {
	return func(yield func(Candidate, error) bool) {
		for e, err := range kv.ScanPrefix(ctx, v.snap, candidatePrefix(subject, predicate)) {
			var c Candidate
			if err == nil {
				c, err = readCandidate(e)
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

func readCandidate(e kv.Entry) (Candidate, error) {
	if len(e.Value) < 32 || len(e.Key) < 8 {
		return Candidate{}, &StoreError{bytes.Clone(e.Key), fmt.Sprintf("%d bytes", len(e.Value)), "a candidate"}
	}
	r, err := record.Decode(record.KindAssertion, e.Value[32:])
	if err != nil {
		return Candidate{}, &StoreError{bytes.Clone(e.Key), err.Error(), "an assertion"}
	}
	return Candidate{
		ID:        assertionID(record.Hash(e.Value[:32])),
		LSN:       lastLSN(e.Key),
		Assertion: r.(*record.Assertion),
	}, nil
}

// Linked is a record that names another.
type Linked struct {
	ID     record.ID
	LSN    record.LSN
	Record record.Record // nil for links that carry no payload
}

// Links yields the records that name target in this way, in the order of the journal.
func (v *View) Links(ctx context.Context, target record.ID, link Link) iter.Seq2[Linked, error] {
	return func(yield func(Linked, error) bool) {
		for e, err := range kv.ScanPrefix(ctx, v.snap, linkPrefix(target, link)) {
			var l Linked
			if err == nil {
				l, err = readLinked(e)
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

func readLinked(e kv.Entry) (Linked, error) {
	if len(e.Value) < 33 {
		return Linked{}, &StoreError{bytes.Clone(e.Key), fmt.Sprintf("%d bytes", len(e.Value)), "a link"}
	}
	l := Linked{ID: record.ID{Kind: record.Kind(e.Value[0]), Hash: record.Hash(e.Value[1:33])}, LSN: lastLSN(e.Key)}
	if len(e.Value) > 33 {
		r, err := record.Decode(l.ID.Kind, e.Value[33:])
		if err != nil {
			return Linked{}, &StoreError{bytes.Clone(e.Key), err.Error(), "a record"}
		}
		l.Record = r
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
	if len(value) != 32 {
		return record.ID{}, false, &StoreError{questionKey(question), fmt.Sprintf("%d bytes", len(value)), "32"}
	}
	return record.ID{Kind: record.KindAudit, Hash: record.Hash(value)}, true, nil
}

// AnswerBefore finds what the same question was told last before an LSN.
func (v *View) AnswerBefore(ctx context.Context, answerKey record.Hash, before record.LSN) (id record.ID, result record.Hash, ok bool, err error) {
	if before == 0 {
		return id, result, false, nil
	}
	for e, err := range v.snap.Scan(ctx, answersKey(answerKey, before-1), kv.PrefixEnd(answersPrefix(answerKey))) {
		if err != nil {
			return id, result, false, err
		}
		if len(e.Value) != 64 {
			return id, result, false, &StoreError{bytes.Clone(e.Key), fmt.Sprintf("%d bytes", len(e.Value)), "64"}
		}
		return record.ID{Kind: record.KindAudit, Hash: record.Hash(e.Value[:32])}, record.Hash(e.Value[32:]), true, nil
	}
	return id, result, false, nil
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

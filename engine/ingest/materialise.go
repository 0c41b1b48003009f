package ingest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"episteme/engine/kv"
	"episteme/engine/record"
	"episteme/engine/wal"
)

// Annotator says what is fixed about an audit at the moment of asking. Its bytes are kept in the audit's row and are
// opaque here. It must be a function of the audit and of the records up to its pin and before its LSN.
type Annotator interface {
	Annotate(ctx context.Context, v *View, row Row) ([]byte, error)
}

// materialiser turns records into one batch of the store.
type materialiser struct {
	index     *Index
	log       record.LogID
	annotator Annotator
	stalled   func(error) // told why a batch has to wait

	batch     kv.Batch
	applied   Applied                // where the batch ends
	stored    Applied                // where the last batch that was applied ended
	first     record.LSN             // first one of the batch
	erases    bool                   // something is erased by it
	lists     *growth                // what the batch adds to lists
	dense     denseWriter            // what it adds to the dense index
	lives     *lives                 // where it puts votes and transitions
	described descriptions           // what it adds to documents
	seen      map[record.ID]struct{} // primaries that the batch puts
	agents    map[string]*AgentRow   // rows that the batch puts
	bears     record.LSN             // first record of the batch that a lens may look at; 0: none
	answers   *answers               // what the last audits were told, those of the batch too
	before    *View                  // the store before the batch, once somebody asked; nobody else writes records
}

func newMaterialiser(index *Index, log record.LogID, stored Applied, annotator Annotator) *materialiser {
	m := &materialiser{
		index: index, log: log, stored: stored, annotator: annotator,
		lists: newGrowth(), lives: newLives(), answers: newAnswers(),
	}
	m.reset()
	return m
}

func (m *materialiser) reset() {
	m.batch.Reset()
	m.lists.reset()
	m.lives.reset()
	m.dense = denseWriter{}
	if m.before != nil {
		m.before.Close()
		m.before = nil
	}
	m.described = descriptions{}
	m.seen = map[record.ID]struct{}{}
	m.agents = map[string]*AgentRow{}
	m.bears, m.first, m.erases = 0, 0, false
}

// abandon drops a batch that the store refused. What was remembered of it is no longer so.
func (m *materialiser) abandon() {
	m.lives, m.answers = newLives(), newAnswers()
	m.reset()
}

// bytes and ops are about what the batch will be; it ends before a store refuses it.
func (m *materialiser) bytes() int { return m.batch.Bytes() + m.lists.bytes }
func (m *materialiser) ops() int   { return m.batch.Len() + m.lists.ops }

// view is the store before the batch.
func (m *materialiser) view() (*View, error) {
	if m.before == nil {
		v, err := m.index.View()
		if err != nil {
			return nil, err
		}
		v.answers, m.before = m.answers, v
	}
	return m.before, nil
}

// flush applies the batch and the LSN it ends at in one transaction.
func (m *materialiser) flush(ctx context.Context) error {
	if m.first == 0 {
		return nil
	}
	if err := m.complete(ctx); err != nil {
		return err
	}
	if err := m.apply(ctx); err != nil {
		return err
	}
	if m.erases {
		m.index.Forget()
	}
	m.stored = m.applied
	m.lists.applied()
	m.reset()
	return nil
}

// roomRetry is how often we look whether there is room again: short against a person who makes some.
const roomRetry = 500 * time.Millisecond

// apply applies the batch, waiting while the store has no room for it.
func (m *materialiser) apply(ctx context.Context) error {
	for {
		err := m.index.store.Apply(&m.batch)
		m.index.renew()
		if !errors.Is(err, kv.ErrNoRoom) {
			return err
		}
		m.stalled(err)
		select {
		case <-time.After(roomRetry):
		case <-ctx.Done():
			return err
		}
	}
}

// complete puts what follows from the batch as a whole, once: a store may refuse it for a while.
func (m *materialiser) complete(ctx context.Context) error {
	if m.applied.flush != 0 {
		return nil
	}
	before, err := m.view()
	if err != nil {
		return err
	}
	if err := m.lists.write(ctx, before.snap, &m.batch); err != nil {
		return err
	}
	m.dense.write(&m.batch)
	m.applied.flush = m.stored.flush + 1
	m.batch.Put(flushKey(slotOf(m.applied.flush)), flush{m.applied.flush, m.first, m.applied.LSN}.value())
	m.batch.Put(keyApplied, m.applied.value())
	return nil
}

// add puts rec into the batch. It may flush what came before, when rec's annotation depends on it.
func (m *materialiser) add(ctx context.Context, rec *wal.Record) error {
	id := record.ID{Kind: record.Kind(rec.Kind), Hash: record.Hash(rec.Hash)}
	known, err := m.known(id)
	if err != nil {
		return err
	}
	if !known {
		if err := m.materialise(ctx, rec, id); err != nil {
			return err
		}
	}
	before, err := m.view() // materialise may have flushed
	if err != nil {
		return err
	}
	lsn := record.LSN(rec.LSN)
	if err := m.dense.add(before.snap, &m.batch, lsn, id); err != nil {
		return err
	}
	if m.first == 0 {
		m.first = lsn
	}
	m.applied = Applied{LSN: lsn, Log: m.log, Chain: record.Hash(rec.Chain)}
	return nil
}

// materialise puts a record that was not here before. An erased one has no content left to index.
func (m *materialiser) materialise(ctx context.Context, rec *wal.Record, id record.ID) error {
	if rec.Erased == 0 {
		decoded, err := record.Decode(id.Kind, rec.Payload)
		if err != nil {
			return fmt.Errorf("ingest: record %s at lsn %d: %w", id, rec.LSN, err)
		}
		if err := m.entries(ctx, rec, id, decoded); err != nil {
			return err
		}
	}
	if id.Kind == record.KindEvidence {
		m.index.arrives(id, record.LSN(rec.LSN))
	}
	m.seen[id] = struct{}{}
	m.batch.Put(primaryKey(id), primaryValue(rec))
	m.index.places.put(id, record.LSN(rec.LSN), rec.Pos)
	return nil
}

// known reports whether a record was materialised before: it keeps its first LSN.
func (m *materialiser) known(id record.ID) (bool, error) {
	if _, ok := m.seen[id]; ok {
		return true, nil
	}
	before, err := m.view()
	if err != nil {
		return false, err
	}
	return before.Has(id)
}

// entries puts what rec is found by.
func (m *materialiser) entries(ctx context.Context, rec *wal.Record, id record.ID, decoded record.Record) error {
	lsn := record.LSN(rec.LSN)
	switch r := decoded.(type) {
	case *record.Source:
		m.bear(lsn)
		m.index.grows(evidenceID(r.Digest), lsn)
		before, err := m.view()
		if err != nil {
			return err
		}
		return m.described.add(before, &m.batch, r.Digest, lsn, id, rec.Payload)
	case *record.Assertion:
		m.bear(lsn)
		return m.assertion(ctx, r, lsn, id)
	case *record.Vote:
		m.bear(lsn)
		return m.life(r.Assertion, lsn, id, rec.Payload)
	case *record.Transition:
		m.bear(lsn)
		return m.life(r.Assertion, lsn, id, rec.Payload)
	case *record.Epoch:
		m.bear(lsn)
		if !r.Supersedes.IsZero() {
			older := record.ID{Kind: record.KindEpoch, Hash: r.Supersedes}
			m.link(older, LinkSupersedes, lsn, id, rec.Payload)
			m.index.grows(older, lsn)
		}
	case *record.Event:
		m.batch.Put(eventKey(r.Timestamp, lsn), appendEventRow(nil, record.Time(rec.RecordedAt), id.Hash, rec.Payload))
		for _, ref := range r.BasedOn {
			m.link(ref, LinkBasedOn, lsn, id, nil)
		}
	case *record.Audit:
		return m.audit(ctx, r, rec, id)
	case *record.Erasure:
		m.erases = true
		for _, kind := range record.Kinds() {
			m.link(record.ID{Kind: kind, Hash: r.Target}, LinkErases, lsn, id, rec.Payload)
		}
	}
	return nil
}

// bear notes that the batch holds something that an answer may rest on.
func (m *materialiser) bear(lsn record.LSN) {
	if m.bears == 0 {
		m.bears = lsn
	}
}

// link notes that from names target. A record that is read with its target is kept beside it, with its payload; of
// another only the LSN is kept, in the key.
func (m *materialiser) link(target record.ID, link Link, lsn record.LSN, from record.ID, payload []byte) {
	var value []byte
	if payload != nil {
		value = linkValue(from, payload)
	}
	m.batch.Put(linkKey(target, link, lsn), value)
}

func linkValue(from record.ID, payload []byte) []byte {
	return append(append(append(make([]byte, 0, 33+len(payload)), byte(from.Kind)), from.Hash[:]...), payload...)
}

// life puts a vote or a transition.
func (m *materialiser) life(assertion record.Hash, lsn record.LSN, id record.ID, payload []byte) error {
	before, err := m.view()
	if err != nil {
		return err
	}
	about, err := m.lives.add(before, &m.batch, assertion, lsn, id, payload)
	if about != nil {
		m.index.topicGrows(*about, lsn)
	}
	return err
}

func (m *materialiser) assertion(ctx context.Context, r *record.Assertion, lsn record.LSN, id record.ID) error {
	if _, waits := m.lives.waiting[id.Hash]; waits {
		if err := m.flush(ctx); err != nil {
			return err
		}
		m.bear(lsn)
	}
	before, err := m.view()
	if err != nil {
		return err
	}
	if err := m.lives.arrives(ctx, before, &m.batch, r, id.Hash); err != nil {
		return err
	}
	m.batch.Put(candidateKey(r, lsn), candidateValue(id.Hash, r))
	m.index.topicGrows(topic{r.Subject, r.Predicate}, lsn)
	m.link(evidenceID(r.Source), LinkSource, lsn, id, nil)
	for _, parent := range r.Parents {
		m.link(parent, LinkParent, lsn, id, nil)
	}
	if !r.Epoch.IsZero() {
		m.link(record.ID{Kind: record.KindEpoch, Hash: r.Epoch}, LinkEpoch, lsn, id, nil)
	}
	return nil
}

func (m *materialiser) audit(ctx context.Context, r *record.Audit, rec *wal.Record, id record.ID) error {
	lsn := record.LSN(rec.LSN)
	if m.askedHere(r) {
		if err := m.settle(ctx, r); err != nil {
			return err
		}
	}
	before, err := m.view()
	if err != nil {
		return err
	}
	row := Row{ID: id, LSN: lsn, RecordedAt: record.Time(rec.RecordedAt), Audit: r}
	if m.annotator != nil {
		if row.Annotation, err = m.annotator.Annotate(ctx, before, row); err != nil {
			return err
		}
	}
	if m.askedHere(r) {
		if err := m.question(r, lsn, id); err != nil {
			return err
		}
	}
	received, err := m.received(before, r, lsn, id)
	if err != nil {
		return err
	}
	if err := m.lists.list(ctx, before.snap, briefOf(r, lsn, rec.Pos, row.Annotation), received); err != nil {
		return err
	}
	return m.countAgent(before, r, lsn, row.RecordedAt)
}

// received are the beginnings of what an audit received of its own subject, for the list of that; the rest is linked.
// An answer that was given here rests on assertions about its subject alone.
func (m *materialiser) received(before *View, r *record.Audit, lsn record.LSN, id record.ID) (beginnings []byte, err error) {
	for _, c := range r.Contributions {
		same := m.askedHere(r)
		if !same {
			t, err := m.lives.topicOf(before, c.Assertion)
			if err != nil {
				return nil, err
			}
			same = t != nil && t.subject == r.Subject
		}
		if same && len(beginnings) < receivedMax*receivedBytes {
			beginnings = append(beginnings, c.Assertion[:receivedBytes]...)
		} else {
			m.link(assertionID(c.Assertion), LinkContributed, lsn, id, nil)
		}
	}
	return beginnings, nil
}

// question notes what was asked and answered in this journal.
func (m *materialiser) question(r *record.Audit, lsn record.LSN, id record.ID) error {
	question, err := r.QuestionHash()
	if err != nil {
		return err
	}
	m.batch.Put(questionKey(question), binary.BigEndian.AppendUint64(nil, uint64(lsn)))
	if r.ExplicitAsOf() { // flips no answer and is not flipped
		return nil
	}
	answerKey, err := r.AnswerKey()
	if err != nil {
		return err
	}
	m.answers.last.put(answerKey, answered{lsn, id, r.ResultHash})
	m.batch.Put(answersKey(answerKey, lsn), r.ResultHash[:])
	return nil
}

// askedHere reports whether an audit was asked in this journal. Only such a one is the answer to a question that is
// asked again: an imported one says what somebody else was told.
func (m *materialiser) askedHere(r *record.Audit) bool { return r.Pinned && r.Journal == m.log }

// settle flushes the batch when an audit's annotation may depend on a record in it that bore on its answer. Audits may
// share a batch: what they were told is at hand.
func (m *materialiser) settle(ctx context.Context, r *record.Audit) error {
	if m.bears != 0 && m.bears <= r.Pin {
		return m.flush(ctx)
	}
	return nil
}

func (m *materialiser) countAgent(before *View, r *record.Audit, lsn record.LSN, recordedAt record.Time) error {
	row := m.agents[r.Agent]
	if row == nil {
		stored, err := before.Agent(r.Agent)
		if err != nil {
			return err
		}
		row = &stored
		m.agents[r.Agent] = row
	}
	row.count(lsn, r.Timestamp, recordedAt)
	m.batch.Put(agentKey(r.Agent), row.value())
	return nil
}

func assertionID(h record.Hash) record.ID { return record.ID{Kind: record.KindAssertion, Hash: h} }
func evidenceID(h record.Hash) record.ID  { return record.ID{Kind: record.KindEvidence, Hash: h} }

package ingest

import (
	"context"
	"errors"
	"fmt"

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
	store     kv.Store
	log       record.LogID
	annotator Annotator

	batch   kv.Batch
	applied Applied                  // where the batch ends
	stored  record.LSN               // where the last batch that was applied ended
	seen    map[record.ID]struct{}   // primaries that the batch puts
	agents  map[string]*AgentRow     // rows that the batch puts
	bears   record.LSN               // first record of the batch that a lens may look at; 0: none
	answers map[record.Hash]struct{} // answer keys whose audits the batch puts
	before  kv.Snapshot              // the store before the batch, once somebody asked; nobody else writes records
}

func newMaterialiser(store kv.Store, log record.LogID, stored record.LSN, annotator Annotator) *materialiser {
	m := &materialiser{store: store, log: log, stored: stored, annotator: annotator}
	m.reset()
	return m
}

func (m *materialiser) reset() {
	m.batch.Reset()
	if m.before != nil {
		m.before.Close()
		m.before = nil
	}
	m.seen = map[record.ID]struct{}{}
	m.agents = map[string]*AgentRow{}
	m.answers = map[record.Hash]struct{}{}
	m.bears = 0
}

// flush applies the batch and the LSN it ends at in one transaction.
func (m *materialiser) flush() error {
	if m.batch.Len() == 0 {
		return nil
	}
	m.batch.Put(keyApplied, m.applied.value())
	if err := m.store.Apply(&m.batch); err != nil {
		return err
	}
	m.stored = m.applied.LSN
	m.reset()
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
		decoded, err := record.Decode(id.Kind, rec.Payload)
		if err != nil {
			return fmt.Errorf("ingest: record %s at lsn %d: %w", id, rec.LSN, err)
		}
		if err := m.index(ctx, rec, id, decoded); err != nil {
			return err
		}
		m.seen[id] = struct{}{}
		m.batch.Put(primaryKey(id), primaryValue(rec))
	}
	m.batch.Put(denseKey(record.LSN(rec.LSN)), append([]byte{byte(id.Kind)}, id.Hash[:]...))
	m.applied = Applied{record.LSN(rec.LSN), m.log, record.Hash(rec.Chain)}
	return nil
}

// known reports whether a record was materialised before: it keeps its first LSN.
func (m *materialiser) known(id record.ID) (bool, error) {
	if _, ok := m.seen[id]; ok {
		return true, nil
	}
	if m.before == nil {
		snap, err := m.store.Snapshot()
		if err != nil {
			return false, err
		}
		m.before = snap
	}
	switch _, err := m.before.Get(primaryKey(id)); {
	case err == nil:
		return true, nil
	case errors.Is(err, kv.ErrNotFound):
		return false, nil
	default:
		return false, err
	}
}

// index puts the entries by which rec is found.
func (m *materialiser) index(ctx context.Context, rec *wal.Record, id record.ID, decoded record.Record) error {
	lsn := record.LSN(rec.LSN)
	switch r := decoded.(type) {
	case *record.Source:
		m.bear(lsn)
		m.link(evidenceID(r.Digest), LinkDescribes, lsn, id, rec.Payload)
	case *record.Assertion:
		m.bear(lsn)
		m.assertion(r, lsn, id, rec.Payload)
	case *record.Vote:
		m.bear(lsn)
		m.link(assertionID(r.Assertion), LinkVote, lsn, id, rec.Payload)
	case *record.Transition:
		m.bear(lsn)
		m.link(assertionID(r.Assertion), LinkTransition, lsn, id, rec.Payload)
	case *record.Epoch:
		m.bear(lsn)
		if !r.Supersedes.IsZero() {
			m.link(record.ID{Kind: record.KindEpoch, Hash: r.Supersedes}, LinkSupersedes, lsn, id, rec.Payload)
		}
	case *record.Event:
		m.batch.Put(eventKey(r.Timestamp, lsn), appendEventRow(nil, record.Time(rec.RecordedAt), id.Hash, rec.Payload))
		for _, ref := range r.BasedOn {
			m.link(ref, LinkBasedOn, lsn, id, nil)
		}
	case *record.Audit:
		return m.audit(ctx, r, rec, id)
	case *record.Erasure:
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

func (m *materialiser) link(target record.ID, link Link, lsn record.LSN, from record.ID, payload []byte) {
	value := append([]byte{byte(from.Kind)}, from.Hash[:]...)
	m.batch.Put(linkKey(target, link, lsn), append(value, payload...))
}

func (m *materialiser) assertion(r *record.Assertion, lsn record.LSN, id record.ID, payload []byte) {
	m.batch.Put(candidateKey(r, lsn), append(append([]byte(nil), id.Hash[:]...), payload...))
	m.link(evidenceID(r.Source), LinkSource, lsn, id, nil)
	for _, parent := range r.Parents {
		m.link(parent, LinkParent, lsn, id, nil)
	}
	if !r.Epoch.IsZero() {
		m.link(record.ID{Kind: record.KindEpoch, Hash: r.Epoch}, LinkEpoch, lsn, id, nil)
	}
}

func (m *materialiser) audit(ctx context.Context, r *record.Audit, rec *wal.Record, id record.ID) error {
	lsn := record.LSN(rec.LSN)
	question, err := r.QuestionHash()
	if err != nil {
		return err
	}
	answerKey, err := r.AnswerKey()
	if err != nil {
		return err
	}
	if err := m.settle(r, answerKey); err != nil {
		return err
	}
	annotation, err := m.annotate(ctx, Row{ID: id, LSN: lsn, RecordedAt: record.Time(rec.RecordedAt), Audit: r})
	if err != nil {
		return err
	}
	m.batch.Put(timelineKey(r.Timestamp, lsn), appendRow(nil, record.Time(rec.RecordedAt), id.Hash, annotation, rec.Payload))
	m.batch.Put(byAgentKey(r.Agent, r.Timestamp, lsn), appendText(appendText(nil, r.Subject), r.Predicate))
	m.batch.Put(bySubjectKey(r.Subject, r.Timestamp, lsn), appendText(appendText(nil, r.Agent), r.Predicate))
	if m.askedHere(r) {
		m.batch.Put(questionKey(question), id.Hash[:])
	}
	if m.countsAsFlip(r) {
		m.answers[answerKey] = struct{}{}
		m.batch.Put(answersKey(answerKey, lsn), append(append([]byte(nil), id.Hash[:]...), r.ResultHash[:]...))
	}
	for _, c := range r.Contributions {
		m.link(assertionID(c.Assertion), LinkContributed, lsn, id, nil)
	}
	return m.countAgent(r, lsn, record.Time(rec.RecordedAt))
}

// askedHere reports whether an audit was asked in this journal. Only such a one is the answer to a question that is
// asked again: an imported one says what somebody else was told.
func (m *materialiser) askedHere(r *record.Audit) bool { return r.Pinned && r.Journal == m.log }

// countsAsFlip reports whether an audit may flip an answer, or be flipped: asked here, about the moment of asking.
func (m *materialiser) countsAsFlip(r *record.Audit) bool { return m.askedHere(r) && !r.ExplicitAsOf() }

// settle flushes the batch when an audit's annotation may depend on something in it: a record that bore on its
// answer, or an earlier audit of the same question. Other audits may share a batch, so a rebuild stays fast.
func (m *materialiser) settle(r *record.Audit, answerKey record.Hash) error {
	_, same := m.answers[answerKey]
	if m.askedHere(r) && (same || m.bears != 0 && m.bears <= r.Pin) {
		return m.flush()
	}
	return nil
}

func (m *materialiser) annotate(ctx context.Context, row Row) ([]byte, error) {
	if m.annotator == nil {
		return nil, nil
	}
	v, err := NewView(m.store)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	return m.annotator.Annotate(ctx, v, row)
}

func (m *materialiser) countAgent(r *record.Audit, lsn record.LSN, recordedAt record.Time) error {
	row := m.agents[r.Agent]
	if row == nil {
		v, err := NewView(m.store)
		if err != nil {
			return err
		}
		defer v.Close()
		stored, err := v.Agent(r.Agent)
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

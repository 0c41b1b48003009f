package store

import (
	"context"
	"database/sql"
	"errors"

	"episteme/engine/record"
)

// The range of subjects stands for the glob auth/*: no subject here lies a level deeper. No two audits share a time, so
// that the index alone gives their order. A negative limit is none.
const selectAudits = `SELECT a.id, a.hash, a.ts, a.subject, a.predicate, a.value, c.weight, x.hash, x.object, s.digest, s.name
FROM (SELECT id, hash, ts, subject, predicate, value FROM audits
	WHERE agent = ? AND subject >= 'auth/' AND subject < 'auth0' ORDER BY ts DESC LIMIT ?) a
JOIN contributions c ON c.audit_id = a.id JOIN assertions x ON x.id = c.assertion_id JOIN sources s ON s.id = x.source_id
ORDER BY a.ts DESC, c.pos`

const selectChain = `WITH RECURSIVE chain(id) AS (
	SELECT assertion_id FROM contributions WHERE audit_id = (SELECT id FROM audits WHERE hash = ?)
	UNION SELECT parent FROM chain JOIN edges ON child = chain.id)
SELECT x.hash, x.subject, x.predicate, x.object, x.confidence, x.agent, x.ts, s.hash, s.name, s.uri
FROM chain JOIN assertions x ON x.id = chain.id JOIN sources s ON s.id = x.source_id`

const selectInfluenced = `SELECT a.hash, a.ts, a.agent, a.subject FROM contributions c JOIN audits a ON a.id = c.audit_id
WHERE c.assertion_id = (SELECT id FROM assertions WHERE hash = ?) ORDER BY a.ts DESC`

// The stages are those that an answer without a filter admits: Proposed, UnderReview, Approved, Unstated.
const selectLatest = `SELECT object FROM assertions WHERE subject = ? AND predicate = ? AND ts <= ? AND lifecycle IN (1, 2, 3, 6)
ORDER BY ts DESC, id DESC LIMIT 1`

// One agent's claims of the same value from the same source count once.
const selectBacking = `SELECT object FROM (
	SELECT object, confidence, row_number() OVER (PARTITION BY agent, object, source_id ORDER BY ts DESC, id DESC) AS again
	FROM assertions WHERE subject = ? AND predicate = ? AND ts <= ? AND lifecycle IN (1, 2, 3, 6))
WHERE again = 1 GROUP BY object ORDER BY sum(confidence) DESC, max(object) LIMIT 1`

func (t *theirs) ask(ctx context.Context, q Question) (answer, error) {
	switch q.Kind {
	case Newest:
		return t.audits(ctx, q.Agent, q.Limit)
	case Everything:
		return t.audits(ctx, q.Agent, -1)
	case Chain:
		return t.chain(ctx, q.ID)
	case Influence:
		return t.influenced(ctx, q.ID)
	case Latest:
		return t.current(ctx, selectLatest, q)
	case Backing:
		return t.current(ctx, selectBacking, q)
	}
	return nil, errNotAsked
}

// each calls row for each row of a query.
func (t *theirs) each(ctx context.Context, query string, row func(*sql.Rows) error, values ...any) error {
	s, err := t.prepare(ctx, query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, values...)
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := row(rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// audits reads one row for each contribution and gathers them.
func (t *theirs) audits(ctx context.Context, agent string, limit int) (answer, error) {
	var l list
	last := int64(-1)
	err := t.each(ctx, selectAudits, func(rows *sql.Rows) error {
		var id, at int64
		var hash, subject, predicate, value, assertion, object, source, name sql.RawBytes
		var weight float64
		if err := rows.Scan(&id, &hash, &at, &subject, &predicate, &value, &weight, &assertion, &object, &source, &name); err != nil {
			return err
		}
		if id != last {
			last = id
			l = append(l, listed{id: record.Hash(hash), at: record.Time(at), subject: string(subject), predicate: string(predicate), value: string(value)})
		}
		a := &l[len(l)-1]
		a.parts = append(a.parts, listedPart{record.Hash(assertion), record.Hash(source), string(name), string(object), float32(weight)})
		return nil
	}, agent, limit)
	return l, err
}

// link is an assertion of a chain with its source.
type link struct {
	assertion, source                             record.Hash
	subject, predicate, object, agent, title, uri string
	confidence                                    float64
	at                                            int64
}

// links are a chain as SQLite gives it: a source comes with each assertion that rests on it.
type links []link

func (l links) set() (s set) {
	seen := map[record.Hash]bool{}
	for _, x := range l {
		s = append(s, x.assertion)
		if !seen[x.source] {
			seen[x.source] = true
			s = append(s, x.source)
		}
	}
	return s
}

func (l links) rows() int      { return len(l.set()) }
func (l links) digest() uint64 { return l.set().digest() }

func (t *theirs) chain(ctx context.Context, audit record.ID) (answer, error) {
	var l links
	err := t.each(ctx, selectChain, func(rows *sql.Rows) error {
		var x link
		var hash, source sql.RawBytes
		if err := rows.Scan(&hash, &x.subject, &x.predicate, &x.object, &x.confidence, &x.agent, &x.at, &source, &x.title, &x.uri); err != nil {
			return err
		}
		x.assertion, x.source = record.Hash(hash), record.Hash(source)
		l = append(l, x)
		return nil
	}, audit.Hash[:])
	return l, err
}

func (t *theirs) influenced(ctx context.Context, assertion record.ID) (answer, error) {
	var s set
	err := t.each(ctx, selectInfluenced, func(rows *sql.Rows) error {
		var hash sql.RawBytes
		var at int64
		var agent, subject string
		if err := rows.Scan(&hash, &at, &agent, &subject); err != nil {
			return err
		}
		s = append(s, record.Hash(hash))
		return nil
	}, assertion.Hash[:])
	return s, err
}

func (t *theirs) current(ctx context.Context, query string, q Question) (answer, error) {
	var value string
	err := t.each(ctx, query, func(rows *sql.Rows) error { return rows.Scan(&value) }, q.Subject, q.Predicate, int64(fleetEnd))
	return told(value), err
}

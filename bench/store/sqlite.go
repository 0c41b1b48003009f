package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

const sqlite = "SQLite"

// defaultCacheKiB is SQLite's page cache here. Its own default is 2 MB; who cares for speed gives it more.
const defaultCacheKiB = 64 << 10

// schema is what a careful user of SQLite would write for the same records and the same questions: integer keys, rows
// clustered where they are read together, an index for each question.
const schema = `
CREATE TABLE IF NOT EXISTS sources(id INTEGER PRIMARY KEY, hash BLOB, digest BLOB, name TEXT, uri TEXT, authority REAL, agent TEXT, ts INTEGER);
CREATE TABLE IF NOT EXISTS assertions(id INTEGER PRIMARY KEY, hash BLOB, subject TEXT, predicate TEXT, object TEXT, confidence REAL,
	lifecycle INTEGER, agent TEXT, ts INTEGER, source_id INTEGER);
CREATE TABLE IF NOT EXISTS edges(child INTEGER, parent INTEGER, PRIMARY KEY(child, parent)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audits(id INTEGER PRIMARY KEY, hash BLOB, agent TEXT, ts INTEGER, subject TEXT, predicate TEXT, lens TEXT,
	result_hash BLOB, value TEXT, confidence REAL, share REAL, considered INTEGER);
CREATE TABLE IF NOT EXISTS contributions(audit_id INTEGER, pos INTEGER, assertion_id INTEGER, weight REAL, lifecycle INTEGER,
	PRIMARY KEY(audit_id, pos)) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS sources_hash ON sources(hash);
CREATE UNIQUE INDEX IF NOT EXISTS assertions_hash ON assertions(hash);
CREATE INDEX IF NOT EXISTS assertions_about ON assertions(subject, predicate, ts);
CREATE UNIQUE INDEX IF NOT EXISTS audits_hash ON audits(hash);
CREATE INDEX IF NOT EXISTS audits_agent ON audits(agent, ts, subject);
CREATE INDEX IF NOT EXISTS audits_subject ON audits(subject, ts);
CREATE INDEX IF NOT EXISTS contributions_of ON contributions(assertion_id, audit_id);`

const (
	insertSource       = `INSERT INTO sources VALUES(?,?,?,?,?,?,?,?)`
	insertAssertion    = `INSERT INTO assertions VALUES(?,?,?,?,?,?,?,?,?,?)`
	insertEdge         = `INSERT INTO edges VALUES(?,?)`
	insertAudit        = `INSERT INTO audits VALUES(?,?,?,?,?,?,?,?,?,?,?,?)`
	insertContribution = `INSERT INTO contributions VALUES(?,?,?,?,?)`
)

// theirs is a database of SQLite in a file, with one connection.
type theirs struct {
	db       *sql.DB
	prepared map[string]*sql.Stmt
}

func openSQLite(ctx context.Context, dir string, cacheKiB int) (*theirs, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	dsn := fmt.Sprintf("file:%s?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-%d)", filepath.Join(dir, "fleet.db"), cacheKiB)
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	t := &theirs{db, map[string]*sql.Stmt{}}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("make the tables in %s: %w", dir, err), db.Close())
	}
	return t, t.checkDurable(ctx)
}

// checkDurable makes sure that the settings the comparison rests on are in force.
func (t *theirs) checkDurable(ctx context.Context) error {
	var mode string
	var level int
	err := errors.Join(
		t.db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode),
		t.db.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&level),
	)
	if err == nil && (mode != "wal" || level != 2) {
		err = fmt.Errorf("SQLite has journal_mode %s and synchronous %d, expected wal and 2 (FULL)", mode, level)
	}
	if err != nil {
		return errors.Join(err, t.close())
	}
	return nil
}

// prepare is a statement, compiled once.
func (t *theirs) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := t.prepared[query]; s != nil {
		return s, nil
	}
	s, err := t.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", query, err)
	}
	t.prepared[query] = s
	return s, nil
}

// append writes steps in one transaction.
func (t *theirs) append(ctx context.Context, steps []Step) (err error) {
	w := writer{ctx: ctx, stmts: map[string]*sql.Stmt{}}
	for _, q := range []string{insertSource, insertAssertion, insertEdge, insertAudit, insertContribution} {
		if w.stmts[q], err = t.prepare(ctx, q); err != nil {
			return err
		}
	}
	tx, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for q, s := range w.stmts {
		w.stmts[q] = tx.StmtContext(ctx, s)
	}
	for i := range steps {
		w.step(&steps[i])
	}
	if w.err != nil {
		return errors.Join(w.err, tx.Rollback())
	}
	return tx.Commit()
}

// writer writes within a transaction and keeps its first error.
type writer struct {
	ctx   context.Context
	stmts map[string]*sql.Stmt
	err   error
}

func (w *writer) row(query string, values ...any) {
	if w.err == nil {
		_, w.err = w.stmts[query].ExecContext(w.ctx, values...)
	}
}

func (w *writer) step(s *Step) {
	for _, x := range s.Sources {
		r := x.Record
		w.row(insertSource, x.Row, x.ID.Hash[:], r.Digest[:], r.Name, r.URI, r.Authority, r.Agent, int64(r.Timestamp))
	}
	for _, x := range s.Claims {
		r := x.Record
		w.row(insertAssertion, x.Row, x.ID.Hash[:], r.Subject, r.Predicate, r.Object.Text, r.Confidence, int64(r.Lifecycle), r.Agent, int64(r.Timestamp), x.Source)
		for _, parent := range x.Parents {
			w.row(insertEdge, x.Row, parent)
		}
	}
	a, r := &s.Audit, s.Audit.Record
	w.row(insertAudit, a.Row, a.ID.Hash[:], r.Agent, int64(r.Timestamp), r.Subject, r.Predicate, r.Lens, r.ResultHash[:], r.Value.Text, r.Confidence, r.Share, int64(r.Considered))
	for i, c := range r.Contributions {
		w.row(insertContribution, a.Row, int64(i), a.Claims[i], c.Weight, int64(c.Lifecycle))
	}
}

// catchUp has nothing to wait for: what was committed is seen.
func (t *theirs) catchUp(context.Context) error { return nil }

func (t *theirs) count(ctx context.Context) (n uint64, err error) {
	err = t.db.QueryRowContext(ctx, `SELECT count(*) FROM audits`).Scan(&n)
	return n, err
}

// close writes the log back into the database and removes it: SQLite does so when the last connection goes.
func (t *theirs) close() error {
	var errs []error
	for _, s := range t.prepared {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, t.db.Close())...)
}

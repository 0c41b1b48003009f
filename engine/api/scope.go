package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Scoped is evidence as a grant lets it be seen and written: what may not be seen is as if it were not there. Every
// method of Evidence is here on its own; there is none that falls through to the evidence below.
//
// What lists say of their own completeness stays true: where something was hidden, they say that only some subjects
// are shown, and do not say how much else there is.
//
// A record is seen when it speaks of a subject that may be seen (Held.About): a vote or a transition speaks of its
// assertion's, a source and a document of those of all that rests on them. Epochs speak of none and are seen by all.
func Scoped(held Held, g Grant) Evidence {
	if g.Machine {
		return held
	}
	return &scoped{held, g}
}

type scoped struct {
	held  Held
	grant Grant
}

// needs refuses a role that is too weak.
func (s *scoped) needs(role Role, what string) error {
	if s.grant.Role >= role {
		return nil
	}
	return &ForbiddenError{Who: s.grant.Name, What: what, Expected: "the role " + role.String() + " or more, found " + s.grant.Role.String()}
}

// limited reports whether some subjects may not be seen.
func (s *scoped) limited() bool { return len(s.grant.Subjects) > 0 }

// only says what is shown, for lists.
func (s *scoped) only() string {
	return "only subjects that match " + strings.Join(s.grant.Subjects, " or ") + " are shown to " + s.grant.Name
}

// sees reports whether a record may be seen.
func (s *scoped) sees(ctx context.Context, id record.ID) (bool, error) {
	if !s.limited() {
		return true, nil
	}
	about, err := s.held.About(ctx, id)
	if err != nil || about.General {
		return about.General, err
	}
	if about.Every {
		return len(about.Subjects) > 0 && !slices.ContainsFunc(about.Subjects, func(on string) bool { return !s.grant.Sees(on) }), nil
	}
	return slices.ContainsFunc(about.Subjects, s.grant.Sees), nil
}

// mustSee is the error of a record that may not be seen: the same as that of one that is not here.
func (s *scoped) mustSee(ctx context.Context, id record.ID) error {
	seen, err := s.sees(ctx, id)
	if err == nil && !seen {
		err = &ask.NotFoundError{What: id.String()}
	}
	return err
}

// mayRead is what every question about one record begins with.
func (s *scoped) mayRead(ctx context.Context, what string, ids ...record.ID) error {
	if err := s.needs(RoleRead, what); err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.mustSee(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// kept is what of a list may be seen, in its order. The list is not changed.
func kept[T any](ctx context.Context, s *scoped, list []T, idOf func(T) record.ID) ([]T, error) {
	if !s.limited() {
		return list, nil
	}
	out := make([]T, 0, len(list))
	for _, item := range list {
		seen, err := s.sees(ctx, idOf(item))
		if err != nil {
			return nil, err
		}
		if seen {
			out = append(out, item)
		}
	}
	return out, nil
}

func itself(id record.ID) record.ID { return id }

func (s *scoped) Audits(ctx context.Context, f ask.AuditFilter) (ask.Trace, error) {
	return s.list(ctx, f, s.held.Audits)
}

func (s *scoped) Findings(ctx context.Context, f ask.AuditFilter) (ask.Trace, error) {
	return s.list(ctx, f, s.held.Findings)
}

func (s *scoped) list(ctx context.Context, f ask.AuditFilter, list func(context.Context, ask.AuditFilter) (ask.Trace, error)) (ask.Trace, error) {
	if err := s.needs(RoleList, "list queries"); err != nil {
		return ask.Trace{}, err
	}
	if s.grant.Role == RoleList && f.Text != "" { // it would tell by its matches what the values are
		return ask.Trace{}, s.needs(RoleRead, "look for words in values")
	}
	f.Within = append(slices.Clone(f.Within), s.grant.Subjects...)
	t, err := list(ctx, f)
	if err != nil {
		return t, err
	}
	if s.limited() {
		t.Heard = nil
		if len(t.Empty) > 0 {
			t.Empty = []string{"nothing that may be seen matches the filter"}
		}
		t.Empty = append(slices.Clone(t.Empty), s.only())
		if t.Queries, err = s.shownAudits(ctx, t.Queries); err != nil {
			return t, err
		}
	}
	if s.grant.Role == RoleList {
		t.Queries = slices.Clone(t.Queries)
		for i := range t.Queries {
			t.Queries[i] = withoutValues(t.Queries[i])
		}
	}
	return t, nil
}

// withoutValues is an audit as the role list shows it: who asked what and when, and why it deserves a look. The hash of
// the answer goes with the answer: there are few values, and whoever has the hash can try them.
func withoutValues(a ask.Audit) ask.Audit {
	a.Result, a.ResultHash, a.Question = ask.Result{}, record.Hash{}, nil
	a.Contributions, a.Withheld = []ask.Contribution{}, true
	return a
}

func (s *scoped) Audit(ctx context.Context, id record.ID) (ask.Audit, error) {
	if err := s.mayRead(ctx, "read a query", id); err != nil {
		return ask.Audit{}, err
	}
	a, err := s.held.Audit(ctx, id)
	if err != nil {
		return a, err
	}
	return s.shownAudit(ctx, a)
}

func (s *scoped) Agents(ctx context.Context) ([]ask.Agent, error) {
	if err := s.needs(RoleList, "list agents"); err != nil {
		return nil, err
	}
	all, err := s.held.Agents(ctx)
	if err != nil || !s.limited() {
		return all, err
	}
	list := []ask.Agent{}
	for _, a := range all {
		// What it asked about other subjects shows neither in a count nor in a time. When the newest of what may be seen
		// was recorded stands for when the agent was last recorded.
		t, err := s.held.Audits(ctx, ask.AuditFilter{Agent: a.Name, Within: s.grant.Subjects, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(t.Queries) > 0 {
			newest := t.Queries[0]
			list = append(list, ask.Agent{Name: a.Name, Queries: t.Total, NewestTimestamp: &newest.Timestamp, NewestRecordedAt: &newest.RecordedAt})
		}
	}
	return list, nil
}

func (s *scoped) Status(ctx context.Context) (ask.Status, error) {
	if err := s.needs(RoleList, "ask for the status"); err != nil {
		return ask.Status{}, err
	}
	st, err := s.held.Status(ctx)
	st.News = nil // it speaks of the machine: files, bytes
	if err != nil || !s.limited() {
		return st, err
	}
	t, err := s.held.Audits(ctx, ask.AuditFilter{Within: s.grant.Subjects, Limit: 1})
	if err != nil {
		return st, err
	}
	events, err := s.Events(ctx, ask.Range{}, 0)
	st.Audits, st.Events, st.Newest, st.Oldest = t.Total, uint64(len(events)), nil, nil
	for _, a := range t.Queries {
		st.Newest, st.Oldest = &a.Timestamp, &a.Timestamp
	}
	for _, e := range events {
		if st.Newest == nil || e.Timestamp > *st.Newest {
			st.Newest = &e.Timestamp
		}
		if st.Oldest == nil || e.Timestamp < *st.Oldest {
			st.Oldest = &e.Timestamp
		}
	}
	return st, err
}

func (s *scoped) CatchUp(ctx context.Context) error { return s.held.CatchUp(ctx) }

func (s *scoped) Events(ctx context.Context, r ask.Range, limit int) ([]ask.Event, error) {
	if err := s.needs(RoleRead, "list events"); err != nil {
		return nil, err
	}
	if !s.limited() {
		return s.held.Events(ctx, r, limit)
	}
	all, err := s.held.Events(ctx, r, 0)
	if err != nil {
		return nil, err
	}
	list, err := kept(ctx, s, all, func(e ask.Event) record.ID { return e.ID })
	if limit > 0 && len(list) > limit {
		list = list[:limit]
	}
	return list, err
}

func (s *scoped) Identify(ctx context.Context, typed string) (record.ID, error) {
	if err := s.needs(RoleRead, "look for an id"); err != nil {
		return record.ID{}, err
	}
	id, err := s.held.Identify(ctx, typed)
	var several *ask.AmbiguousError
	var absent *ask.NotFoundError
	switch {
	case !s.limited():
		return id, err
	case errors.As(err, &absent):
		return id, &ask.NotFoundError{What: typed}
	case errors.As(err, &several):
		return s.identifyAmong(ctx, several)
	case err != nil:
		return id, err
	}
	if seen, err := s.sees(ctx, id); !seen {
		return record.ID{}, errors.Join(err, notFoundUnless(err, typed))
	}
	return id, nil
}

func notFoundUnless(err error, what string) error {
	if err != nil {
		return nil
	}
	return &ask.NotFoundError{What: what}
}

// identifyAmong leaves out of what was ambiguous what may not be seen.
func (s *scoped) identifyAmong(ctx context.Context, e *ask.AmbiguousError) (record.ID, error) {
	matches, err := kept(ctx, s, e.Matches, itself)
	switch {
	case err != nil:
		return record.ID{}, err
	case len(matches) == 0:
		return record.ID{}, &ask.NotFoundError{What: e.Typed}
	case len(matches) == 1 && !e.More:
		return matches[0], nil
	}
	return record.ID{}, &ask.AmbiguousError{Typed: e.Typed, Matches: matches, More: e.More}
}

func (s *scoped) Record(ctx context.Context, id record.ID) (ask.Record, error) {
	if err := s.mayRead(ctx, "read a record", id); err != nil {
		return ask.Record{}, err
	}
	return s.held.Record(ctx, id)
}

func (s *scoped) EachRecord(ctx context.Context, f func(ask.Record) error) error {
	if err := s.needs(RoleRead, "read all records"); err != nil {
		return err
	}
	return s.held.EachRecord(ctx, func(r ask.Record) error {
		seen, err := s.sees(ctx, r.ID)
		if err != nil || !seen {
			return err
		}
		return f(r)
	})
}

func (s *scoped) SourceDigest(source record.Hash) (record.Hash, bool, error) {
	id := record.ID{Kind: record.KindSource, Hash: source}
	// A source that was written a moment ago has nothing resting on it yet: what a writer sends next may name it.
	if s.limited() && s.grant.Role < RoleWrite {
		if seen, err := s.sees(context.Background(), id); err != nil || !seen {
			return record.Hash{}, false, err
		}
	}
	return s.held.SourceDigest(source)
}

func (s *scoped) SourceOf(ctx context.Context, digest record.Hash) (ask.SourceOf, error) {
	id := record.ID{Kind: record.KindEvidence, Hash: digest}
	if err := s.needs(RoleRead, "read a source"); err != nil {
		return ask.SourceOf{}, err
	}
	if seen, err := s.sees(ctx, id); err != nil || !seen {
		return ask.SourceOf{Digest: id, Bytes: ask.HeldNone}, err
	}
	return s.held.SourceOf(ctx, digest)
}

func (s *scoped) NearSubjects(ctx context.Context, subject string) (ask.Near, error) {
	if err := s.needs(RoleRead, "look for subjects"); err != nil {
		return ask.Near{}, err
	}
	if !s.grant.Sees(subject) {
		return ask.Near{}, nil
	}
	near, err := s.held.NearSubjects(ctx, subject)
	near.Subjects = slices.DeleteFunc(slices.Clone(near.Subjects), func(on string) bool { return !s.grant.Sees(on) })
	return near, err
}

// Find pages through the search below until a page of what may be seen is full. What it looked at is counted over all
// records, as the search does: how many there are is told by every LSN anyway.
func (s *scoped) Find(ctx context.Context, q ask.FindQuery) (ask.Found, error) {
	if err := s.needs(RoleRead, "look for records"); err != nil {
		return ask.Found{}, err
	}
	if !s.limited() {
		return s.held.Find(ctx, q)
	}
	each, limit := q.Each, q.Limit
	q.Each = nil
	hits := []ask.Hit{}
	for {
		if limit > 0 {
			q.Limit = limit - len(hits)
		}
		page, err := s.held.Find(ctx, q)
		if err != nil {
			return page, err
		}
		seen, err := kept(ctx, s, page.Records, func(h ask.Hit) record.ID { return h.ID })
		if err != nil {
			return page, err
		}
		for _, h := range seen {
			if each != nil {
				if err := each(h); err != nil {
					return page, err
				}
			}
			hits = append(hits, h)
		}
		if page.NextCursor == nil || limit == 0 || len(hits) >= limit || len(page.Records) == 0 {
			page.Records, page.Notes = hits, []string{s.only()}
			return page, nil
		}
		q.Cursor = *page.NextCursor
	}
}

func (s *scoped) Verdict(ctx context.Context, audit record.ID) (ask.Verdict, error) {
	if err := s.mayRead(ctx, "read a verdict", audit); err != nil {
		return ask.Verdict{}, err
	}
	v, err := s.held.Verdict(ctx, audit)
	if err == nil {
		v, err = s.shownVerdict(ctx, v)
	}
	if err != nil {
		return v, err
	}
	v.Then, err = kept(ctx, s, v.Then, func(e ask.Event) record.ID { return e.ID })
	return v, err
}

func (s *scoped) Recompute(ctx context.Context, id record.ID) (ask.Recomputation, error) {
	if err := s.mayRead(ctx, "recompute a query", id); err != nil {
		return ask.Recomputation{}, err
	}
	return s.held.Recompute(ctx, id)
}

func (s *scoped) WhatIf(ctx context.Context, audit record.ID, c ask.WhatIfChange) (ask.WhatIf, error) {
	ids := []record.ID{audit}
	for _, w := range c.Without {
		if !w.ID.IsZero() {
			ids = append(ids, w.ID)
		}
	}
	if err := s.mayRead(ctx, "ask what if", ids...); err != nil {
		return ask.WhatIf{}, err
	}
	w, err := s.held.WhatIf(ctx, audit, c)
	if err != nil {
		return w, s.withoutNear(err)
	}
	w.LeftOut, err = kept(ctx, s, w.LeftOut, itself)
	return w, err
}

func (s *scoped) Diff(ctx context.Context, left, right record.ID) (ask.Difference, error) {
	if err := s.mayRead(ctx, "compare queries", left, right); err != nil {
		return ask.Difference{}, err
	}
	d, err := s.held.Diff(ctx, left, right)
	if err != nil {
		return d, err
	}
	return s.shownDifference(ctx, d)
}

func (s *scoped) Bisect(ctx context.Context, q ask.BisectQuery) (ask.Bisection, error) {
	if err := s.needs(RoleRead, "bisect an answer"); err != nil {
		return ask.Bisection{}, err
	}
	hidden := &ask.NotFoundError{What: q.Subject + " " + q.Predicate}
	if !s.grant.Sees(q.Subject) {
		return ask.Bisection{}, hidden
	}
	b, err := s.held.Bisect(ctx, q)
	return b, s.withoutNear(err)
}

// withoutNear is an error that does not say what may have been meant: that may be hidden.
func (s *scoped) withoutNear(err error) error {
	var absent *ask.NotFoundError
	if s.limited() && errors.As(err, &absent) {
		return &ask.NotFoundError{What: absent.What}
	}
	return err
}

// Beliefs compares all that may be seen and then leaves out what was not asked for: compared tells of all that may be
// seen, not of how many subjects the pattern matches beyond it.
func (s *scoped) Beliefs(ctx context.Context, q ask.BeliefsQuery) (ask.BeliefChanges, error) {
	if err := s.needs(RoleRead, "compare beliefs"); err != nil {
		return ask.BeliefChanges{}, err
	}
	if !s.limited() {
		return s.held.Beliefs(ctx, q)
	}
	wanted := q.Subject
	if wanted != "" {
		if err := checkGrant(Grant{Name: "subject", Role: RoleRead, Subjects: []string{wanted}}); err != nil {
			return ask.BeliefChanges{}, &ask.UsageError{Field: "subject", Found: wanted, Expected: "a pattern such as auth/* (one level) or auth/** (any depth)"}
		}
	}
	if err := ask.CheckBraces(wanted); err != nil {
		return ask.BeliefChanges{}, err
	}
	limit := q.Limit
	if limit <= 0 {
		limit = ask.DefaultBeliefs
	}
	q.Subject, q.Limit = oneGlob(s.grant.Subjects), math.MaxInt
	c, err := s.held.Beliefs(ctx, q)
	if err != nil {
		return c, err
	}
	c.Subject = wanted
	c.Changes = slices.DeleteFunc(c.Changes, func(m ask.BeliefMoved) bool {
		return wanted != "" && !matchesOne([]string{wanted}, m.Subject)
	})
	c.Total = len(c.Changes)
	c.Changes = c.Changes[:min(limit, c.Total)]
	return c, nil
}

// oneGlob is a glob that matches what one of globs matches.
func oneGlob(globs []string) string {
	if len(globs) == 1 {
		return globs[0]
	}
	return fmt.Sprintf("{%s}", strings.Join(globs, ","))
}

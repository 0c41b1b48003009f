package api

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

func (s *scoped) Ask(ctx context.Context, q record.Query) (ask.Audit, error) {
	if err := s.mayAsk(q); err != nil {
		return ask.Audit{}, err
	}
	return s.held.Ask(ctx, q)
}

func (s *scoped) mayAsk(q record.Query) error {
	if err := s.needs(RoleWrite, "ask a question"); err != nil {
		return err
	}
	if err := s.speaksFor(q.Agent); err != nil {
		return err
	}
	return s.mayTouch("ask about", q.Subject)
}

func (s *scoped) speaksFor(agent string) error {
	if s.grant.SpeaksFor(agent) {
		return nil
	}
	return &ForbiddenError{Who: s.grant.Name, What: "speak for the agent " + agent, Expected: "an agent that matches " + oneGlob(s.grant.Agents)}
}

func (s *scoped) mayTouch(what, subject string) error {
	if s.grant.Sees(subject) {
		return nil
	}
	return &ForbiddenError{Who: s.grant.Name, What: what + " " + subject, Expected: "a subject that matches " + oneGlob(s.grant.Subjects)}
}

// Preview leaves out the answers that may not be seen.
func (s *scoped) Preview(ctx context.Context, records []record.Record) (ask.Preview, error) {
	if err := s.needs(RoleRead, "try records out"); err != nil {
		return ask.Preview{}, err
	}
	for _, r := range records {
		if err := s.mayName(ctx, r); err != nil {
			return ask.Preview{}, err
		}
	}
	p, err := s.held.Preview(ctx, records)
	if err != nil || !s.limited() {
		return p, err
	}
	p.Changes = slices.DeleteFunc(slices.Clone(p.Changes), func(c ask.Change) bool { return !s.grant.Sees(c.Subject) })
	p.Questions = len(p.Changes)
	p.Notes, p.Complete = append(slices.Clone(p.Notes), s.only()), false
	return p, nil
}

func (s *scoped) Write(ctx context.Context, records ...record.Record) ([]ask.Written, error) {
	for _, r := range records {
		if err := s.mayWrite(ctx, r, records); err != nil {
			return nil, err
		}
	}
	return s.held.Write(ctx, records...)
}

// Ingest refuses, line by line, what may not be written.
func (s *scoped) Ingest(ctx context.Context, lines ask.Lines, o ask.IngestOptions) (ask.Ingested, error) {
	if err := s.needs(RoleWrite, "write records"); err != nil {
		return ask.Ingested{}, err
	}
	return s.held.Ingest(ctx, &permittedLines{Lines: lines, s: s, ctx: ctx}, o)
}

// permittedLines are lines of which those that may not be written are refused.
type permittedLines struct {
	ask.Lines
	s   *scoped
	ctx context.Context // of the one Ingest that reads them

	epochs []record.Record // of the lines so far, the first epochsMax: a later line may end an agent's own
}

// epochsMax bounds what is remembered of one file. A guess: generations of knowledge are few.
const epochsMax = 10_000

// notPermitted is the field of a Reject that is no fault of the line: who sent it may not write it.
const notPermitted = "token"

func (l *permittedLines) Next() (record.Line, error) {
	line, err := l.Lines.Next()
	if err != nil {
		return line, err
	}
	agent := ""
	if line.Query != nil {
		agent, err = line.Query.Agent, l.s.mayAsk(*line.Query)
	}
	for _, r := range line.Records {
		if err == nil {
			agent, err = agentOf(r), l.s.mayWrite(l.ctx, r, l.epochs)
		}
		if _, ok := r.(*record.Epoch); ok && err == nil && len(l.epochs) < epochsMax {
			l.epochs = append(l.epochs, r)
		}
	}
	var forbidden *ForbiddenError
	var absent *ask.NotFoundError
	switch {
	case errors.As(err, &forbidden):
		return record.Line{}, &record.Reject{Line: line.Number, Column: 1, Agent: agent, Field: notPermitted, Found: forbidden.What, Expected: forbidden.Expected,
			Hint: forbidden.Who + " may not do this"}
	case errors.As(err, &absent):
		return record.Line{}, &record.Reject{Line: line.Number, Column: 1, Agent: agent, Field: notPermitted, Found: "a record that names " + absent.What, Expected: "the id of a record that is here"}
	}
	return line, err
}

// mayWrite says why a record may not be written; together are those it comes with.
func (s *scoped) mayWrite(ctx context.Context, r record.Record, together []record.Record) error {
	if err := s.needs(RoleWrite, "write records"); err != nil {
		return err
	}
	if _, document := r.(record.Evidence); !document { // a document is nobody's word
		if err := s.speaksFor(agentOf(r)); err != nil {
			return err
		}
	}
	switch x := r.(type) {
	case *record.Source:
		if s.grant.Role < RoleAdmin && x.Authority > max(s.grant.MaxAuthority, 0) {
			return &ForbiddenError{
				Who: s.grant.Name, What: fmt.Sprintf("claim the authority %v for the source %q", x.Authority, x.Name),
				Expected: fmt.Sprintf("an authority up to %v", s.grant.MaxAuthority),
			}
		}
	case *record.Epoch:
		if err := s.mayEnd(ctx, x, together); err != nil {
			return err
		}
	}
	return s.mayName(ctx, r)
}

// mayEnd says why an epoch may not supersede the one it names: another agent's is ended by an administrator alone.
func (s *scoped) mayEnd(ctx context.Context, e *record.Epoch, together []record.Record) error {
	if s.grant.Role == RoleAdmin || e.Supersedes.IsZero() {
		return nil
	}
	id := record.ID{Kind: record.KindEpoch, Hash: e.Supersedes}
	owner, here := "", false
	if r, err := s.held.Record(ctx, id); err == nil && r.Record != nil {
		owner, here = r.Record.(*record.Epoch).Agent, true
	}
	for _, r := range together {
		if other, ok := r.(*record.Epoch); ok && !here {
			if held, err := record.IDOf(other); err == nil && held == id {
				owner, here = other.Agent, true
			}
		}
	}
	if here && owner == e.Agent {
		return nil
	}
	return &ForbiddenError{Who: s.grant.Name, What: "supersede the epoch " + id.Short() + " of another agent", Expected: "the role admin"}
}

// mayName says why a record may not speak of what it names: its subject, or a record or a document that may not be seen.
// A document is seen by who sees a claim that rests on it, so whoever could claim something of a hidden one would see it.
// Records that are not here may be named as anybody may: they may come later.
func (s *scoped) mayName(ctx context.Context, r record.Record) error {
	if !s.limited() {
		return nil
	}
	var named []record.ID
	switch x := r.(type) {
	case *record.Assertion:
		if err := s.mayTouch("claim something of", x.Subject); err != nil {
			return err
		}
		named = append(slices.Clone(x.Parents), record.ID{Kind: record.KindEvidence, Hash: x.Source})
	case *record.Audit:
		if err := s.mayTouch("record a query about", x.Subject); err != nil {
			return err
		}
		for _, c := range x.Contributions { // who reads the query is shown what they claim
			named = append(named, record.ID{Kind: record.KindAssertion, Hash: c.Assertion}, record.ID{Kind: record.KindEvidence, Hash: c.Source})
		}
	case *record.Source: // it says what the document is called, and how far it can be trusted
		named = []record.ID{{Kind: record.KindEvidence, Hash: x.Digest}}
	case *record.Event:
		if x.Subject != "" {
			if err := s.mayTouch("record an event about", x.Subject); err != nil {
				return err
			}
		}
		named = x.BasedOn
	case *record.Vote:
		named = []record.ID{{Kind: record.KindAssertion, Hash: x.Assertion}}
	case *record.Transition:
		named = []record.ID{{Kind: record.KindAssertion, Hash: x.Assertion}}
	}
	for _, id := range named {
		about, err := s.held.About(ctx, id)
		if err != nil {
			return err
		}
		if len(about.Subjects) > 0 && !slices.ContainsFunc(about.Subjects, s.grant.Sees) {
			return &ask.NotFoundError{What: id.String()}
		}
	}
	return nil
}

// agentOf is who a record says wrote it.
func agentOf(r record.Record) string {
	switch x := r.(type) {
	case *record.Source:
		return x.Agent
	case *record.Assertion:
		return x.Agent
	case *record.Vote:
		return x.Agent
	case *record.Epoch:
		return x.Agent
	case *record.Transition:
		return x.Agent
	case *record.Event:
		return x.Agent
	case *record.Audit:
		return x.Agent
	case *record.Erasure:
		return x.Agent
	}
	return ""
}

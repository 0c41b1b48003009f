package replay

import (
	"context"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// A replay is what faces talk to.
var _ ask.Investigator = (*Replay)(nil)

// at answers a question at the moment of the clock, which stands still meanwhile.
func at[T any](r *Replay, question func(ask.Investigator) (T, error)) (T, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return question(r.now)
}

// Ask refuses: a question of today's would be a record among those of the incident, and the answers after it others.
func (r *Replay) Ask(context.Context, record.Query) (ask.Audit, error) {
	return ask.Audit{}, &ask.UsageError{Field: "query", Found: "a new question", Expected: "none: a replay repeats what was asked, and takes nothing new; what if (x) asks without leaving a trace"}
}

func (r *Replay) Audits(ctx context.Context, f ask.AuditFilter) (ask.Trace, error) {
	return at(r, func(in ask.Investigator) (ask.Trace, error) { return in.Audits(ctx, f) })
}

func (r *Replay) Findings(ctx context.Context, f ask.AuditFilter) (ask.Trace, error) {
	return at(r, func(in ask.Investigator) (ask.Trace, error) { return in.Findings(ctx, f) })
}

func (r *Replay) Find(ctx context.Context, q ask.FindQuery) (ask.Found, error) {
	return at(r, func(in ask.Investigator) (ask.Found, error) { return in.Find(ctx, q) })
}

func (r *Replay) Events(ctx context.Context, within ask.Range, limit int) ([]ask.Event, error) {
	return at(r, func(in ask.Investigator) ([]ask.Event, error) { return in.Events(ctx, within, limit) })
}

func (r *Replay) Agents(ctx context.Context) ([]ask.Agent, error) {
	return at(r, func(in ask.Investigator) ([]ask.Agent, error) { return in.Agents(ctx) })
}

func (r *Replay) Identify(ctx context.Context, typed string) (record.ID, error) {
	return at(r, func(in ask.Investigator) (record.ID, error) { return in.Identify(ctx, typed) })
}

func (r *Replay) Record(ctx context.Context, id record.ID) (ask.Record, error) {
	return at(r, func(in ask.Investigator) (ask.Record, error) { return in.Record(ctx, id) })
}

func (r *Replay) Verdict(ctx context.Context, audit record.ID) (ask.Verdict, error) {
	return at(r, func(in ask.Investigator) (ask.Verdict, error) { return in.Verdict(ctx, audit) })
}

func (r *Replay) Provenance(ctx context.Context, root record.ID, o ask.ProvenanceOptions) (ask.Provenance, error) {
	return at(r, func(in ask.Investigator) (ask.Provenance, error) { return in.Provenance(ctx, root, o) })
}

func (r *Replay) WhatIf(ctx context.Context, audit record.ID, c ask.WhatIfChange) (ask.WhatIf, error) {
	return at(r, func(in ask.Investigator) (ask.WhatIf, error) { return in.WhatIf(ctx, audit, c) })
}

func (r *Replay) Impact(ctx context.Context, of ask.Target, o ask.ImpactOptions) (ask.Impact, error) {
	return at(r, func(in ask.Investigator) (ask.Impact, error) { return in.Impact(ctx, of, o) })
}

func (r *Replay) Diff(ctx context.Context, left, right record.ID) (ask.Difference, error) {
	return at(r, func(in ask.Investigator) (ask.Difference, error) { return in.Diff(ctx, left, right) })
}

func (r *Replay) Beliefs(ctx context.Context, q ask.BeliefsQuery) (ask.BeliefChanges, error) {
	return at(r, func(in ask.Investigator) (ask.BeliefChanges, error) { return in.Beliefs(ctx, q) })
}

func (r *Replay) Bisect(ctx context.Context, q ask.BisectQuery) (ask.Bisection, error) {
	return at(r, func(in ask.Investigator) (ask.Bisection, error) { return in.Bisect(ctx, q) })
}

func (r *Replay) Status(ctx context.Context) (ask.Status, error) {
	return at(r, func(in ask.Investigator) (ask.Status, error) { return in.Status(ctx) })
}

package api

import (
	"context"
	"slices"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// What another system answered may rest on assertions about anything: what a retrieval brought back, as traces tell it.
// Their ids and weights stay, since the answer rests on them; what they claim, and what their documents are called, is
// for who may see them. An answer of this journal rests on assertions of its own subject alone.

// shownAudit is an audit whose contributions say nothing of what may not be seen. It is not changed.
func (s *scoped) shownAudit(ctx context.Context, a ask.Audit) (ask.Audit, error) {
	if !s.limited() || a.State == ask.Pinned {
		return a, nil
	}
	var err error
	a.Contributions, err = s.shownContributions(ctx, a.Contributions)
	return a, err
}

func (s *scoped) shownContributions(ctx context.Context, list []ask.Contribution) ([]ask.Contribution, error) {
	list = slices.Clone(list)
	for i := range list {
		c := &list[i]
		claim, document, err := s.seesBoth(ctx, c.Assertion, c.SourceHash)
		if err != nil {
			return nil, err
		}
		if !claim {
			c.Value = record.Object{}
		}
		if !document {
			c.Source = nil
		}
	}
	return list, nil
}

// seesBoth reports whether an assertion and the document it rests on may be seen.
func (s *scoped) seesBoth(ctx context.Context, assertion, document record.ID) (claim, paper bool, err error) {
	if claim, err = s.sees(ctx, assertion); err != nil {
		return false, false, err
	}
	paper, err = s.sees(ctx, document)
	return claim, paper, err
}

// shownAudits is a list of them; only a list that changes is copied.
func (s *scoped) shownAudits(ctx context.Context, list []ask.Audit) ([]ask.Audit, error) {
	if !s.limited() {
		return list, nil
	}
	list = slices.Clone(list)
	for i := range list {
		var err error
		if list[i], err = s.shownAudit(ctx, list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// shownWeighed leaves of an assertion that may not be seen what is known of one that is not here.
func (s *scoped) shownWeighed(ctx context.Context, list []ask.Weighed) ([]ask.Weighed, error) {
	list = slices.Clone(list)
	for i := range list {
		w := &list[i]
		claim, document, err := s.seesBoth(ctx, w.Assertion, w.Source.Digest)
		if err != nil {
			return nil, err
		}
		if !claim {
			*w = ask.Weighed{Assertion: w.Assertion, Weight: w.Weight, Lifecycle: w.Lifecycle, LifecycleNow: w.Lifecycle, Source: w.Source, Arithmetic: w.Arithmetic, Life: []ask.LifeStep{}}
		}
		if !document {
			w.Source = ask.SourceOf{Digest: w.Source.Digest}
		}
	}
	return list, nil
}

// shownVerdict is a verdict on such an audit: what it weighed is all in Because, since nothing else is known.
func (s *scoped) shownVerdict(ctx context.Context, v ask.Verdict) (ask.Verdict, error) {
	if !s.limited() || v.Audit.State == ask.Pinned {
		return v, nil
	}
	var err error
	if v.Audit, err = s.shownAudit(ctx, v.Audit); err != nil {
		return v, err
	}
	v.Because, err = s.shownWeighed(ctx, v.Because)
	return v, err
}

// shownDifference is that of two audits of which one may be such.
func (s *scoped) shownDifference(ctx context.Context, d ask.Difference) (_ ask.Difference, err error) {
	if !s.limited() || d.Left.State == ask.Pinned && d.Right.State == ask.Pinned {
		return d, nil
	}
	if d.Left, err = s.shownAudit(ctx, d.Left); err != nil {
		return d, err
	}
	if d.Right, err = s.shownAudit(ctx, d.Right); err != nil {
		return d, err
	}
	if d.OnlyLeft, err = s.shownContributions(ctx, d.OnlyLeft); err != nil {
		return d, err
	}
	if d.OnlyRight, err = s.shownContributions(ctx, d.OnlyRight); err != nil {
		return d, err
	}
	d.Both = slices.Clone(d.Both)
	for i := range d.Both {
		seen, err := s.sees(ctx, d.Both[i].Assertion)
		if err != nil {
			return d, err
		}
		if !seen {
			d.Both[i].Value = record.Object{}
		}
	}
	return d, nil
}

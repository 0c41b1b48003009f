package export

import (
	"strings"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// apply is c with everything replaced that spread found.
func (r *redaction) apply(c *Contents) *Contents {
	out := *c
	out.veil = r
	if c.trace != nil {
		out.Chosen = r.chosen(*c.trace)
	}
	if len(r.hidden) > 0 {
		out.Chain = record.Hash{}
	}
	out.Records, out.byID = make([]ask.Record, len(c.Records)), map[record.ID]ask.Record{}
	for i, rec := range c.Records {
		rec.Record, rec.ID = rewrite(rec.Record, r), r.id(rec.ID)
		out.Records[i], out.byID[rec.ID] = rec, rec
	}
	out.Absent = make([]Absence, len(c.Absent))
	for i, a := range c.Absent {
		a.ID = r.id(a.ID)
		out.Absent[i] = a
	}
	out.Queries = make([]Query, len(c.Queries))
	for i, q := range c.Queries {
		out.Queries[i] = Query{r.verdict(q.Verdict), r.chain(q.Chain)}
	}
	r.key = [32]byte{} // from here on nobody can make or check a token
	return &out
}

// chosen says anew how complete the list of queries is: it names agents, of whom some may be in no record here.
func (r *redaction) chosen(t ask.Trace) string {
	heard := make([]ask.Heard, len(t.Heard))
	for i, h := range t.Heard {
		heard[i] = ask.Heard{Agent: r.text(Agent, h.Agent), At: h.At}
	}
	t.Heard = heard
	return t.Completeness()
}

// composed is a sentence of ours that may quote data: as text, but without the values that are replaced as words of
// their own only. Numbers of ours are among such words, and a token in the place of one would tell what it stands for.
func (r *redaction) composed(s string) string { return r.unquote(r.ours.replace(s)) }

func (r *redaction) verdict(v ask.Verdict) ask.Verdict {
	v.Audit = r.audit(v.Audit)
	v.Because, v.Against, v.NotAdmitted = r.weighed(v.Because), r.weighed(v.Against), r.weighed(v.NotAdmitted)
	without := make([]ask.Otherwise, len(v.Without))
	for i, o := range v.Without {
		o.Exclude, o.Result.Value = r.id(o.Exclude), r.value(o.Result.Value)
		without[i] = o
	}
	v.Without = without
	if v.Now != nil {
		now := *v.Now
		now.Result.Value, now.Of = r.value(now.Result.Value), r.id(now.Of)
		if now.Because != nil {
			step := r.step(*now.Because)
			now.Because = &step
		}
		v.Now = &now
	}
	then := make([]ask.Event, len(v.Then))
	for i, e := range v.Then {
		e.ID, e.Event = r.id(e.ID), rewriteEvent(e.Event, r)
		then[i] = e
	}
	v.Then = then
	return v
}

func (r *redaction) audit(a ask.Audit) ask.Audit {
	a.ResultHash = r.result(a.Result.Value, a.ResultHash)
	a.ID, a.Result.Value = r.id(a.ID), r.value(a.Result.Value)
	a.Agent, a.Subject, a.Predicate = r.text(Agent, a.Agent), r.text(Subject, a.Subject), r.text(Predicate, a.Predicate)
	a.Lens = r.text(freeText, a.Lens)
	a.Question = r.optional(Question, a.Question)
	a.TraceID, a.SpanID = r.optional(TraceIDs, a.TraceID), r.optional(TraceIDs, a.SpanID)
	a.ConversationID, a.ToolCallID = r.optional(TraceIDs, a.ConversationID), r.optional(TraceIDs, a.ToolCallID)
	labels := map[string]string{}
	for name, value := range a.Labels {
		labels[r.text(Labels, name)] = r.text(Labels, value)
	}
	a.Labels = labels
	contributions := make([]ask.Contribution, len(a.Contributions))
	for i, c := range a.Contributions {
		c.Assertion, c.SourceHash, c.Value = r.id(c.Assertion), r.id(c.SourceHash), r.value(c.Value)
		c.Source = r.optional(Name, c.Source)
		contributions[i] = c
	}
	a.Contributions = contributions
	findings := make([]ask.Finding, len(a.Findings))
	for i, f := range a.Findings {
		findings[i] = ask.Finding{Code: f.Code, Cites: idsOf(r, f.Cites)}
	}
	a.Findings = findings
	return a
}

func (r *redaction) optional(f Field, s *string) *string {
	if s == nil {
		return nil
	}
	out := r.text(f, *s)
	return &out
}

func (r *redaction) weighed(list []ask.Weighed) []ask.Weighed {
	out := make([]ask.Weighed, len(list))
	for i, w := range list {
		w.Assertion, w.Value, w.Agent, w.Note = r.id(w.Assertion), r.value(w.Value), r.text(Agent, w.Agent), r.text(Note, w.Note)
		w.Source.Digest, w.Source.Descriptor = r.id(w.Source.Digest), r.id(w.Source.Descriptor)
		name := w.Source.Name
		w.Source.Name, w.Source.URI = r.text(Name, w.Source.Name), r.text(URI, w.Source.URI)
		w.Why, w.Arithmetic = r.composed(w.Why), r.arithmetic(w.Arithmetic, name, w.Source.Name)
		life := make([]ask.LifeStep, len(w.Life))
		for j, s := range w.Life {
			life[j] = r.step(s)
		}
		w.Life = life
		out[i] = w
	}
	return out
}

// arithmetic is the sentence on a weight, which names the source.
func (r *redaction) arithmetic(s, name, now string) string {
	before, after, found := strings.Cut(s, " of "+name+";")
	if !found || name == "" {
		return r.composed(s)
	}
	return r.composed(before) + " of " + now + ";" + r.composed(after)
}

func (r *redaction) step(s ask.LifeStep) ask.LifeStep {
	s.ID, s.Agent, s.Reason = r.id(s.ID), r.text(Agent, s.Agent), r.text(Reason, s.Reason)
	return s
}

// chain replaces the ids of a chain. The titles of its nodes are composed of data; pages make their own from the
// records, and show these only where there is no record.
func (r *redaction) chain(p ask.Provenance) ask.Provenance {
	p.Root, p.More = r.id(p.Root), idsOf(r, p.More)
	nodes := make([]ask.Node, len(p.Nodes))
	for i, n := range p.Nodes {
		n.ID, n.Title, n.Agent = r.id(n.ID), r.composed(n.Title), r.text(Agent, n.Agent)
		nodes[i] = n
	}
	edges := make([]ask.Edge, len(p.Edges))
	for i, e := range p.Edges {
		e.From, e.To = r.id(e.From), r.id(e.To)
		edges[i] = e
	}
	p.Nodes, p.Edges = nodes, edges
	return p
}

package views

import (
	"context"
	"errors"
	"slices"
	"strings"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// Impact shows the chain ahead of a record: whom it told something and who is told it still, and what was done on the
// strength of it. Of a query it follows the assertion that decided it. It can be widened to the document behind an
// assertion and to all that its author wrote.
type Impact struct {
	look Look
	root ask.Target // what it was opened with
	read progress

	head   impactHead
	at     int // of head.scopes: the one that is asked for
	shown  int // the one whose answer stands below
	found  *ask.Impact
	events []ask.Event                  // of found; those that could not be read have their id alone
	groups [impactGroups][]ask.Impacted // by standing
	stay   record.ID                    // where the cursor stood when a clock was moved; zero: it was not
	secs   []int                        // the groups that have a section, the first always; impactGroups: the events
	list   sections

	flips  int            // of found: how many would have flipped
	open   bool           // of some it is not known whether they are still told, though they can be recomputed
	span   [2]record.Time // the first and the last time of a row
	askers string         // who asked, in words
}

// impactHead comes first: what is followed, and how it can be widened.
type impactHead struct {
	query  record.ID // it was opened with this query; zero: with something else
	why    string    // how the query leads to the first scope
	claims string    // what the first scope says, in a line
	by     string
	when   *record.Time
	check  ask.Check
	scopes []impactScope
}

// impactScope is something whose chain ahead can be followed.
type impactScope struct {
	target ask.Target
	words  string
}

// impactDone is the last part: the chain, with the events it names.
type impactDone struct {
	impact ask.Impact
	events []ask.Event
}

const (
	impactSlot   = "impact"
	impactGroups = 4
	eventsNamed  = 64 // events of a chain that are read for their titles
)

// NewImpact is the chain ahead of a record or an agent.
func NewImpact(of ask.Target) *Impact { return &Impact{root: of} }

// Crumb is the view's name.
func (i *Impact) Crumb() string { return "impact" }

// SetLook says how large the view is.
func (i *Impact) SetLook(l Look) {
	i.look = l
	i.fit()
}

func (i *Impact) ask() Do {
	root, head, at := i.root, i.head, i.at
	return i.read.ask(Ask{Slot: impactSlot, Doing: "following who was told it", Budget: ChainBudget,
		Run: func(ctx context.Context, in ask.Investigator, part func(any) bool) (any, error) {
			if len(head.scopes) == 0 {
				var err error
				if head, err = readImpactHead(ctx, in, root); err != nil {
					return nil, err
				}
				if !part(head) {
					return nil, ctx.Err()
				}
			}
			return readImpact(ctx, in, head.scopes[at].target)
		}})
}

// readImpactHead finds what is to be followed and what it says.
func readImpactHead(ctx context.Context, in ask.Investigator, root ask.Target) (impactHead, error) {
	var h impactHead
	if root.ID.IsZero() {
		h.scopes = []impactScope{{root, "everything " + root.Agent + " wrote"}}
		return h, nil
	}
	if root.ID.Kind == record.KindAudit {
		v, err := in.Verdict(ctx, root.ID)
		if err != nil {
			return h, err
		}
		h.query = root.ID
		if of, why := decidedBy(v); !of.IsZero() {
			root.ID, h.why = of, why
		} else {
			h.why = "nothing contributed to it: what names the query itself"
		}
	}
	chain, err := in.Provenance(ctx, root.ID, ask.ProvenanceOptions{Depth: 1})
	if err != nil {
		return h, err
	}
	h.scopes = []impactScope{{root, "this " + root.ID.Kind.String()}}
	if len(chain.Nodes) == 0 {
		return h, nil
	}
	top := chain.Nodes[0]
	h.claims, h.by, h.when, h.check = titleOf(top), top.Agent, top.Timestamp, top.Check
	for _, e := range chain.Edges {
		if root.ID.Kind == record.KindAssertion && e.Type == ask.EvidenceOf && len(h.scopes) == 1 {
			name := e.To.Short()
			if n := slices.IndexFunc(chain.Nodes, func(n ask.Node) bool { return n.ID == e.To }); n >= 0 && chain.Nodes[n].Title != "" {
				name = chain.Nodes[n].Title
			}
			h.scopes = append(h.scopes, impactScope{ask.Target{ID: e.To}, "all of " + name})
		}
	}
	if top.Agent != "" && root.ID.Kind != record.KindAudit && root.ID.Kind != record.KindEvent {
		h.scopes = append(h.scopes, impactScope{ask.Target{Agent: top.Agent}, "everything " + top.Agent + " wrote"})
	}
	return h, nil
}

// decidedBy is the assertion whose chain ahead says most about a query, and why it: one that was withdrawn since,
// else the heaviest. Zero when nothing contributed.
func decidedBy(v ask.Verdict) (of record.ID, why string) {
	contributed := func(id record.ID) bool {
		return slices.ContainsFunc(v.Audit.Contributions, func(c ask.Contribution) bool { return c.Assertion == id })
	}
	for _, f := range v.Audit.Findings {
		if f.Code != ask.RetractedSince {
			continue
		}
		if at := slices.IndexFunc(f.Cites, contributed); at >= 0 {
			return f.Cites[at], "withdrawn since; it contributed to "
		}
	}
	switch n := len(v.Audit.Contributions); n {
	case 0:
		return record.ID{}, ""
	case 1:
		return v.Audit.Contributions[0].Assertion, "the only contribution to "
	default:
		return v.Audit.Contributions[0].Assertion, "the heaviest of " + Count(n) + " contributions to "
	}
}

func readImpact(ctx context.Context, in ask.Investigator, of ask.Target) (any, error) {
	found, err := in.Impact(ctx, of, ask.ImpactOptions{})
	if err != nil {
		return nil, err
	}
	done := impactDone{impact: found}
	for n, id := range found.Events {
		e := ask.Event{ID: id}
		if n < eventsNamed {
			r, err := in.Record(ctx, id)
			var absent *ask.NotFoundError
			if err != nil && !errors.As(err, &absent) {
				return nil, err
			}
			if w, ok := r.Record.(*record.Event); ok {
				e.Event, e.LSN, e.RecordedAt = *w, r.LSN, r.RecordedAt
			}
		}
		done.events = append(done.events, e)
	}
	return done, nil
}

// Handle takes a message.
func (i *Impact) Handle(m Msg) ([]Do, bool) {
	if i.read.handle(m) {
		if a, ok := m.(Answer); ok && a.Err == nil {
			i.answered(a)
		}
		i.fit()
		return nil, true
	}
	switch m := m.(type) {
	case Shown:
		if m.First {
			return []Do{i.ask()}, true
		}
	case Press:
		return i.press(m)
	}
	return nil, false
}

func (i *Impact) answered(a Answer) {
	switch v := a.Value.(type) {
	case impactHead:
		i.head = v
	case impactDone:
		i.found, i.events, i.shown = &v.impact, v.events, i.at
		i.groups = [impactGroups][]ask.Impacted{}
		for _, q := range v.impact.Queries {
			at := standing(q)
			i.groups[at] = append(i.groups[at], q)
		}
		i.secs = []int{0} // that nobody is still told answers the first question there is
		for n := 1; n < impactGroups; n++ {
			if len(i.groups[n]) > 0 {
				i.secs = append(i.secs, n)
			}
		}
		if len(i.events) > 0 {
			i.secs = append(i.secs, impactGroups)
		}
		i.tally()
		i.list.cursor.Cursor, i.list.top = 0, 0
		if !i.stay.IsZero() {
			i.list.cursor.Cursor, i.stay = i.rowOf(i.stay), record.ID{}
		}
	}
}

// standing is the group of a query. Of a past moment it is not known who is still told: those queries go by whether
// they would have flipped.
func standing(q ask.Impacted) int {
	if q.StillTold == nil && q.Flips != nil {
		no := false
		q.StillTold = &no
	}
	return q.Standing()
}

func (i *Impact) press(p Press) ([]Do, bool) {
	if i.list.move(p) {
		return nil, true
	}
	switch p.Action {
	case In:
		if i.found == nil && i.read.failed() {
			return []Do{i.ask()}, true
		}
		return i.enter(), true
	case Again:
		if i.read.failed() {
			return []Do{i.ask()}, true
		}
		return nothingFailed(), true
	case Ahead:
		if len(i.head.scopes) < 2 {
			return []Do{Say{Text: "Nothing wider is known of it.", Tone: text.Plain}}, true
		}
		i.at = (i.at + 1) % len(i.head.scopes)
		return []Do{i.ask()}, true
	case Behind:
		if id := i.Selected().ID; !id.IsZero() {
			return []Do{Open{NewProvenance(id)}}, true
		}
	}
	return nil, false
}

// enter opens the selected query, or the selected event with the queries of this list that it was based on.
func (i *Impact) enter() []Do {
	q, e := i.selected()
	switch {
	case q != nil:
		return []Do{Open{NewContributions(ask.Verdict{Audit: ask.Audit{ID: q.Query}})}}
	case e == nil:
		return nil
	case e.Type == 0:
		return []Do{Open{NewProvenance(e.ID)}}
	}
	r := related{partial: true}
	for _, id := range e.BasedOn {
		l := linked{id: id}
		for n := range i.found.Queries {
			if q := &i.found.Queries[n]; q.Query == id {
				l.audit = &ask.Audit{ID: q.Query, Agent: q.Agent, Timestamp: q.Timestamp, Subject: q.Subject, Predicate: q.Predicate,
					Result: ask.Result{Value: q.Value}}
			}
		}
		r.basedOn = append(r.basedOn, l)
	}
	return []Do{Open{NewMark(*e, r)}}
}

// selected is the query or the event under the cursor.
func (i *Impact) selected() (*ask.Impacted, *ask.Event) {
	sec, row, ok := i.list.selected()
	switch {
	case !ok:
		return nil, nil
	case i.secs[sec] < impactGroups:
		return &i.groups[i.secs[sec]][row], nil
	}
	return nil, &i.events[row]
}

// Selected is the query or event under the cursor; without rows it is what the chain begins with.
func (i *Impact) Selected() Target {
	switch q, e := i.selected(); {
	case q != nil:
		return Target{q.Query, q.Value.String() + " told to " + q.Agent}
	case e != nil:
		return Target{e.ID, e.Title}
	}
	if len(i.head.scopes) > 0 {
		return Target{i.head.scopes[0].target.ID, i.head.claims}
	}
	return Target{i.root.ID, ""}
}

// Hints are the keys that do something here.
func (i *Impact) Hints() []Hint {
	if i.found == nil {
		if i.read.failed() {
			return []Hint{{In, "try again"}, {Help, ""}, {Leave, ""}}
		}
		return []Hint{{Help, ""}, {Leave, ""}}
	}
	hints := []Hint{}
	if q, e := i.selected(); q != nil {
		hints = append(hints, Hint{In, "why it was told"}, Hint{Otherwise, ""})
	} else if e != nil {
		hints = append(hints, Hint{In, "what it was based on"})
	}
	if len(i.head.scopes) > 1 {
		hints = append(hints, Hint{Ahead, "of " + i.head.scopes[(i.at+1)%len(i.head.scopes)].short()})
	}
	return againOr(i.read.failed(), append(hints, Hint{Behind, ""}, Hint{Yank, ""}, Hint{Clock, ""}, Hint{Help, ""}, Hint{Leave, ""}))
}

// short is the scope in a word or two, for the key line.
func (s impactScope) short() string {
	switch {
	case s.target.ID.IsZero():
		return "its author"
	case s.target.ID.Kind == record.KindSource || s.target.ID.Kind == record.KindEvidence:
		return "its document"
	}
	return strings.TrimPrefix(s.words, "this ")
}

// Status says how complete the list is: what was cut first.
func (i *Impact) Status() text.Line {
	if i.found == nil {
		return nil
	}
	f := i.found
	parts := []text.Span{text.Text(text.Plain, "searched "+Count(len(f.Queries))+" of "+plural(f.Total, "query", "queries"))}
	switch {
	case i.at != i.shown:
		parts = append(parts, text.Text(text.Warn, "! older answer: "+i.head.scopes[i.shown].words))
	case !f.Complete:
		parts = append(parts, text.Text(text.Warn, "! not all: "+f.More))
	default:
		parts = append(parts, text.Text(text.OK, "complete"))
	}
	return dotted(append(parts, text.Text(text.Plain, "as of record "+Count(uint64(f.AppliedLSN))),
		text.Text(text.Dim, "through assertions derived from it, not through queries")), i.look.Cols)
}

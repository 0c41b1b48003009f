package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"episteme/engine/cases"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// CaseEvidence is what a postmortem asks beyond an export.
type CaseEvidence interface {
	Evidence
	Events(ctx context.Context, r ask.Range, limit int) ([]ask.Event, error)
	Impact(ctx context.Context, of ask.Target, o ask.ImpactOptions) (ask.Impact, error)
}

// Limits of a postmortem, all of them guesses at what somebody still reads. What is left out is said.
const (
	postmortemEvents  = 500
	postmortemReaches = 20
	postmortemOthers  = 30
)

// aftermath is how far behind the last moment that is known of the timeline goes on: what ended an incident came after
// what is known of its cause. A guess.
const aftermath = record.Time(6 * time.Hour)

// Postmortem is a case with the evidence that it speaks of.
type Postmortem struct {
	Contents *Contents // of the queries that were kept, or that kept events were based on
	Case     cases.Case

	events  []ask.Event // between the first and the last that is known, oldest first
	reached []reach     // whom else the assertions of those queries told something
	kept    map[record.ID]ask.Record
	missing []string // what could not be read, a sentence each
}

// reach is the chain ahead of an assertion.
type reach struct {
	of     record.ID
	impact ask.Impact
}

// CollectCase gathers what a case speaks of. A record that was kept and is not here is no error: it is among what is
// not known. made is the time the postmortem will state.
func CollectCase(ctx context.Context, from CaseEvidence, c cases.Case, made record.Time) (*Postmortem, error) {
	p := &Postmortem{Case: c, kept: map[record.ID]ask.Record{}}
	queries, err := p.choose(ctx, from)
	if err != nil {
		return nil, err
	}
	if len(queries) == 0 {
		p.Contents = &Contents{Made: made, Chosen: "no query was kept"}
		p.missing = append(p.missing, "No query was kept in the case, nor an event that was based on one: there is nothing to say of what was told.")
		return p, p.status(ctx, from)
	}
	if p.Contents, err = Collect(ctx, from, Selection{Queries: queries}, made); err != nil {
		return nil, err
	}
	if err := p.reach(ctx, from); err != nil {
		return nil, err
	}
	return p, p.happened(ctx, from)
}

// status is the journal's head where no query brought it along.
func (p *Postmortem) status(ctx context.Context, from CaseEvidence) error {
	s, err := from.Status(ctx)
	p.Contents.Journal, p.Contents.Last, p.Contents.Chain = s.Journal, s.LastLSN, s.Chain
	return err
}

// choose reads what was kept, and lists the queries among it and behind it, each once, in the order in which they
// were kept.
func (p *Postmortem) choose(ctx context.Context, from CaseEvidence) ([]record.ID, error) {
	var queries []record.ID
	add := func(id record.ID) {
		if id.Kind == record.KindAudit && !slices.Contains(queries, id) {
			queries = append(queries, id)
		}
	}
	for _, l := range p.Case.Of(cases.Bookmark) {
		r, err := from.Record(ctx, l.ID)
		var absent *ask.NotFoundError
		if errors.As(err, &absent) {
			p.missing = append(p.missing, fmt.Sprintf("%s was kept by %s and is not here.", l.ID, l.By))
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", l.ID.Short(), err)
		}
		p.kept[l.ID] = r
		add(l.ID)
		if e, ok := r.Record.(*record.Event); ok {
			for _, id := range e.BasedOn {
				add(id)
			}
		}
	}
	return queries, nil
}

// reach asks whom else the assertions told something that made the answers.
func (p *Postmortem) reach(ctx context.Context, from CaseEvidence) error {
	var asked []record.ID
	for _, q := range p.Contents.Queries {
		for _, w := range q.Verdict.Because {
			if slices.Contains(asked, w.Assertion) {
				continue
			}
			if len(asked) == postmortemReaches {
				p.missing = append(p.missing, fmt.Sprintf("Who else was told: asked for the first %d assertions only.", postmortemReaches))
				return nil
			}
			asked = append(asked, w.Assertion)
			i, err := from.Impact(ctx, ask.Target{ID: w.Assertion}, ask.ImpactOptions{})
			if err != nil {
				return fmt.Errorf("who else was told %s: %w", w.Assertion.Short(), err)
			}
			if !i.Complete {
				p.missing = append(p.missing, fmt.Sprintf("Who else was told %s is cut: %s.", w.Assertion.Short(), i.More))
			}
			p.reached = append(p.reached, reach{w.Assertion, i})
		}
	}
	return nil
}

// happened reads the events from the first moment that the queries and the case name until aftermath behind the last.
func (p *Postmortem) happened(ctx context.Context, from CaseEvidence) error {
	rows := p.moments()
	if len(rows) == 0 {
		return nil
	}
	first, last := rows[0].at, rows[len(rows)-1].at
	if last < record.MaxTime-aftermath {
		last = max(last, min(p.Contents.Made, last+aftermath))
	}
	if last < record.MaxTime {
		last++ // a range ends before its To
	}
	list, err := from.Events(ctx, ask.Range{From: &first, To: &last}, postmortemEvents+1)
	if err != nil {
		return fmt.Errorf("read the events: %w", err)
	}
	if len(list) > postmortemEvents {
		list = list[:postmortemEvents]
		p.missing = append(p.missing, fmt.Sprintf("The timeline has the newest %d events only.", postmortemEvents))
	}
	slices.Reverse(list)
	p.events = list
	return nil
}

// WritePostmortem writes p as Markdown or as one page of HTML; other formats are a *ask.UsageError.
func WritePostmortem(w io.Writer, f Format, p *Postmortem) error {
	switch f {
	case Markdown:
		return writeReportMarkdown(w, p.report())
	case HTML:
		return writeReportHTML(w, p.report())
	}
	return &ask.UsageError{Field: "format", Found: string(f), Expected: "md or html, for a case; json and prov are for queries"}
}

// Leaving says what p holds, for the eye of the person who sends it.
func (p *Postmortem) Leaving() string {
	s := fmt.Sprintf("case %s: %d bookmarks, %d notes", p.Case.Name, len(p.Case.Of(cases.Bookmark)), len(p.Case.Of(cases.Note)))
	if p.Case.Skipped > 0 {
		s += fmt.Sprintf(", %d lines skipped", p.Case.Skipped)
	}
	return s + "; " + p.Contents.Leaving()
}

// moment is a row of the timeline.
type moment struct {
	at   record.Time
	id   record.ID
	mark string
	what string
	by   string
}

// moments are what is known of when, oldest first: queries, what was done on the strength of them, the lives of the
// assertions that made the answers, what was kept, and the events between.
func (p *Postmortem) moments() []moment {
	seen := map[record.ID]bool{}
	var rows []moment
	add := func(m moment) {
		if !seen[m.id] {
			seen[m.id] = true
			rows = append(rows, m)
		}
	}
	for _, q := range p.Contents.Queries {
		a := q.Verdict.Audit
		add(moment{a.Timestamp, a.ID, "", "asked " + a.Subject + " " + a.Predicate + ", told " + told(a.Result), a.Agent})
		for _, e := range q.Verdict.Then {
			add(eventMoment(e))
		}
		for _, w := range q.Verdict.Because {
			for _, s := range w.Life {
				add(lifeMoment(w, s))
			}
		}
	}
	for _, l := range p.Case.Of(cases.Bookmark) {
		switch r := p.kept[l.ID].Record.(type) {
		case *record.Event:
			add(eventMoment(ask.Event{ID: l.ID, Event: *r}))
		case *record.Assertion:
			add(moment{r.Timestamp, l.ID, "", "claimed " + r.Subject + " " + r.Predicate + " = " + r.Object.String(), r.Agent})
		}
	}
	for _, e := range p.events {
		add(eventMoment(e))
	}
	slices.SortStableFunc(rows, func(a, b moment) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	return rows
}

func eventMoment(e ask.Event) moment {
	return moment{e.Timestamp, e.ID, e.Type.Mark(), e.Type.String() + " " + e.Title, e.Agent}
}

func lifeMoment(w ask.Weighed, s ask.LifeStep) moment {
	m := moment{at: s.At, id: s.ID, by: s.Agent}
	switch {
	case s.ID == w.Assertion:
		m.what = "claimed " + w.Value.String()
	case s.To != nil:
		m.what = w.Assertion.Short() + " became " + s.To.String()
	case s.Vote != nil:
		m.what = voted(*s.Vote) + " on " + w.Assertion.Short()
	}
	if s.Reason != "" {
		m.what += ": " + s.Reason
	}
	return m
}

// told is a result's value, or the words for none.
func told(r ask.Result) string {
	if r.Value.Type == record.NoValue {
		return "no answer"
	}
	return r.Value.String()
}

// questions are the notes that end with a question mark.
func (p *Postmortem) questions() []cases.Line {
	var out []cases.Line
	for _, l := range p.Case.Lines {
		if strings.HasSuffix(strings.TrimSpace(l.Note), "?") {
			out = append(out, l)
		}
	}
	return out
}

package tui

import (
	"context"
	"fmt"
	"io"
	"strings"

	"episteme/engine/cases"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views"
	"episteme/views/text"
)

// plainRows bounds what Plain writes of one screen.
const plainRows = 100_000

// Plain writes the screen that Run would begin with as plain lines of at most cols cells, all its rows at once: for
// pipes, screen readers and terminals that can do nothing. It returns the error of the question behind the screen,
// after writing what the screen says about it.
func Plain(ctx context.Context, o Options, w io.Writer, cols int) error {
	o = o.withDefaults()
	if cols < colsMin {
		cols = colsAssumed
	}
	p := &plain{ctx: ctx, opts: o, times: views.Times{Zone: o.Zone}, cols: cols, rows: rowsAssumed}
	in := o.Ask
	if in == nil {
		var err error
		if in, err = o.Open(ctx); err != nil {
			return err
		}
	}
	at, err := linkAsOf(o.Link)
	if err != nil {
		return err
	}
	if o.Share {
		p.mask = newMasker()
	}
	p.in = sight{at, p.mask}.of(in)
	if o.Case != nil {
		if p.kept, err = o.Case.Read(ctx, in); err != nil {
			return err
		}
		p.times.Zero = p.kept.Zero()
	}
	now, err := record.TimeOf(o.Now())
	if err != nil {
		return fmt.Errorf("read the clock: %w", err)
	}
	if p.now = now; at != nil {
		p.now = *at
	}
	p.asOf = at
	var v views.View = views.NewTimeline(false)
	if o.Link != "" {
		id, err := p.in.Identify(ctx, views.ParseLink(o.Link))
		if err != nil {
			return err
		}
		v = screenFor(id)
	}
	p.look(v)
	p.handle(v, views.Shown{First: true})
	return p.write(w, v)
}

// plain drives one view without a terminal: questions are answered at once, rests are over at once.
type plain struct {
	ctx   context.Context
	opts  Options
	in    ask.Investigator
	times views.Times
	now   record.Time  // what is shown as now
	asOf  *record.Time // the moment that a link named; nil: none
	mask  *masker      // nil: nothing is masked
	kept  cases.Case   // of the open case
	cols  int
	rows  int
	err   error // the first of a question
}

func (p *plain) look(v views.View) {
	v.SetLook(views.Look{Cols: p.cols, Rows: p.rows, Times: p.times, Now: p.now, AsOf: p.asOf, Keys: p.opts.Keys, Kept: keptOf(p.kept, p.mask), Share: p.mask != nil})
}

func (p *plain) handle(v views.View, msg views.Msg) {
	list, _ := v.Handle(msg)
	for _, d := range list {
		switch d := d.(type) {
		case views.Ask:
			p.ask(v, d)
		case views.Rest:
			p.handle(v, views.Rested{Name: d.Name})
		case views.Zero:
			if p.times.Zero == nil {
				p.times.Zero = &d.At
			}
			p.look(v)
		}
	}
}

func (p *plain) ask(v views.View, q views.Ask) {
	value, err := q.Run(p.ctx, p.in, func(part any) bool {
		p.handle(v, views.Answer{Slot: q.Slot, Value: part, Part: true})
		return p.ctx.Err() == nil
	})
	if err != nil && p.err == nil {
		p.err = err
	}
	p.handle(v, views.Answer{Slot: q.Slot, Value: value, Err: err})
}

// write writes the view at its full height.
func (p *plain) write(w io.Writer, v views.View) error {
	p.rows = 40
	p.look(v)
	if tall, ok := v.(views.Tall); ok {
		p.rows = min(max(tall.Height(), 1), plainRows)
		p.look(v)
	}
	name := p.opts.Title
	if p.opts.Training {
		name = "TRAINING " + name
	}
	when := p.times.Full(p.now)
	if p.asOf != nil {
		when = "AS IT WAS AT " + when
	}
	head := text.Of(text.Text(text.Plain, fmt.Sprintf("episteme  %s › %s  %s  read-only", name, v.Crumb(), when)))
	lines := append([]text.Line{head, nil}, v.Lines()...)
	lines = append(lines, nil, v.Status())
	var b strings.Builder
	blank := false
	for _, l := range lines {
		s := l.Cut(p.cols).String()
		if p.opts.ASCII {
			s = toASCII(s)
		}
		if s == "" && blank {
			continue // room on a screen, nothing on paper
		}
		blank = s == ""
		b.WriteString(s)
		b.WriteByte('\n')
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the screen: %w", err)
	}
	return p.err
}

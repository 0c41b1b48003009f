package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"episteme/engine/cases"
	"episteme/engine/export"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// exportCase writes the postmortem of a case.
func (a *app) exportCase(cmd *cobra.Command, f *exportFlags, format export.Format) error {
	for _, name := range append(filterNames(), "limit", "query", "redact") {
		if cmd.Flags().Changed(name) {
			return usage(fmt.Errorf("--case says itself what leaves: leave it out, or --%s", name))
		}
	}
	if format != export.Markdown && format != export.HTML {
		return &ask.UsageError{Field: "format", Found: string(format), Expected: "md or html, for a case; json and prov are for queries"}
	}
	if err := cases.CheckName(f.kase); err != nil {
		return usage(err)
	}
	if err := mayWrite(f.out, f.force); err != nil {
		return err
	}
	t, err := now()
	if err != nil {
		return err
	}
	made, err := record.TimeOf(t)
	if err != nil {
		return err
	}
	p, err := a.postmortem(cmd.Context(), f, made)
	if err != nil {
		return err
	}
	to := f.out
	if to == "-" {
		to = "standard output"
	}
	fmt.Fprintf(a.err, "leaves as %s to %s: %s\n", format, record.Clean(to), p.Leaving())
	return a.writeOut(f.out, f.force, func(w io.Writer) error { return export.WritePostmortem(w, format, p) })
}

// postmortem gathers a case about the evidence here, or about a fixture.
func (a *app) postmortem(ctx context.Context, f *exportFlags, made record.Time) (*export.Postmortem, error) {
	if f.fixture == "" {
		var p *export.Postmortem
		err := a.withEvidence(ctx, func(e evidence) (err error) {
			p, err = a.collectCase(ctx, e, f.kase, "", made)
			return err
		})
		return p, err
	}
	s := &session{app: a, now: time.Now}
	b, err := s.begin(f.fixture)
	if err != nil {
		return nil, err
	}
	if _, err := b.Open(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	p, err := a.collectCase(ctx, *s.evidence.Load(), f.kase, f.fixture, made)
	return p, errors.Join(err, s.close())
}

func (a *app) collectCase(ctx context.Context, e evidence, name, fixture string, made record.Time) (*export.Postmortem, error) {
	places, err := a.casePlaces()
	if err != nil {
		return nil, err
	}
	var known []string
	for _, p := range places {
		if p.fixture != fixture {
			continue
		}
		list, err := p.folder.List()
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			if known = append(known, s.Name); s.Name != name {
				continue
			}
			c, err := p.folder.Read(name)
			if err == nil {
				err = rebind(ctx, e, &c)
			}
			if err != nil {
				return nil, err
			}
			return export.CollectCase(ctx, e, c, made)
		}
	}
	if len(known) == 0 {
		known = []string{"none"}
	}
	return nil, &ask.NotFoundError{What: "of a case " + name + " (cases kept here: " + strings.Join(known, ", ") + ")"}
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"episteme/engine/export"
	"episteme/engine/record"
)

// verifyFile checks a bundle that `episteme export --format json` wrote. It needs no evidence of its own.
func (a *app) verifyFile(ctx context.Context, path string) error {
	format, err := a.format()
	if err != nil {
		return err
	}
	r, err := a.checkBundle(ctx, path)
	var none *export.NotBundleError
	if errors.As(err, &none) {
		return usage(fmt.Errorf("%s: %w", path, err))
	}
	if err != nil {
		return fmt.Errorf("verify %s: %w", path, err)
	}
	if format == asJSON || format == asNDJSON {
		err = a.writeJSON(bundleReport(r))
	} else {
		_, err = fmt.Fprint(a.out, fenced(bundleText(r), format))
	}
	if err != nil {
		return err
	}
	if !r.Whole() {
		return &wrongError{len(r.Problems) + r.More}
	}
	return nil
}

// checkBundle reads a file, or standard input for -.
func (a *app) checkBundle(ctx context.Context, path string) (export.Report, error) {
	if path == "-" {
		in := interruptible(ctx, a.in)
		defer in.Close() // only read
		return export.Verify(in)
	}
	f, err := openRegular("FILE", path)
	if err != nil {
		return export.Report{}, err
	}
	defer f.Close() // only read
	return export.Verify(f)
}

// bundleCheck is a report as JSON has it.
type bundleCheck struct {
	Whole        bool             `json:"whole"`
	Made         record.Time      `json:"made_at"`
	Log          string           `json:"log"`
	Last         record.LSN       `json:"last_lsn"`
	Chain        *string          `json:"chain"`
	Queries      int              `json:"queries"`
	Records      int              `json:"records"`
	Verified     int              `json:"verified"`
	Redacted     int              `json:"redacted"`
	Links        int              `json:"links"`
	Absent       int              `json:"absent"`
	Problems     []export.Problem `json:"problems"`
	More         int              `json:"more_problems"`
	Proves       []string         `json:"proves"`
	DoesNotProve []string         `json:"does_not_prove"`
}

func bundleReport(r export.Report) bundleCheck {
	c := bundleCheck{
		Whole: r.Whole(), Made: r.Made, Log: r.Log, Last: r.Last, Queries: r.Queries, Records: r.Records, Verified: r.Verified,
		Redacted: r.Redacted, Links: r.Links, Absent: r.Absent, Problems: r.Problems, More: r.More, Proves: []string{}, DoesNotProve: r.Leaves(),
	}
	if r.Chain != "" {
		c.Chain = &r.Chain
	}
	if c.Problems == nil {
		c.Problems = []export.Problem{}
	}
	if r.Whole() {
		c.Proves = r.Proves()
	}
	return c
}

func bundleText(r export.Report) string {
	var b strings.Builder
	chain := "withheld"
	if r.Chain != "" {
		chain = record.Clean(r.Chain)
	}
	fmt.Fprintf(&b, "bundle   exported %s, %d queries, %d records\n", r.Made, r.Queries, r.Records)
	fmt.Fprintf(&b, "head     log %s · lsn %d · chain %s, as the bundle says\n", record.Clean(r.Log), r.Last, chain)
	fmt.Fprintf(&b, "checked  %d records have the bytes that their ids name; %d links between records\n", r.Verified, r.Links)
	if r.Redacted > 0 {
		fmt.Fprintf(&b, "redacted %d records, which cannot be verified\n", r.Redacted)
	}
	if r.Absent > 0 {
		fmt.Fprintf(&b, "absent   %d records are named and not included\n", r.Absent)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "WRONG    %s\n", record.Clean(p.String()))
	}
	if r.More > 0 {
		fmt.Fprintf(&b, "WRONG    %d more\n", r.More)
	}
	if r.Whole() {
		b.WriteString("nothing wrong was found\n\nThis proves:\n")
		for _, s := range r.Proves() {
			fmt.Fprintf(&b, "  %s\n", s)
		}
	}
	b.WriteString("\nIt does not prove:\n")
	for _, s := range r.Leaves() {
		fmt.Fprintf(&b, "  %s\n", s)
	}
	return b.String()
}

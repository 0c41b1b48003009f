package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"episteme/fixtures/gen"
)

type genFlags struct {
	o         gen.Options
	from, out string
	force     bool
}

func (a *app) fixturesGenCommand() *cobra.Command {
	var f genFlags
	c := &cobra.Command{
		Use:   "gen --seed N --audits N",
		Short: "Make more incidents, from a seed",
		Long: fmt.Sprintf(`Make JSON lines that "episteme ingest" takes: a company's agents ask about its services, and every hundred questions or
so something goes wrong. A trusted draft is taken for a decision; one agent votes under many names; a reading arrives
too late; what was derived outlives what it was derived from. The same seed gives the same bytes on every machine.

Lines are written as they are made, in memory that depends on agents and subjects alone. The questions are asked when
the lines are taken in, so their answers are weighed then. They begin at %s unless --from says otherwise.`, gen.DefaultFrom().Format(time.RFC3339)),
		Example: `  episteme fixtures gen --seed 7 --audits 1000 --out training.jsonl
  episteme fixtures gen --seed 7 --audits 1000 | episteme ingest --data /tmp/training -
  episteme fixtures gen --seed 1 --audits 1000000 --agents 200 --subjects 20000 --from 2024-01-15 --out load.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.generate(cmd.Context(), f) },
	}
	fl := c.Flags()
	fl.Uint64Var(&f.o.Seed, "seed", 0, "another seed, other incidents (required)")
	fl.IntVar(&f.o.Audits, "audits", 0, "questions to be asked (required)")
	fl.IntVar(&f.o.Agents, "agents", gen.DefaultAgents, "agents that ask")
	fl.IntVar(&f.o.Subjects, "subjects", gen.DefaultSubjects, "subjects they ask about")
	fl.StringVar(&f.from, "from", "", "the time at which it begins")
	fl.StringVar(&f.out, "out", "-", "the file to write; - is standard output")
	fl.BoolVar(&f.force, "force", false, "overwrite the file of --out")
	_ = c.MarkFlagRequired("seed")
	_ = c.MarkFlagRequired("audits")
	_ = c.MarkFlagFilename("out")
	return c
}

func (a *app) generate(ctx context.Context, f genFlags) error {
	if f.from != "" {
		from, err := a.instant("--from", f.from)
		if err != nil {
			return err
		}
		f.o.From = from.Std()
	}
	if err := mayWrite(f.out, f.force); err != nil {
		return err
	}
	var done gen.Done
	write := func(w io.Writer) (err error) {
		done, err = gen.Write(ctx, w, f.o)
		return err
	}
	var err error
	if f.out == "-" {
		err = write(a.out) // as it is made: a pipe need not wait for the last line
	} else {
		err = a.writeOut(f.out, f.force, write)
	}
	var option *gen.OptionError
	if errors.As(err, &option) {
		return usage(fmt.Errorf("--%s: found %s, expected %s", strings.ToLower(option.Option), option.Found, option.Expected))
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.err, "%d lines, %d bytes: %d questions, %d incidents\n", done.Lines, done.Bytes, done.Audits, done.Incidents)
	return err
}

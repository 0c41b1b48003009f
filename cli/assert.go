package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// assertFlags are the flags of `episteme assert`.
type assertFlags struct {
	writeFlags
	confidence, lifecycle, epoch string
	number, boolean, reference   bool
	source                       sourceFlags
	parents                      []string
	a                            record.Assertion
}

// sourceFlags say what an assertion rests on: an id, or a file.
type sourceFlags struct{ id, file, name, authority string }

func (a *app) assertCommand() *cobra.Command {
	var f assertFlags
	c := &cobra.Command{
		Use:   "assert SUBJECT PREDICATE VALUE --agent NAME --confidence C (--source ID | --source-file PATH)",
		Short: "Write down that a subject has a value",
		Long: `Write down one claim: SUBJECT has PREDICATE = VALUE, with what it rests on.

--source is the id of a source (s_…) or of a document (b_…) that is recorded. --source-file takes a document in with
the claim, and describes it, unless it is described already and neither --source-name nor --authority is given.

VALUE is a text, or with --number, --boolean (true or false) or --reference (an id) what that says.
Stages: Proposed (the default), UnderReview, Approved, Deprecated, Rejected, Unstated.` + writeHelp,
		Example: `  episteme assert auth/jwt signing_algorithm ES256 --agent alice --confidence 0.9 --source s_dfc9f1e0
  episteme assert auth/jwt token_ttl 900 --number --agent alice --confidence 1 --source-file change.md --authority 0.8
  episteme assert auth/jwt signing_algorithm ES256 --agent alice --confidence 0.9 --source s_dfc9f1e0 --dry-run`,
		Args: cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.a.Subject, f.a.Predicate = args[0], args[1]
			d, err := a.assertion(&f, args[2])
			if err != nil {
				return err
			}
			return a.write(cmd, &f.writeFlags, d)
		},
	}
	a.addWriteFlags(c, &f.writeFlags)
	fl := c.Flags()
	fl.StringVar(&f.confidence, "confidence", "", "how sure the agent is, 0 to 1 (required)")
	fl.StringVar(&f.lifecycle, "lifecycle", record.Proposed.String(), "the stage it begins at")
	fl.StringVar(&f.source.id, "source", "", "what it rests on: the id of a source or of a document")
	fl.StringVar(&f.source.file, "source-file", "", "what it rests on: a file, which is recorded with it")
	fl.StringVar(&f.source.name, "source-name", "", "the name of the source (that of the file)")
	fl.StringVar(&f.source.authority, "authority", "", "how far to trust the source, 0 to 1 (0.5)")
	fl.StringArrayVar(&f.parents, "parent", nil, "an assertion or query it was derived from, may be repeated")
	fl.StringVar(&f.epoch, "epoch", "", "the generation of knowledge it belongs to")
	fl.StringVar(&f.a.Note, "note", "", "a remark")
	fl.BoolVar(&f.number, "number", false, "VALUE is a number")
	fl.BoolVar(&f.boolean, "boolean", false, "VALUE is true or false")
	fl.BoolVar(&f.reference, "reference", false, "VALUE is the id of a record")
	c.MarkFlagsMutuallyExclusive("number", "boolean", "reference")
	c.MarkFlagsMutuallyExclusive("source", "source-file")
	_ = c.MarkFlagRequired("confidence")
	a.complete(c, "lifecycle", offer(names(record.Stages())))
	a.complete(c, "source-file", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveDefault
	})
	return c
}

// assertion reads what was typed.
func (a *app) assertion(f *assertFlags, value string) (d draft, err error) {
	f.a.Agent = f.agent
	if f.a.Timestamp, err = a.timestamp(&f.writeFlags); err != nil {
		return d, err
	}
	if f.a.Confidence, err = parseShare("--confidence", f.confidence, 0); err != nil {
		return d, err
	}
	if f.a.Lifecycle, err = oneOf("--lifecycle", f.lifecycle, record.ParseStage, record.Stages()); err != nil {
		return d, err
	}
	if err := f.object(value); err != nil {
		return d, err
	}
	document, err := f.source.read()
	if err != nil {
		return d, err
	}
	authority := float32(record.DefaultAuthority)
	if f.source.authority != "" {
		if authority, err = parseShare("--authority", f.source.authority, 0); err != nil {
			return d, err
		}
	}
	d.typed = map[string]string{"subject": "SUBJECT", "predicate": "PREDICATE", "object": "VALUE", "name": "--source-name", "content": "--source-file", "parents": "--parent"}
	d.needsEvidence = f.source.id != "" || len(f.parents) > 0 || f.epoch != "" || f.reference
	d.build = func(ctx context.Context, e evidence) ([]record.Record, error) {
		if err := f.references(ctx, e, value); err != nil {
			return nil, err
		}
		if f.source.id != "" {
			f.a.Source, err = sourceDigest(ctx, e, f.source.id)
			return []record.Record{&f.a}, err
		}
		f.a.Source = record.Sum(document)
		with, err := f.source.describe(ctx, e, document, authority, &f.a)
		return append(with, &f.a), err
	}
	return d, nil
}

// object reads VALUE; a reference is looked up later.
func (f *assertFlags) object(value string) error {
	switch {
	case f.number:
		n, err := parseNumber("VALUE", value)
		f.a.Object = record.NumberObject(n)
		return err
	case f.boolean:
		if value != "true" && value != "false" {
			return usage(fmt.Errorf("VALUE: found %q, expected true or false", value))
		}
		f.a.Object = record.BoolObject(value == "true")
	default:
		f.a.Object = record.TextObject(value)
	}
	return nil
}

// references looks up the records that the assertion names.
func (f *assertFlags) references(ctx context.Context, e evidence, value string) (err error) {
	if f.a.Parents, err = namedAll(ctx, e, "--parent", f.parents); err != nil {
		return err
	}
	if f.epoch != "" {
		epoch, err := named(ctx, e, "--epoch", f.epoch, record.KindEpoch)
		if err != nil {
			return err
		}
		f.a.Epoch = epoch.Hash
	}
	if f.reference {
		id, err := named(ctx, e, "VALUE", value)
		f.a.Object = record.RefObject(id)
		return err
	}
	return nil
}

// read reads the file of --source-file, and refuses flags that make no sense together.
func (s *sourceFlags) read() ([]byte, error) {
	if s.file == "" {
		switch {
		case s.id == "":
			return nil, usage(errors.New("--source or --source-file: found neither, expected what the claim rests on"))
		case s.name != "" || s.authority != "":
			return nil, usage(errors.New("--source-name and --authority describe the file of --source-file; a source that is recorded has both"))
		}
		return nil, nil
	}
	in, err := openRegular("--source-file", s.file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	document, err := io.ReadAll(io.LimitReader(in, record.MaxEvidenceBytes+1))
	if err == nil && len(document) > record.MaxEvidenceBytes {
		err = usage(fmt.Errorf("--source-file: found more than %d bytes in %s, expected at most that many; keep the part that matters", record.MaxEvidenceBytes, s.file))
	}
	return document, err
}

// describe is the document and its descriptor. A document that is described already keeps its name and its authority,
// unless one of them was given: a new descriptor would count for everything that rests on the document.
func (s *sourceFlags) describe(ctx context.Context, e evidence, document []byte, authority float32, a *record.Assertion) ([]record.Record, error) {
	with := []record.Record{record.Evidence(bytes.Clone(document))}
	if e != nil && s.name == "" && s.authority == "" {
		held, err := e.SourceOf(ctx, a.Source)
		if err != nil || !held.Descriptor.IsZero() {
			return with, err
		}
	}
	name := s.name
	if name == "" {
		name = filepath.Base(s.file)
	}
	return append(with, &record.Source{Name: name, Digest: a.Source, Authority: authority, Agent: a.Agent, Timestamp: a.Timestamp}), nil
}

// sourceDigest is the digest that was meant by the id of a source or of a document. The document itself need not be
// here: it is enough that somebody described it.
func sourceDigest(ctx context.Context, e evidence, typed string) (record.Hash, error) {
	id, err := named(ctx, e, "--source", typed, record.KindSource, record.KindEvidence)
	var absent *ask.NotFoundError
	if errors.As(err, &absent) {
		full, bad := record.ParseID(typed)
		if bad != nil || full.Kind != record.KindEvidence {
			return record.Hash{}, err
		}
		if held, failed := e.SourceOf(ctx, full.Hash); failed != nil || held.Descriptor.IsZero() {
			return record.Hash{}, errors.Join(failed, err)
		}
		return full.Hash, nil
	}
	if err != nil || id.Kind == record.KindEvidence {
		return id.Hash, err
	}
	digest, found, err := e.SourceDigest(id.Hash)
	if err == nil && !found {
		err = &ask.NotFoundError{What: id.String()}
	}
	return digest, err
}

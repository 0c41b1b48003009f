package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"episteme/engine"
	"episteme/engine/intake"
	"episteme/engine/record"
)

// intakeRun is one ingest command: several files, one count.
type intakeRun struct {
	*app
	e             evidence
	flags         ingestFlags
	options       intake.Options
	stamp         string          // of the options, for positions
	fromDirectory map[string]bool // files that nobody named
	total         engine.Ingested
	dropped       map[string]int
	removed       map[string]int
	units         map[string]int
	tally         *tally
	unknown       int // files of no known format
	shown         int // rejects printed
}

// rejectsShown is how many refused lines are printed; the rest are counted.
const rejectsShown = 20

// maxMappingFile is more than a mapping file may have, so that one that is too long is found to be.
const maxMappingFile = 1 << 20

func readAtMost(r io.Reader, n int64) ([]byte, error) { return io.ReadAll(io.LimitReader(r, n)) }

func (r *intakeRun) all(ctx context.Context, files []string) error {
	for _, name := range files {
		for again := true; again; {
			var err error
			if again, err = r.file(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// file takes one file in. A file that is followed and was replaced has to be taken in again, from its start.
func (r *intakeRun) file(ctx context.Context, name string) (again bool, err error) {
	in, size, err := r.openInput(ctx, name)
	if err != nil {
		return false, err
	}
	defer in.Close()
	place, err := r.resume(in, name, size)
	if err != nil {
		return false, err
	}
	var grows *growing
	var from io.Reader = in
	if file, ok := in.(*os.File); ok && r.flags.follow {
		grows = &growing{ctx: ctx, file: file, name: name}
		from = grows
	}
	stream := interruptible(ctx, from)
	defer stream.Close()
	unpacked, packed, err := intake.Unpack(stream)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	defer unpacked.Close()
	if packed {
		size, place = 0, nil // bytes that come out say nothing of bytes that are left
	}
	dec, err := r.decoder(bufio.NewReaderSize(unpacked, 64<<10), name, place)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	if dec == nil {
		return grows != nil && grows.replaced, nil
	}
	if err := r.takeIn(ctx, name, size, dec, place); err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return grows != nil && grows.replaced, nil
}

// takeIn reads a decoder to its end.
func (r *intakeRun) takeIn(ctx context.Context, name string, size int64, dec intake.Decoder, place *position) error {
	from := &source{Decoder: dec, tally: r.tally}
	bar := r.progress(name, size, from)
	var placeErr error
	o := engine.IngestOptions{Strict: r.flags.strict, DryRun: r.flags.dryRun}
	o.Reject = func(reject *record.Reject) {
		if reject.File == "" {
			reject.File = name
		}
		bar.clear()
		r.reject(reject)
	}
	o.Progress = func(done engine.Ingested) {
		bar.step(done)
		if err := place.reached(from.safe(done.Kept + done.Refused)); err != nil && placeErr == nil {
			placeErr = err
		}
	}
	done, err := r.e.Ingest(ctx, from, o)
	bar.clear()
	r.count(done, dec)
	if err == nil {
		err = place.end(r.flags.follow)
	}
	return errors.Join(err, placeErr)
}

func (r *intakeRun) openInput(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(r.in), 0, nil
	}
	f, err := openWaiting(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	if r.flags.follow && !info.Mode().IsRegular() {
		return nil, 0, errors.Join(usage(fmt.Errorf("--follow: found %s, which is %s, expected a regular file", name, fileKind(info.Mode()))), f.Close())
	}
	return f, info.Size(), nil
}

// decoder chooses the format of a file. It is nil, with no error, for a file that is empty, and for one found in a
// directory that is of no known format: that one is counted.
func (r *intakeRun) decoder(in *bufio.Reader, name string, place *position) (intake.Decoder, error) {
	format, named := intake.ByName(r.flags.format)
	if !named {
		found, empty, err := detect(in)
		if err != nil || empty {
			return nil, err
		}
		if format = found; found.Open == nil {
			switch {
			case filepath.Ext(name) == ".jsonl":
				format, _ = intake.ByName("jsonl") // its lines will say what is wrong with them
			case r.fromDirectory[name]:
				r.unknown++
				return nil, nil
			default:
				return nil, usage(fmt.Errorf("not a format that is known by its first bytes; name it with --format %s", strings.Join(formatNames(), " or ")))
			}
		}
	}
	o := r.options
	o.File, o.Known = name, r.e
	if place != nil {
		o.Skipped = place.skipped()
	}
	dec, err := format.Open(in, o)
	if place != nil && err == nil {
		place.resumable = intake.Resumable(dec)
	}
	return dec, err
}

// detect looks at the start of a stream, no further than it must: a pipe may say little and then nothing for long. The
// zero Format is one that is not known.
func detect(in *bufio.Reader) (format intake.Format, empty bool, err error) {
	for n := 1; ; n = in.Buffered() + 1 {
		if _, err = in.Peek(min(n, intake.DetectBytes)); err != nil && !errors.Is(err, io.EOF) {
			return format, false, err
		}
		head, _ := in.Peek(min(in.Buffered(), intake.DetectBytes))
		if found, ok := intake.Detect(head); ok {
			return found, false, nil
		}
		if err != nil || len(head) == intake.DetectBytes {
			return format, len(bytes.TrimSpace(head)) == 0 && err != nil, nil
		}
	}
}

func (r *intakeRun) reject(reject *record.Reject) {
	if r.shown++; r.shown <= rejectsShown {
		fmt.Fprintln(r.err, reject.Error())
	}
}

func (r *intakeRun) count(done engine.Ingested, dec intake.Decoder) {
	r.total.Kept += done.Kept
	r.total.Refused += done.Refused
	r.total.Records += done.Records
	r.total.Asked += done.Asked
	for reason, n := range dec.Dropped() {
		r.dropped[reason] += n
	}
	for kind, n := range dec.Removed() {
		r.removed[kind] += n
	}
	if name, n := dec.Units(); name != "lines" {
		r.units[name] += n
	}
}

// summary ends with the line `N kept, M refused`.
func (r *intakeRun) summary() {
	if more := r.shown - rejectsShown; more > 0 {
		fmt.Fprintf(r.err, "and %d more refused lines\n", more)
	}
	if r.flags.dryRun {
		r.forecast()
	} else {
		for _, name := range slices.Sorted(maps.Keys(r.units)) {
			fmt.Fprintf(r.err, "%d %s read\n", r.units[name], name)
		}
		for _, reason := range slices.Sorted(maps.Keys(r.dropped)) {
			fmt.Fprintf(r.err, "%d dropped: %s\n", r.dropped[reason], record.Clean(reason))
		}
	}
	if r.unknown > 0 {
		fmt.Fprintf(r.err, "%d dropped: files of no format that is known by its first bytes; name it with --format\n", r.unknown)
	}
	for _, kind := range slices.Sorted(maps.Keys(r.removed)) {
		fmt.Fprintf(r.err, "%d removed before they were kept: %s\n", r.removed[kind], kind)
	}
	would := ""
	if r.flags.dryRun {
		would = " (dry run: nothing was written)"
	}
	fmt.Fprintf(r.err, "%d kept, %d refused%s\n", r.total.Kept, r.total.Refused, would)
}

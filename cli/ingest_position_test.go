package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"episteme/engine"
	"episteme/engine/intake"
	"episteme/engine/record"
)

// told is a decoder that yields items which end at given bytes; a negative one is a reject.
type told struct {
	intake.Decoder
	ends []int64
	at   int64
}

func (d *told) Next() (intake.Item, error) {
	if len(d.ends) == 0 {
		return intake.Item{}, io.EOF
	}
	end := d.ends[0]
	d.ends = d.ends[1:]
	if d.at = max(end, -end); end < 0 {
		return intake.Item{}, &record.Reject{}
	}
	return intake.Item{}, nil
}

func (d *told) Offset() int64 { return d.at }

// TestSafe: a position lies only behind what is durable as a whole.
func TestSafe(t *testing.T) {
	tests := []struct {
		name string
		ends []int64
		read int // times Next is called
		kept int
		want int64
	}{
		{"nothing read", nil, 0, 0, 0},
		{"an item that may not be the last of its request", []int64{10, 20}, 1, 1, 0},
		{"the next request has begun", []int64{10, 20}, 2, 1, 10},
		{"two items of a request, one kept", []int64{10, 10, 20}, 3, 1, 0},
		{"both kept", []int64{10, 10, 20}, 3, 2, 10},
		{"rejects count as lines", []int64{-10, 20, 30}, 3, 2, 20},
		{"at the end all is", []int64{10, 20}, 3, 2, 20},
		{"not kept at the end", []int64{10, 20}, 3, 1, 10},
		{"an end without items", nil, 1, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &source{Decoder: &told{ends: tt.ends}, tally: newTally()}
			for range tt.read {
				s.Next()
			}
			if got := s.safe(tt.kept); got != tt.want {
				t.Errorf("safe(%d) = %d, want %d", tt.kept, got, tt.want)
			}
		})
	}
}

// TestResume: a file goes on where it was, if it is still that file and would give the same records.
func TestResume(t *testing.T) {
	const first, second = "{\"resourceSpans\":[]}\n", "{\"resourceLogs\":[]}\n"
	tests := []struct {
		name    string
		at      int64 // durable up to here
		now     string
		options string
		want    intake.Skipped
	}{
		{"behind a line", int64(len(first)), first + second, "o", intake.Skipped{Bytes: int64(len(first)), Lines: 1}},
		{"at the end of what there was", int64(len(first + second)), first + second + first, "o", intake.Skipped{Bytes: int64(len(first + second)), Lines: 2}},
		{"in the middle of a line nothing is remembered", 5, first + second, "o", intake.Skipped{}},
		{"another file under the name", int64(len(first)), strings.ToUpper(first) + second, "o", intake.Skipped{}},
		{"a file that was cut", int64(len(first)), first[:9], "o", intake.Skipped{}},
		{"other options give other records", int64(len(first)), first + second, "p", intake.Skipped{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			e, err := engine.Open(context.Background(), engine.Options{Dir: filepath.Join(dir, "data")})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			})
			name := filepath.Join(dir, "spans.jsonl")
			open := func(content, options string) (*position, *os.File) {
				t.Helper()
				if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				f, err := os.Open(name)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { f.Close() })
				var said bytes.Buffer
				r := &intakeRun{app: &app{err: &said}, e: e, stamp: options}
				p, err := r.resume(f, name, int64(len(content)))
				if err != nil {
					t.Fatal(err)
				}
				return p, f
			}
			p, _ := open(first+second, "o")
			p.resumable = true
			if err := p.reached(tt.at); err != nil {
				t.Fatal(err)
			}
			p, f := open(tt.now, tt.options)
			if got := p.skipped(); got != tt.want {
				t.Errorf("skipped %+v, want %+v", got, tt.want)
			}
			if at, err := f.Seek(0, io.SeekCurrent); err != nil || at != tt.want.Bytes {
				t.Errorf("reads on at %d, %v; want %d", at, err, tt.want.Bytes)
			}
			p.resumable = true
			if err := p.end(false); err != nil {
				t.Fatal(err)
			}
			if _, known, err := e.Position(name); known || err != nil {
				t.Errorf("known %t, %v; want a file forgotten that was taken in as a whole", known, err)
			}
		})
	}
}

// TestGrowing: what is appended is read, the rest of a file that was replaced as well, and then comes the end.
func TestGrowing(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	write := func(flag int, text string) {
		t.Helper()
		f, err := os.OpenFile(name, flag|os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write(os.O_TRUNC, "one\n")
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	g := &growing{ctx: ctx, file: f, name: name}
	next := func(want string) {
		t.Helper()
		b := make([]byte, len(want))
		if _, err := io.ReadFull(g, b); err != nil || string(b) != want {
			t.Fatalf("read %q, %v; want %q", b, err, want)
		}
	}
	next("one\n")
	write(os.O_APPEND, "two\n")
	next("two\n")
	write(os.O_APPEND, "three\n")
	if err := os.Rename(name, name+".1"); err != nil {
		t.Fatal(err)
	}
	write(os.O_TRUNC, "four\n")
	next("three\n")
	if n, err := g.Read(make([]byte, 1)); n != 0 || err != io.EOF || !g.replaced {
		t.Errorf("Read = %d, %v, replaced %t; want the end, because there is another file", n, err, g.replaced)
	}

	g = &growing{ctx: ctx, file: f, name: name + ".1"}
	stop := errors.New("stop")
	cancel(stop)
	if _, err := g.Read(make([]byte, 1)); !errors.Is(err, stop) {
		t.Errorf("Read = %v, want the cause of the end of ctx", err)
	}
}

func TestProgressLine(t *testing.T) {
	const mib = 1 << 20
	tests := []struct {
		name   string
		p      progress
		follow bool
		at     int64
		want   string
	}{
		{"half-way", progress{size: 8 * mib}, false, 4 * mib, "f: 7 kept, 1 refused · 4.0 MiB · 2.0 MiB/s · 50 % · 2s left"},
		{"what was taken in before is no speed of this run", progress{size: 8 * mib, began: 2 * mib}, false, 4 * mib, "f: 7 kept, 1 refused · 4.0 MiB · 1.0 MiB/s · 50 % · 4s left"},
		{"of a pipe nobody knows the end", progress{}, false, 4 * mib, "f: 7 kept, 1 refused · 4.0 MiB · 2.0 MiB/s"},
		{"nor of a file that grows", progress{size: 8 * mib}, true, 4 * mib, "f: 7 kept, 1 refused · 4.0 MiB · 2.0 MiB/s"},
		{"a file that has grown since", progress{size: 2 * mib}, false, 4 * mib, "f: 7 kept, 1 refused · 4.0 MiB · 2.0 MiB/s"},
		{"nothing read so far", progress{size: 8 * mib}, false, 0, "f: 7 kept, 1 refused · 0.0 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.p.name, tt.p.r = "/x/f", &intakeRun{flags: ingestFlags{follow: tt.follow}}
			if got := tt.p.line(engine.Ingested{Kept: 7, Refused: 1}, tt.at, 2*time.Second); got != tt.want {
				t.Errorf("line = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 65536: "65,536", 1234567: "1,234,567", -1234: "-1,234"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %q, want %q", n, got, want)
		}
	}
}

// TestTallyIsBounded: names beyond the limit are counted as others.
func TestTallyIsBounded(t *testing.T) {
	tally := newTally()
	for i := range tallyMax + 5 {
		tally.count("a", string(rune(0x4e00+i%0x5000))+string(rune(0x4e00+i/0x5000)))
	}
	if len(tally.subjects) != tallyMax || tally.others != 5 || tally.queries != tallyMax+5 {
		t.Errorf("%d subjects, %d others of %d; want %d, 5, %d", len(tally.subjects), tally.others, tally.queries, tallyMax, tallyMax+5)
	}
}

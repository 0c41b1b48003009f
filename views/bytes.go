package views

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/views/text"
)

// Bytes shows one record in full: its place in the journal, its fields, and for evidence the document itself.
type Bytes struct {
	look Look
	node ask.Node // what is known of it before it has been read
	rec  ask.Record
	read progress
	page page
}

// page is text without a cursor that is read by scrolling.
type page struct {
	lines  []text.Line
	window Window
}

// set puts new lines on the page and stays where it was.
func (p *page) set(lines []text.Line, rows int) {
	p.lines = lines
	p.window.Fit(len(lines), rows)
}

// scroll does what a key asks. It reports whether the key was one that scrolls.
func (p *page) scroll(k Press) bool {
	n, half := max(k.Count, 1), max(p.window.Rows/2, 1)
	first := p.window.First
	switch k.Action {
	case Down:
		first += n
	case Up:
		first -= n
	case HalfDown:
		first += n * half
	case HalfUp:
		first -= n * half
	case Top:
		first = 0
	case Bottom:
		first = len(p.lines)
	default:
		return false
	}
	p.window.First = min(max(first, 0), max(len(p.lines)-p.window.Rows, 0))
	p.window.Cursor = p.window.First
	return true
}

// visible are the lines in sight.
func (p *page) visible() []text.Line {
	return p.lines[min(p.window.First, len(p.lines)):p.window.End()]
}

// linesMax bounds what one record is broken into: 1 MiB of evidence with 20-character lines fits.
const linesMax = 50_000

// NewBytes is the view of a record; node is what the screen before knew of it.
func NewBytes(id record.ID, node ask.Node) *Bytes {
	b := &Bytes{node: node, rec: ask.Record{ID: id, LSN: node.LSN, Check: node.Check}}
	if node.RecordedAt != nil {
		b.rec.RecordedAt = *node.RecordedAt
	}
	return b
}

// Crumb is the view's name.
func (b *Bytes) Crumb() string { return b.rec.ID.Kind.String() }

// SetLook says how large the view is.
func (b *Bytes) SetLook(l Look) {
	b.look = l
	b.lay()
}

func (b *Bytes) lay() {
	if b.look.Cols == 0 {
		return
	}
	lines := append(recordHead(b.rec, b.look, true), recordBody(b.rec, b.look, linesMax)...)
	if line := b.read.line(b.look.Keymap()); line != nil {
		lines = append(lines, nil, append(text.Line{text.Space(3)}, line...))
	}
	b.page.set(lines, b.look.Rows)
}

// Handle takes a message.
func (b *Bytes) Handle(m Msg) ([]Do, bool) {
	if b.read.handle(m) {
		if a, ok := m.(Answer); ok && a.Err == nil {
			b.rec = a.Value.(ask.Record)
		}
		b.lay()
		return nil, true
	}
	switch m := m.(type) {
	case Shown:
		if m.First {
			return []Do{b.read.ask(askRecord(b.rec.ID))}, true
		}
	case Press:
		if b.page.scroll(m) {
			return nil, true
		}
		switch m.Action {
		case In, Again:
			switch {
			case b.read.failed():
				return []Do{b.read.ask(askRecord(b.rec.ID))}, true
			case m.Action == Again:
				return nothingFailed(), true
			}
			return nil, true
		case Behind:
			return []Do{Open{NewProvenance(b.rec.ID)}}, true
		}
	}
	return nil, false
}

// Lines draws the view.
func (b *Bytes) Lines() []text.Line {
	return text.Block(b.page.visible(), b.look.Cols, b.look.Rows)
}

// Height is how many lines show all of it.
func (b *Bytes) Height() int { return len(b.page.lines) }

// Status says which part of it is in sight.
func (b *Bytes) Status() text.Line {
	_, tone, words := checkSign(b.rec.Check)
	all := len(b.page.lines)
	part := fmt.Sprintf("lines %d–%d of %d · ", min(b.page.window.First+1, all), b.page.window.End(), all)
	return text.Of(text.Space(1), text.Text(text.Plain, part), text.Text(tone, words))
}

// Hints are the keys that do something here.
func (b *Bytes) Hints() []Hint {
	return againOr(b.read.failed(), []Hint{{Down, "scroll"}, {Behind, ""}, {Ahead, ""}, {Yank, ""}, {Clock, ""}, {Help, ""}, {Leave, ""}})
}

// Selected is the record.
func (b *Bytes) Selected() Target { return Target{b.rec.ID, b.node.Title} }

// recordHead is a record's name, its place in the journal, and whether its bytes are what its name says.
func recordHead(r ask.Record, look Look, wide bool) []text.Line {
	_, tone, words := checkSign(r.Check)
	verdict := text.Text(tone, words)
	switch r.Check {
	case ask.Verified:
		verdict = text.Text(text.OK, "✓ hash of these bytes = recorded hash")
	case ask.Broken:
		verdict = text.Text(text.Bad, "✗ hash of these bytes ≠ recorded hash: do not trust it")
	case ask.NotHeld:
		verdict = text.Text(text.Warn, "? bytes not kept: only the name is known")
	case ask.Erased:
		verdict = text.Text(text.Warn, "− erased: its bytes were removed for a stated reason")
	}
	first := text.Of(text.Space(1), text.Text(text.Title, r.ID.Kind.String()), text.Space(1), text.Text(text.Key, r.ID.String()))
	if !wide || look.Cols < 80 {
		first = text.Of(text.Space(1), text.Text(text.Title, r.ID.Kind.String()), text.Space(1), shortID(r.ID))
	}
	if !wide {
		return []text.Line{append(append(first, text.Space(2)), verdict).Cut(look.Cols)}
	}
	second := text.Of(text.Space(1), verdict)
	if r.LSN > 0 {
		second = append(second, text.Text(text.Dim, placeWords(r, look)))
	}
	return []text.Line{first.Cut(look.Cols), second.Cut(look.Cols), nil}
}

// placeWords are a record's place in the journal, and when it was taken in where that is known: of damaged bytes it is
// not.
func placeWords(r ask.Record, look Look) string {
	before, comma := "   record ", ", taken in "
	if look.Cols < wideCols {
		before, comma = "  record ", " taken "
	}
	words := before + Count(uint64(r.LSN))
	if r.RecordedAt != 0 {
		words += comma + look.Times.Full(r.RecordedAt)
	}
	return words
}

// damaged is what there is to say of a record whose bytes are not those that were recorded.
const damaged = "What is stored is not what was recorded. episteme verify names all that is damaged."

// recordBody is what a record says, in at most rows lines.
func recordBody(r ask.Record, look Look, rows int) []text.Line {
	if r.Check == ask.Broken && r.Record == nil {
		var out []text.Line
		for _, l := range text.Wrap(text.Plain, damaged, look.Cols-2, rows) {
			out = append(out, append(text.Of(text.Space(1)), l...))
		}
		return out
	}
	if e, ok := r.Record.(record.Evidence); ok {
		return evidenceLines(e, look, rows)
	}
	const label = 14
	var out []text.Line
	for _, f := range recordFields(r.Record, look.Times) {
		if f.value == "" {
			continue
		}
		for i, l := range text.Wrap(text.Plain, f.value, look.Cols-label, max(rows-len(out), 0)) {
			name := f.name
			if i > 0 {
				name = ""
			}
			head := append(text.Line{text.Space(1)}, text.Of(text.Text(text.Dim, name)).Fit(label-1)...)
			out = append(out, append(head, l...))
		}
	}
	return out
}

// evidenceLines is a document: as text when it is text, else in hexadecimal.
func evidenceLines(e record.Evidence, look Look, rows int) []text.Line {
	if rows <= 0 {
		return nil
	}
	kind := "text"
	if !utf8.Valid(e) || bytes.IndexByte(e, 0) >= 0 {
		kind = "not text: in hexadecimal"
	}
	out := []text.Line{text.Of(text.Space(1), text.Text(text.Dim, fmt.Sprintf("%s bytes, %s", Count(len(e)), kind)))}
	if kind == "text" {
		const perCell = 16 // bytes: a character of 4 with three marks; text with more marks than that ends early
		seen := e[:min(len(e), rows*look.Cols*perCell)]
		for _, l := range text.Wrap(text.Plain, string(seen), look.Cols-5, rows-1) {
			out = append(out, append(text.Of(text.Space(1), text.Text(text.Dim, "│ ")), l...))
		}
		return out
	}
	const perLine = 16
	for at := 0; at < len(e) && len(out) < rows; at += perLine {
		row := e[at:min(at+perLine, len(e))]
		out = append(out, text.Of(text.Space(1), text.Text(text.Dim, fmt.Sprintf("%08x  ", at)), text.Text(text.Plain, spaced(row))))
	}
	return out
}

func spaced(b []byte) string {
	parts := make([]string, len(b))
	for i := range b {
		parts[i] = hex.EncodeToString(b[i : i+1])
	}
	return strings.Join(parts, " ")
}

// named is a field of a record as a person reads it.
type named struct{ name, value string }

// recordFields are a record's fields in the order a person wants them; empty ones are not shown.
func recordFields(r record.Record, times Times) []named {
	hash := func(k record.Kind, h record.Hash) string {
		if h.IsZero() {
			return ""
		}
		return record.ID{Kind: k, Hash: h}.String()
	}
	switch r := r.(type) {
	case *record.Source:
		return []named{{"name", r.Name}, {"authority", ask.Decimal(r.Authority)}, {"uri", r.URI}, {"media type", r.MediaType},
			{"agent", r.Agent}, {"time", times.Full(r.Timestamp)}, {"digest", hash(record.KindEvidence, r.Digest)}}
	case *record.Assertion:
		return []named{{"claims", r.Subject + " " + r.Predicate + " = " + r.Object.String()}, {"confidence", ask.Decimal(r.Confidence)},
			{"born", r.Lifecycle.String()}, {"agent", r.Agent}, {"time", times.Full(r.Timestamp)}, {"note", r.Note},
			{"source", hash(record.KindEvidence, r.Source)}, {"derived from", ids(r.Parents)}, {"epoch", hash(record.KindEpoch, r.Epoch)}}
	case *record.Vote:
		return []named{{"vote", signed(r.Weight)}, {"agent", r.Agent}, {"time", times.Full(r.Timestamp)}, {"on", hash(record.KindAssertion, r.Assertion)}}
	case *record.Transition:
		return []named{{"moves to", r.To.String()}, {"reason", r.Reason}, {"agent", r.Agent}, {"time", times.Full(r.Timestamp)},
			{"of", hash(record.KindAssertion, r.Assertion)}}
	case *record.Epoch:
		f := []named{{"name", r.Name}, {"agent", r.Agent}, {"begins", times.Full(r.Timestamp)}, {"supersedes", hash(record.KindEpoch, r.Supersedes)}}
		if r.Supersession != 0 {
			f = append(f, named{"how", r.Supersession.String()})
		}
		return f
	case *record.Event:
		return []named{{"event", r.Type.String() + " " + r.Title}, {"agent", r.Agent}, {"time", times.Full(r.Timestamp)}, {"subject", r.Subject},
			{"based on", ids(r.BasedOn)}, {"labels", labels(r.Labels)}, {"trace", r.TraceID}, {"span", r.SpanID}, {"conversation", r.ConversationID}}
	case *record.Audit:
		return auditFields(r, times)
	case *record.Erasure:
		return []named{{"erased", r.Target.String()}, {"record", Count(uint64(r.LSN))}, {"reason", r.Reason}, {"reference", r.Reference},
			{"agent", r.Agent}, {"time", times.Full(r.Timestamp)}}
	}
	return nil
}

func auditFields(r *record.Audit, times Times) []named {
	f := []named{{"asked", r.Subject + " " + r.Predicate}, {"in words", r.Question}, {"told", r.Value.String()},
		{"confidence", ask.Decimal(r.Confidence)}, {"agent", r.Agent}, {"time", times.Full(r.Timestamp)}, {"lens", r.Lens}}
	if r.AsOf != r.Timestamp {
		f = append(f, named{"as it was at", times.Full(r.AsOf)})
	}
	if r.LifecycleFilter != 0 {
		f = append(f, named{"only", r.LifecycleFilter.String()})
	}
	if r.Pinned {
		f = append(f, named{"saw records", "1–" + strconv.FormatUint(uint64(r.Pin), 10)})
	}
	f = append(f, named{"considered", Count(r.Considered)})
	for i, c := range r.Contributions {
		if i == 8 {
			f = append(f, named{"", fmt.Sprintf("and %d more", len(r.Contributions)-i)})
			break
		}
		id := record.ID{Kind: record.KindAssertion, Hash: c.Assertion}
		f = append(f, named{"contributed", ask.Decimal(c.Weight) + "  " + c.Lifecycle.String() + "  " + id.String()})
	}
	return append(f, named{"labels", labels(r.Labels)}, named{"trace", r.TraceID}, named{"span", r.SpanID},
		named{"conversation", r.ConversationID}, named{"tool call", r.ToolCallID}, named{"value hash", r.ResultHash.String()})
}

func ids(list []record.ID) string {
	out := make([]string, len(list))
	for i, id := range list {
		out[i] = id.String()
	}
	return strings.Join(out, " ")
}

func labels(list []record.Label) string {
	out := make([]string, len(list))
	for i, l := range list {
		out[i] = l.Name + "=" + l.Value
	}
	return strings.Join(out, "  ")
}

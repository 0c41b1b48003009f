package trace

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"episteme/engine/ingest"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Find looks for records of any kind. Ids are found by the store. Words are looked for in the records themselves, which
// are read from the journal newest first: there is no index of them, so a search ends at its bounds and says how far it
// came. What is looked through:
//
//	source      name, uri, agent
//	assertion   subject, predicate, object, note, agent
//	vote        agent
//	epoch       name, agent
//	transition  stage, reason, agent
//	event       type, title, subject, agent, labels (name=value), trace, span and conversation id
//	audit       subject, predicate, question, value, agent, labels, trace, span, conversation and tool call id
//	erasure     reason, reference, agent
//
// Words lie anywhere in a text; an id that others gave has to begin with the word, and a value that is a record is found
// by its id. The bytes of evidence are not looked through, and an erased record has nothing left to look through: both
// are found by their ids.
func (t *Tracer) Find(ctx context.Context, q ask.FindQuery) (ask.Found, error) {
	sought, err := newSought(q)
	if err != nil {
		return ask.Found{}, err
	}
	durable := t.Durable()
	return read(ctx, t, func(v *ingest.View) (ask.Found, error) {
		f := &finder{t: t, ctx: ctx, view: v, q: q, sought: sought, out: ask.Found{Text: q.Text, Records: []ask.Hit{}}}
		if err := f.run(); err != nil {
			return ask.Found{}, err
		}
		if durable > f.out.AppliedLSN {
			f.out.Behind = uint64(durable - f.out.AppliedLSN)
		}
		f.out.AllReceivedShown = f.out.Behind == 0
		f.whyEmpty()
		return f.out, nil
	})
}

// sought is a FindQuery made ready.
type sought struct {
	words []string // lowered
	agent string   // exact; then there are no words
	id    record.Prefix
	isID  bool
}

func newSought(q ask.FindQuery) (sought, error) {
	if len(q.Text) > record.MaxStringBytes {
		return sought{}, &ask.UsageError{Field: "find", Found: q.Text[:40] + "…", Expected: fmt.Sprintf("at most %d bytes, found %d", record.MaxStringBytes, len(q.Text))}
	}
	text := strings.TrimSpace(q.Text)
	if name, ok := strings.CutPrefix(text, "agent:"); ok && name != "" {
		return sought{agent: name}, nil
	}
	s := sought{words: strings.Fields(strings.ToLower(text))}
	if len(s.words) == 0 {
		return s, &ask.UsageError{Field: "find", Found: q.Text, Expected: "words, an id, or agent:NAME"}
	}
	if len(s.words) == 1 {
		if p, err := record.ParsePrefix(text); err == nil {
			s.id, s.isID = p, true
		}
	}
	return s, nil
}

// names reports whether an id was typed that means this record.
func (s *sought) names(id record.ID) bool { return s.isID && s.id.Match(id) }

// in reports whether a record has what is sought.
func (s *sought) in(r record.Record) bool {
	if r == nil {
		return false
	}
	has := textsOf(r)
	if s.agent != "" {
		return s.agent == has.agent
	}
	if s.isID && !has.ref.IsZero() && s.id.Match(has.ref) {
		return true
	}
	all := strings.ToLower(strings.Join(append(has.texts, has.agent), "\n"))
	for _, w := range s.words {
		begins := func(id string) bool { return strings.HasPrefix(strings.ToLower(id), w) }
		if !strings.Contains(all, w) && !slices.ContainsFunc(has.outside, begins) {
			return false
		}
	}
	return true
}

// texts are what people look for in a record.
type texts struct {
	agent   string
	texts   []string
	outside []string  // ids that others gave; empty ones are none
	ref     record.ID // a value that is a record
}

func textsOf(r record.Record) texts {
	switch r := r.(type) {
	case *record.Source:
		return texts{agent: r.Agent, texts: []string{r.Name, r.URI}}
	case *record.Assertion:
		return valued(texts{agent: r.Agent, texts: []string{r.Subject, r.Predicate, r.Note}}, r.Object)
	case *record.Vote:
		return texts{agent: r.Agent}
	case *record.Epoch:
		return texts{agent: r.Agent, texts: []string{r.Name}}
	case *record.Transition:
		return texts{agent: r.Agent, texts: []string{r.To.String(), r.Reason}}
	case *record.Event:
		return texts{
			agent: r.Agent, texts: append(labelTexts(r.Labels), r.Type.String(), r.Title, r.Subject),
			outside: []string{r.TraceID, r.SpanID, r.ConversationID},
		}
	case *record.Audit:
		return valued(texts{
			agent: r.Agent, texts: append(labelTexts(r.Labels), r.Subject, r.Predicate, r.Question),
			outside: []string{r.TraceID, r.SpanID, r.ConversationID, r.ToolCallID},
		}, r.Value)
	case *record.Erasure:
		return texts{agent: r.Agent, texts: []string{r.Reason, r.Reference}}
	}
	return texts{}
}

// valued adds a value. One that is a record is found by its id: as a text, any two digits would find it.
func valued(t texts, o record.Object) texts {
	switch o.Type {
	case record.NoValue:
	case record.Refers:
		t.ref = o.Ref
	default:
		t.texts = append(t.texts, o.String())
	}
	return t
}

func labelTexts(labels []record.Label) []string {
	texts := make([]string, len(labels))
	for i, l := range labels {
		texts[i] = l.Name + "=" + l.Value
	}
	return texts
}

// finder is one search over one snapshot.
type finder struct {
	t      *Tracer
	ctx    context.Context
	view   *ingest.View
	q      ask.FindQuery
	sought sought

	from findCursor
	last findCursor // of what was listed or looked at
	out  ask.Found
}

func (f *finder) run() error {
	applied := f.view.Applied()
	var err error
	f.out.AppliedLSN = applied.LSN
	f.from = findCursor{part: partIDs, below: applied.LSN + 1, bound: applied.LSN}
	if f.q.Cursor != "" {
		if f.from, err = parseFindCursor(f.q.Cursor); err != nil {
			return err
		}
	}
	f.last = f.from
	full := false
	if f.from.part == partIDs {
		if full, err = f.byID(); err != nil {
			return err
		}
		if !full {
			f.last = findCursor{part: partWords, below: f.from.bound + 1, bound: f.from.bound}
		}
	}
	below := f.last.below
	if f.last.part == partIDs {
		below = f.from.bound + 1 // the words are for a later page
	}
	if err := f.byWords(below, full); err != nil {
		return err
	}
	if !f.out.Searched.Complete() || full {
		next := f.last.String()
		f.out.NextCursor = &next
	}
	return nil
}

// idsMax is how many records are listed whose id begins as typed: at 4 digits, those of 67 million records.
const idsMax = 1024

// byID lists the records whose id was typed; full: there are more of them than the page holds.
func (f *finder) byID() (full bool, err error) {
	if !f.sought.isID {
		return false, nil
	}
	var hits []ask.Hit
	for id, err := range f.view.WithPrefix(f.ctx, f.sought.id) {
		if err != nil {
			return false, err
		}
		if f.q.Kind != 0 && f.q.Kind != id.Kind {
			continue
		}
		if len(hits) == idsMax {
			f.out.Notes = append(f.out.Notes, fmt.Sprintf("more than %d ids begin so: type more digits", idsMax))
			break
		}
		r, err := f.t.fetch(f.ctx, f.view, id)
		if err != nil {
			return false, err
		}
		if r.LSN < f.from.below {
			hits = append(hits, hitOf(r))
		}
	}
	slices.SortFunc(hits, func(a, b ask.Hit) int { return cmp.Compare(b.LSN, a.LSN) })
	for _, h := range hits {
		if f.full() {
			return true, nil
		}
		if err := f.add(h); err != nil {
			return false, err
		}
		f.last.below = h.LSN
	}
	return false, nil
}

func (f *finder) full() bool { return f.q.Limit > 0 && len(f.out.Records) == f.q.Limit }

func (f *finder) add(h ask.Hit) error {
	f.out.Records = append(f.out.Records, h)
	if f.q.Each == nil {
		return nil
	}
	return f.q.Each(h)
}

// windowMax is how many records one page looks through, 48 bytes each while it does: more than it can within its time.
const windowMax = 1 << 18

// window lists the newest records below an LSN, newest first, and counts those of the kind that is sought: all, and
// those at or above the LSN, which earlier pages looked through.
func (f *finder) window(below record.LSN) (list []ingest.Held, err error) {
	ring := make([]ingest.Held, 0, 1024)
	oldest := 0
	for h, err := range f.view.Dense(f.ctx) {
		if err != nil {
			return nil, err
		}
		if h.LSN > f.from.bound {
			break
		}
		if f.q.Kind != 0 && f.q.Kind != h.ID.Kind {
			continue
		}
		f.out.Searched.Of++
		switch {
		case h.LSN >= below:
			f.out.Searched.Done++
		case len(ring) < windowMax:
			ring = append(ring, h)
		default:
			ring[oldest] = h
			oldest = (oldest + 1) % windowMax
		}
	}
	list = slices.Concat(ring[oldest:], ring[:oldest])
	slices.Reverse(list)
	return list, nil
}

// byWords looks through the records below an LSN, newest first, until the page is full or the bounds are met. Of a page
// that is full already it only counts.
func (f *finder) byWords(below record.LSN, full bool) error {
	list, err := f.window(below)
	if err != nil || full {
		return err
	}
	left := newBudget(f.q.Search)
	for _, h := range list {
		if err := context.Cause(f.ctx); err != nil {
			return err
		}
		if f.full() || !left.spend() {
			return nil
		}
		if err := f.look(h); err != nil {
			return err
		}
		f.out.Searched.Done++
		f.last = findCursor{part: partWords, below: h.LSN, bound: f.from.bound}
	}
	return nil
}

// look adds a record that has what is sought.
func (f *finder) look(h ingest.Held) error {
	if h.ID.Kind == record.KindEvidence || f.sought.names(h.ID) {
		return nil // it has no texts; it was listed by its id
	}
	r, err := f.t.fetch(f.ctx, f.view, h.ID)
	if err != nil {
		return err
	}
	if r.Check == ask.Broken {
		f.out.Searched.Unreadable++
	}
	if !f.sought.in(r.Record) {
		return nil
	}
	return f.add(hitOf(r))
}

// hitOf is a record as a list shows it.
func hitOf(r ask.Record) ask.Hit {
	node := ask.Node{ID: r.ID}
	describe(&node, r.Record)
	switch r.Check {
	case ask.Broken:
		node.Title = "the bytes are not those that were recorded"
	case ask.Erased:
		node.Title = "erased"
	}
	return ask.Hit{
		ID: r.ID, Kind: r.ID.Kind.String(), Timestamp: node.Timestamp, RecordedAt: r.RecordedAt, LSN: r.LSN, Agent: node.Agent,
		What: shortened(node.Title),
	}
}

// whatMax is how many characters a list shows of a record, which may hold 64 KiB: a few lines. A guess.
const whatMax = 200

func shortened(s string) string {
	n := 0
	for at := range s {
		if n++; n > whatMax {
			return s[:at] + "…"
		}
	}
	return s
}

// whyEmpty says why nothing was found, so that nobody takes it for more than it is.
func (f *finder) whyEmpty() {
	switch {
	case len(f.out.Records) > 0:
		return
	case f.out.Searched.Of == 0 && f.q.Kind == 0:
		f.out.Notes = append(f.out.Notes, "nothing has been recorded here yet: `episteme ingest FILE` takes records in")
		return
	case f.out.Searched.Of == 0:
		f.out.Notes = append(f.out.Notes, fmt.Sprintf("no record of kind %s is here", f.q.Kind))
		return
	}
	if f.sought.isID {
		f.out.Notes = append(f.out.Notes, "no id begins so")
	}
	none := fmt.Sprintf("none of these has %q", f.q.Text)
	switch {
	case f.sought.agent != "":
		none = fmt.Sprintf("none of these is by %q", f.sought.agent)
	case len(f.sought.words) > 1:
		none = fmt.Sprintf("none of these has all of %q", f.sought.words)
	}
	f.out.Notes = append(f.out.Notes, none, "the bytes of evidence are not looked through")
}

// The parts of what is found, in their order.
const (
	partIDs   = 'i' // records whose id was typed
	partWords = 'w' // records that have the words
)

// findCursor is where a page ended: what comes next lies below an LSN. Records above bound arrived after the first page.
type findCursor struct {
	part  byte
	below record.LSN
	bound record.LSN
}

func (c findCursor) String() string {
	b := binary.BigEndian.AppendUint64([]byte{c.part}, uint64(c.below))
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(b, uint64(c.bound)))
}

func parseFindCursor(s string) (findCursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil && len(b) != 17 {
		err = errors.New("another length")
	}
	if err != nil || b[0] != partIDs && b[0] != partWords {
		return findCursor{}, &ask.UsageError{Field: "cursor", Found: s, Expected: "the next_cursor of an earlier page of this search, or none"}
	}
	return findCursor{b[0], record.LSN(binary.BigEndian.Uint64(b[1:])), record.LSN(binary.BigEndian.Uint64(b[9:]))}, nil
}

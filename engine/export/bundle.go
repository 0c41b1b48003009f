package export

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// What a bundle says of itself.
const (
	bundleFormat  = "episteme bundle"
	bundleVersion = 1
)

// bundle is the JSON of the format json, version 1: see docs/formats/bundle.md.
type bundle struct {
	Format   string         `json:"format"`
	Version  int            `json:"version"`
	Made     record.Time    `json:"made_at"`
	Journal  bundleHead     `json:"journal"`
	Redacted []string       `json:"redacted"`
	Chosen   text           `json:"chosen"`
	Queries  []bundleQuery  `json:"queries"`
	Records  []bundleRecord `json:"records"`
	Absent   []bundleAbsent `json:"absent"`
}

type bundleHead struct {
	Log   string     `json:"log"`
	LSN   record.LSN `json:"lsn"`
	Chain *string    `json:"chain"` // null: redacted, or not known
}

type bundleQuery struct {
	ID       string          `json:"query_id"`
	State    string          `json:"state"`
	Again    string          `json:"recomputed"`
	Answer   json.RawMessage `json:"answer"` // the audit's JSON line
	Verdict  []bundleLine    `json:"verdict"`
	Findings []bundleFinding `json:"findings"`
}

type bundleLine struct {
	Label string `json:"label"`
	Text  text   `json:"text"`
}

type bundleFinding struct {
	Code  text     `json:"code"`
	Cites []string `json:"cites"`
}

type bundleRecord struct {
	ID         string          `json:"id"`
	Kind       string          `json:"kind"`
	LSN        record.LSN      `json:"lsn"`
	RecordedAt record.Time     `json:"recorded_at"`
	Payload    *string         `json:"payload,omitempty"`  // base64; absent: redacted
	Redacted   json.RawMessage `json:"redacted,omitempty"` // the record's JSON line with tokens
	Links      []bundleLink    `json:"links"`
}

type bundleLink struct {
	To     string   `json:"to"`
	Type   string   `json:"type"`
	Weight *float32 `json:"weight,omitempty"`
}

type bundleAbsent struct {
	ID         string       `json:"id"`
	Why        string       `json:"why"`
	LSN        record.LSN   `json:"lsn,omitempty"`
	RecordedAt *record.Time `json:"recorded_at,omitempty"`
}

// text is a string from data: control and direction characters are escaped in its JSON.
type text string

// MarshalJSON writes the string as records write theirs.
func (t text) MarshalJSON() ([]byte, error) { return record.AppendText(nil, string(t)), nil }

// writeBundle writes one query and one record a line, so that two bundles can be compared line by line.
func writeBundle(w io.Writer, c *Contents) error {
	out := &lines{w: bufio.NewWriter(w)}
	out.raw("{\"format\":\"" + bundleFormat + "\",\"version\":")
	out.json(bundleVersion)
	out.member("made_at", c.Made)
	out.member("journal", c.head())
	out.member("redacted", c.RedactedFields())
	out.member("chosen", text(c.said(c.Chosen)))
	out.list("queries", len(c.Queries), func(i int) any { return c.bundleQuery(c.Queries[i].Verdict) })
	out.list("records", len(c.Records), func(i int) any { return c.bundleRecord(c.Records[i]) })
	out.list("absent", len(c.Absent), func(i int) any { return c.bundleAbsent(c.Absent[i]) })
	out.raw("}\n")
	if out.err == nil {
		out.err = out.w.Flush()
	}
	return out.err
}

func (c *Contents) head() bundleHead {
	h := bundleHead{Log: c.Journal.String(), LSN: c.Last}
	if !c.Chain.IsZero() {
		chain := c.Chain.String()
		h.Chain = &chain
	}
	return h
}

func (c *Contents) bundleQuery(v ask.Verdict) bundleQuery {
	q := bundleQuery{
		ID: c.full(v.Audit.ID), State: string(v.Audit.State), Again: string(v.Recomputed),
		Verdict: []bundleLine{}, Findings: []bundleFinding{},
	}
	if r, held := c.byID[v.Audit.ID]; held {
		q.Answer = c.json(r.Record)
	}
	for _, l := range v.Lines() {
		q.Verdict = append(q.Verdict, bundleLine{l.Label, text(c.line(l))})
	}
	for _, f := range v.Audit.Findings {
		cites := []string{}
		for _, id := range f.Cites {
			cites = append(cites, c.full(id))
		}
		q.Findings = append(q.Findings, bundleFinding{text(f.Code), cites})
	}
	return q
}

func (c *Contents) bundleRecord(r ask.Record) bundleRecord {
	b := bundleRecord{ID: c.full(r.ID), Kind: r.ID.Kind.String(), LSN: r.LSN, RecordedAt: r.RecordedAt, Links: []bundleLink{}}
	for _, l := range linksOf(r.Record) {
		b.Links = append(b.Links, bundleLink{c.full(l.to), string(l.typ), l.weight})
	}
	if c.redacted(r.ID) {
		b.Redacted = c.json(r.Record)
		return b
	}
	payload, err := record.Encode(nil, r.Record)
	if err != nil {
		panic("export: a record that was encoded when it was collected no longer can be: " + err.Error())
	}
	encoded := base64.StdEncoding.EncodeToString(payload)
	b.Payload = &encoded
	return b
}

func (c *Contents) bundleAbsent(a Absence) bundleAbsent {
	b := bundleAbsent{ID: c.full(a.ID), Why: a.Why, LSN: a.LSN}
	if a.LSN != 0 {
		b.RecordedAt = &a.RecordedAt
	}
	return b
}

// lines writes an object, an element of a list a line. The first error stays.
type lines struct {
	w   *bufio.Writer
	err error
}

func (l *lines) raw(s string) {
	if l.err == nil {
		_, l.err = l.w.WriteString(s)
	}
}

func (l *lines) json(v any) {
	if l.err != nil {
		return
	}
	text, err := compactJSON(v)
	if err != nil {
		l.err = err
		return
	}
	l.raw(string(text))
}

func (l *lines) member(name string, v any) {
	l.raw(",\n\"" + name + "\":")
	l.json(v)
}

func (l *lines) list(name string, n int, element func(i int) any) {
	l.raw(",\n\"" + name + "\":[")
	for i := range n {
		if i > 0 {
			l.raw(",")
		}
		l.raw("\n")
		l.json(element(i))
	}
	l.raw("]")
}

// compactJSON is v on one line. <, > and & stay as they are: a bundle is no page.
func compactJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

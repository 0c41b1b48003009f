package export

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

//go:embed page.html
var pageTemplate string

//go:embed page.css
var pageStyle string

// writeHTML writes one page that needs nothing else. html/template escapes everything from data for the place where it
// stands; the page's own policy lets no script, no picture and no style in but the one whose hash it names.
func writeHTML(w io.Writer, c *Contents) error {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(w)
	if err := t.Execute(buffered, c.page()); err != nil {
		return err
	}
	return buffered.Flush()
}

// page is what the template is given: everything clean, in the order in which it is shown.
type page struct {
	Style     template.CSS
	Policy    string
	Title     string
	Chosen    string
	Facts     []pageFact
	Queries   []pageQuery
	Documents []document
	Skipped   int // documents beyond documentsMax
	Records   []pageRecord
	Absent    []pageRecord
	Proof     [][]pagePart
}

type pageFact struct {
	Name, Value string
	Mono        bool
}

type pageQuery struct {
	Anchor, Headline, Time, ID, Question string
	Again, AgainClass                    string
	Told                                 string
	Lines                                []pageLine
	Findings                             []pageFinding
	Weighed                              []pageWeighed
	Lives                                []life
	Chain                                drawing
	Summary                              string
}

type pageLine struct {
	Label string
	Parts []pagePart
}

type pagePart struct{ Text, Class string }

type pageFinding struct{ Word, Sentence, Class string }

type pageWeighed struct {
	weighedRow
	Link template.URL // of the source, when it is http or https; else empty
}

type life struct {
	Of    string
	Steps []lifeStep
}

type lifeStep struct{ At, What, Class, By string }

type document struct{ ID, Name, Link, Text, Rest string }

type pageRecord struct {
	LSN              record.LSN
	RecordedAt       string
	Kind, ID, Title  string
	Check, CheckWord string
}

// policy is the page's Content-Security-Policy.
func policy() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}

func (c *Contents) page() page {
	p := page{Style: template.CSS(pageStyle), Policy: policy(), Chosen: c.said(c.Chosen)}
	for _, f := range c.facts() {
		p.Facts = append(p.Facts, pageFact{f.name, f.value, f.name == "journal" || f.name == "chain"})
	}
	for i, q := range c.Queries {
		p.Queries = append(p.Queries, c.pageQuery(i, q))
	}
	p.Title = "What was asked, what was told, and what decided it"
	if len(p.Queries) == 1 {
		p.Title = p.Queries[0].Headline
	}
	for _, s := range c.proof() {
		p.Proof = append(p.Proof, withCode(s))
	}
	p.Documents, p.Skipped = c.documents()
	for _, r := range c.Records {
		word, class := checkedWord(r.Check, c.redacted(r.ID))
		p.Records = append(p.Records, pageRecord{r.LSN, r.RecordedAt.String(), r.ID.Kind.String(), c.full(r.ID), c.title(r), class, word})
	}
	for _, a := range c.Absent {
		p.Absent = append(p.Absent, pageRecord{Kind: a.ID.Kind.String(), ID: c.full(a.ID), Title: a.Why})
	}
	return p
}

func (c *Contents) pageQuery(i int, q Query) pageQuery {
	v := q.Verdict
	out := pageQuery{
		Anchor: "q" + number10(i+1), Headline: c.said(v.Headline()), Time: v.Audit.Timestamp.String(), ID: c.full(v.Audit.ID),
		Again: recomputed(v), AgainClass: againClass(v.Recomputed), Told: c.said(v.Audit.Result.Value.String()),
		Chain: c.drawing(q.Chain), Summary: c.chainSummary(q.Chain),
	}
	if v.Audit.Question != nil {
		out.Question = c.said(*v.Audit.Question)
	}
	for _, l := range v.Lines() {
		line := pageLine{Label: l.Label}
		for _, part := range l.Parts {
			line.Parts = append(line.Parts, pagePart{c.part(part), roleClass(part.Role)})
		}
		out.Lines = append(out.Lines, line)
	}
	for _, f := range v.Audit.Findings {
		out.Findings = append(out.Findings, pageFinding{c.said(f.Code.Word()), c.said(f.Code.Plain()), findingClass(f.Code)})
	}
	for _, r := range c.weighedRows(v) {
		out.Weighed = append(out.Weighed, pageWeighed{r, clickable(r.URI)})
	}
	for _, w := range v.Because {
		if len(w.Life) > 1 {
			out.Lives = append(out.Lives, c.life(w))
		}
	}
	return out
}

// withCode takes a sentence of ours apart at its back quotes: every other part is code.
func withCode(s string) []pagePart {
	var parts []pagePart
	for i, text := range strings.Split(s, "`") {
		part := pagePart{Text: text}
		if i%2 == 1 {
			part.Class = "mono"
		}
		parts = append(parts, part)
	}
	return parts
}

func againClass(r ask.Reproduction) string {
	switch r {
	case ask.Same:
		return "ok"
	case ask.Differs:
		return "bad"
	}
	return "dim"
}

func roleClass(r ask.Role) string {
	switch r {
	case ask.Value:
		return "value"
	case ask.IDOf:
		return "id"
	case ask.Aside, ask.SourceAt:
		return "dim"
	case ask.Warn:
		return "warn"
	case ask.Bad:
		return "bad"
	}
	return ""
}

// findingClass sorts the findings into three colours: what makes the answer doubtful, what makes it weak, and the rest.
func findingClass(code ask.Code) string {
	switch {
	case code.Severity() <= ask.LateEvidence.Severity():
		return "bad"
	case code.Severity() <= ask.Flip.Severity():
		return "warn"
	}
	return "dim"
}

// clickable is a uri that may be clicked: http or https, a host, and plain characters alone. Everything else is text.
func clickable(uri string) template.URL {
	for i := range len(uri) {
		if uri[i] <= ' ' || uri[i] >= 0x7f || uri[i] == '\\' {
			return ""
		}
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	return template.URL(u.String())
}

func (c *Contents) life(w ask.Weighed) life {
	l := life{Of: c.short(w.Assertion)}
	for _, s := range w.Life {
		step := lifeStep{At: s.At.String(), By: c.said(s.Agent)}
		switch {
		case s.To != nil:
			step.What, step.Class = s.To.String(), stageClass(*s.To)
		case s.Vote != nil:
			step.What = voted(*s.Vote)
		}
		if s.Reason != "" {
			step.What += ": " + c.said(s.Reason)
		}
		if s.After {
			step.By += " · after the answer"
		}
		l.Steps = append(l.Steps, step)
	}
	return l
}

func stageClass(s record.Stage) string {
	switch s {
	case record.Approved:
		return "ok"
	case record.Rejected, record.Deprecated:
		return "bad"
	}
	return "warn"
}

// Limits of the documents that a page shows; a bundle has all of them in full.
const (
	documentsMax  = 50      // a guess
	documentBytes = 8 << 10 // about three printed pages
)

// documents are the texts of the evidence, each with the name of its newest descriptor.
func (c *Contents) documents() (list []document, skipped int) {
	describes := map[record.Hash]*record.Source{}
	for _, r := range c.Records {
		if s, ok := r.Record.(*record.Source); ok {
			if old := describes[s.Digest]; old == nil || old.Timestamp <= s.Timestamp {
				describes[s.Digest] = s
			}
		}
	}
	for _, r := range c.Records {
		e, ok := r.Record.(record.Evidence)
		if !ok {
			continue
		}
		if len(list) == documentsMax {
			skipped++
			continue
		}
		d := c.document(e)
		d.ID = c.full(r.ID)
		if s := describes[r.ID.Hash]; s != nil {
			d.Name, d.Link = c.said(s.Name), c.said(s.URI)
		}
		list = append(list, d)
	}
	return list, skipped
}

// document is the start of a text, cut between characters; bytes that are no text are not shown.
func (c *Contents) document(e record.Evidence) document {
	if !utf8.Valid(e) {
		return document{Rest: number10(len(e)) + " bytes that are no text"}
	}
	shown := e[:min(len(e), documentBytes)]
	for len(shown) < len(e) && !utf8.RuneStart(e[len(shown)]) {
		shown = shown[:len(shown)-1]
	}
	d := document{Text: cleanLines(c, string(shown))}
	if rest := len(e) - len(shown); rest > 0 {
		d.Rest = "… " + number10(rest) + " bytes more, in the bundle"
	}
	return d
}

// cleanLines keeps the lines of a document, and cleans each.
func cleanLines(c *Contents, s string) string {
	var out []byte
	for i, line := range slices.Collect(splitLines(s)) {
		if i > 0 {
			out = append(out, '\n')
		}
		out = append(out, c.said(line)...)
	}
	return string(out)
}

package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/engine/when"
)

// param is a parameter of a query string: its name, what it means, and the type OpenAPI gives it.
type param struct {
	name, doc, kind string // kind: string, integer, boolean
	many            bool   // may be given several times
	needed          bool   // there is no answer without it
}

// needs is a parameter that has to be there.
func needs(p param) param {
	p.needed = true
	return p
}

func text(name, doc string) param   { return param{name: name, doc: doc, kind: "string"} }
func number(name, doc string) param { return param{name: name, doc: doc, kind: "integer"} }
func fact(name, doc string) param   { return param{name: name, doc: doc, kind: "boolean"} }
func list(name, doc string) param   { return param{name: name, doc: doc, kind: "string", many: true} }

// Limits of what one request asks for. Those of lists are those of the command line's documentation; the others bound
// what one request may cost.
const (
	defaultLimit  = 100
	maxLimit      = 1_000
	maxDepth      = 1_000
	maxBuckets    = 4_096            // parts of a histogram: more than a screen has columns
	maxSearch     = 30 * time.Second // of looking for what no index answers
	maxFilterList = 64               // times that a parameter may be repeated
	maxValueBytes = 4 << 10          // of one parameter: that of a record's text
)

func rangeParams() []param {
	return []param{text("time", "from this time to now, now included"), text("from", "from this time on"), text("to", "before this time")}
}

func filterParams() []param {
	return slices.Concat([]param{text("agent", "who asked")}, rangeParams(), []param{
		text("subject", "a glob over subjects: auth/* one level, auth/** any depth, {a,b}"), text("predicate", "what was asked of the subject"),
		text("lens", "the rule that answered"), text("finding", "a finding, such as unapproved or retracted-since"), list("label", "NAME=VALUE, may be repeated"),
		text("trace_id", "the id of the trace it was part of"), text("conversation", "the id of the conversation it was part of"),
		text("text", "words that all occur"), number("limit", "rows at most, 1 to 1000 (100)"), text("cursor", "go on where a page ended: its next_cursor"),
		number("buckets", "count the matches in this many equal parts of the range"), text("search_time", "how long to look for what is computed, such as 2s"),
		number("search_records", "how many records to look at, at most"),
	})
}

func lensParams() []param {
	return []param{
		text("lens", "the rule that answers"), text("lifecycle", "admit only assertions at this stage; any: no filter"),
		text("half_life", "of the lens recency, such as 36h"),
	}
}

// values are the parameters of one request, with the first thing that was wrong with one of them.
type values struct {
	q     url.Values
	now   func() time.Time
	whole bool // asked for by a Client: its limits are those of the caller, not of a page for people
	err   error
}

// readValues takes the query string apart and refuses what the route does not know: a misspelt filter that is ignored
// would show more than was asked for.
func readValues(r *http.Request, known []param, now func() time.Time) (*values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &ask.UsageError{Field: "query string", Found: clip(r.URL.RawQuery), Expected: "NAME=VALUE&…, with % and + escaped"}
	}
	for name, held := range q {
		i := slices.IndexFunc(known, func(p param) bool { return p.name == name })
		switch {
		case i < 0:
			return nil, &ask.UsageError{Field: "query string", Found: clip(name), Expected: "a parameter of this route: " + paramNames(known)}
		case len(held) > 1 && !known[i].many, len(held) > maxFilterList:
			return nil, &ask.UsageError{Field: name, Found: fmt.Sprintf("%d values", len(held)), Expected: "one value"}
		}
		for _, v := range held {
			if v == "" {
				return nil, &ask.UsageError{Field: name, Found: "nothing", Expected: known[i].doc + "; leave it out if there is none"}
			}
			if len(v) > maxValueBytes {
				return nil, &ask.UsageError{Field: name, Found: fmt.Sprintf("%d bytes", len(v)), Expected: fmt.Sprintf("at most %d", maxValueBytes)}
			}
		}
	}
	return &values{q: q, now: now}, nil
}

// mustHave refuses a request that lacks what its route needs. Not that of a Client, whose caller is told by whoever
// answers, as it would be without a server between them.
func (v *values) mustHave(known []param) error {
	for _, p := range known {
		if p.needed && !v.whole && !v.q.Has(p.name) {
			return &ask.UsageError{Field: p.name, Found: "nothing", Expected: p.doc}
		}
	}
	return nil
}

func paramNames(known []param) string {
	if len(known) == 0 {
		return "it takes none"
	}
	names := make([]string, len(known))
	for i, p := range known {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}

// clip shortens hostile text for a message.
func clip(s string) string {
	const clipRunes = 80 // a line of a terminal
	if r := []rune(s[:min(len(s), 4*clipRunes)]); len(r) > clipRunes {
		return string(r[:clipRunes]) + "…"
	}
	return s
}

func (v *values) text(name string) string { return v.q.Get(name) }

func (v *values) refuse(name, expected string) {
	if v.err == nil {
		v.err = &ask.UsageError{Field: name, Found: clip(v.q.Get(name)), Expected: expected}
	}
}

// number reads a whole number from low to high; absent, it is what it is without.
func (v *values) number(name string, absent, low, high int) int {
	if !v.q.Has(name) {
		return absent
	}
	n, err := strconv.Atoi(v.q.Get(name))
	if err != nil || n < low || n > high {
		v.refuse(name, fmt.Sprintf("a whole number from %d to %d", low, high))
	}
	return n
}

func (v *values) fact(name string) bool {
	switch v.q.Get(name) {
	case "", "false":
		return false
	case "true":
		return true
	}
	v.refuse(name, "true or false")
	return false
}

func (v *values) labels() map[string]string {
	labels := map[string]string{}
	for _, l := range v.q["label"] {
		name, value, ok := strings.Cut(l, "=")
		if before, twice := labels[name]; !ok || name == "" || twice && before != value {
			v.refuse("label", "NAME=VALUE, one value for a name")
		}
		labels[name] = value
	}
	return labels
}

// clock reads times as people type them, in UTC.
func (v *values) clock() when.Clock { return when.Clock{Now: v.now()} }

// keep notes the first error, and says whether there was none.
func (v *values) keep(err error) bool {
	if v.err == nil {
		v.err = err
	}
	return err == nil
}

func (v *values) timeOf(name string, read func(string) (time.Time, error)) *record.Time {
	if !v.q.Has(name) {
		return nil
	}
	at, err := read(v.q.Get(name))
	if err == nil {
		var t record.Time
		if t, err = record.TimeOf(at); err == nil {
			return &t
		}
	}
	v.keep(fmt.Errorf("%s: %w", name, err))
	return nil
}

// span reads time, or from and to.
func (v *values) span() (r ask.Range) {
	if !v.q.Has("time") {
		return ask.Range{From: v.timeOf("from", v.clock().Start), To: v.timeOf("to", v.clock().End)}
	}
	if v.q.Has("from") || v.q.Has("to") {
		v.refuse("time", "a range of its own: leave it out, or from and to")
		return r
	}
	since, err := v.clock().Since(v.q.Get("time"))
	if !v.keep(wrapUnlessNil("time", err)) {
		return r
	}
	from, err := record.TimeOf(since.From)
	v.keep(err)
	to, err := record.TimeOf(since.To)
	v.keep(err)
	return ask.Range{From: &from, To: &to}
}

func wrapUnlessNil(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// limit is how many rows a page has. A Client asks for what its caller asked for, 0 being all.
func (v *values) limit() int {
	if v.whole {
		return v.number("limit", 0, 1, 1<<31-1)
	}
	return v.number("limit", defaultLimit, 1, maxLimit)
}

func (v *values) bounds() ask.Bounds {
	return ask.Bounds{Time: v.wait("search_time"), Records: v.number("search_records", 0, 1, 1<<31-1)}
}

func (v *values) wait(name string) time.Duration {
	if !v.q.Has(name) {
		return 0
	}
	d, err := time.ParseDuration(v.q.Get(name))
	if err != nil || d <= 0 || d > maxSearch {
		v.refuse(name, fmt.Sprintf("a length of time such as 2s, at most %s", maxSearch))
	}
	return d
}

func (v *values) filter() ask.AuditFilter {
	return ask.AuditFilter{
		Agent: v.text("agent"), Range: v.span(), Subject: v.text("subject"), Predicate: v.text("predicate"), Lens: v.text("lens"),
		Finding: v.text("finding"), Labels: v.labels(), TraceID: v.text("trace_id"), Conversation: v.text("conversation"), Text: v.text("text"),
		Limit: v.limit(), Cursor: v.text("cursor"), Buckets: v.number("buckets", 0, 1, maxBuckets), Search: v.bounds(),
	}
}

// stage reads a stage; any is none, and so is nothing.
func (v *values) stage(name string) record.Stage {
	if !v.q.Has(name) || strings.EqualFold(v.q.Get(name), "any") {
		return 0
	}
	stage, err := record.ParseStage(v.q.Get(name))
	if err != nil {
		v.refuse(name, "a lifecycle stage: "+stageNames()+", or any")
	}
	return stage
}

func stageNames() string {
	var names []string
	for _, s := range record.Stages() {
		names = append(names, s.String())
	}
	return strings.Join(names, ", ")
}

func (v *values) halfLife() time.Duration {
	if !v.q.Has("half_life") {
		return 0
	}
	d, err := record.ParseHalfLife(v.q.Get("half_life"))
	if err != nil {
		v.refuse("half_life", "a half-life such as 36h, from 1s to 10 years")
	}
	return d
}

package tui

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// masker hides what a shared screen should not show: names of people and hosts, and what looks like a secret. It works
// on values before they are laid out, so that nothing is left of a name that a column would have cut.
//
// A person is whoever wrote or asked something under a name that no machine's word is in (deployment-agent,
// secret-rotator, tool/refund). Their names go wherever they stand as a word, each as the same person-N. Rather a tool
// too many is masked than a person too few; what was never anybody's name, and what only looks like none, stays: read
// before you share.
type masker struct {
	mu     sync.Mutex
	people map[string]string // name in lower case → person-1
	hosts  map[string]string
	words  *regexp.Regexp // of people; nil: none
}

func newMasker() *masker { return &masker{people: map[string]string{}, hosts: map[string]string{}} }

// machineWords are parts of the names that programs go by.
var machineWords = []string{"agent", "agents", "bot", "sync", "service", "svc", "system", "planner", "runner", "scanner", "rotator",
	"pipeline", "ci", "cd", "cron", "worker", "daemon", "model", "llm", "gpt", "assistant", "copilot", "pager", "monitor", "watch",
	"alert", "alerts", "scheduler", "controller", "operator", "job", "api", "importer", "exporter", "loader", "broker", "tool", "janitor",
	"reconciler", "export", "import", "deploy", "deployment", "server", "client", "gateway", "proxy", "script", "root"}

// isMachine reports whether a name has a machine's word in it.
func isMachine(name string) bool {
	for word := range strings.FieldsFuncSeq(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) }) {
		if slices.Contains(machineWords, word) {
			return true
		}
	}
	return false
}

var (
	hostName = regexp.MustCompile(`(?i)\b(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:[a-z]{2,24})\b|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{0,4}\b`)
	mailName = regexp.MustCompile(`(?i)\b[a-z0-9._%+-]+@(?:[a-z0-9-]+\.)+[a-z]{2,24}\b`)
	secrets  = regexp.MustCompile(`(?i)\b(?:AKIA|ASIA)[0-9A-Z]{12,}|\bgh[pousr]_[0-9A-Za-z]{16,}|\bxox[abprs]-[0-9A-Za-z-]{8,}|\bsk[-_][0-9A-Za-z_-]{16,}|\beyJ[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]+)*|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?`)
	assigned = regexp.MustCompile(`(?i)\b((?:[a-z0-9]+[-_])*(?:password|passwd|pwd|secret|token|api[-_]?key|authorization|bearer|credential)s?["']?\s*[:=]\s*["']?)([^\s"',;]{4,})`)
	longRun  = regexp.MustCompile(`[0-9A-Za-z+/_-]{32,}={0,2}`)
	ownID    = regexp.MustCompile(`^[a-z]_[0-9a-f]{8,64}$`)
)

// notHosts end what looks like a host's name and is a file's, or a version's.
var notHosts = []string{"md", "go", "json", "jsonl", "yaml", "yml", "toml", "txt", "html", "svc", "conf", "cfg", "csv", "log", "pdf", "py", "js", "ts", "sh", "sql", "tf", "xml", "lock", "env"}

const hidden = "[secret]"

// text masks one text.
func (m *masker) text(s string) string {
	s = secrets.ReplaceAllString(s, hidden)
	s = assigned.ReplaceAllString(s, "${1}"+hidden)
	s = longRun.ReplaceAllStringFunc(s, func(run string) string {
		if ownID.MatchString(run) || !secretShaped(run) {
			return run
		}
		return hidden
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	s = mailName.ReplaceAllStringFunc(s, func(name string) string { return m.stand(m.people, "person", strings.ToLower(name)) })
	s = hostName.ReplaceAllStringFunc(s, func(name string) string {
		end := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
		if slices.Contains(notHosts, end) {
			return name
		}
		return m.stand(m.hosts, "host", strings.ToLower(name))
	})
	if m.words != nil {
		s = m.words.ReplaceAllStringFunc(s, func(name string) string { return m.people[strings.ToLower(name)] })
	}
	return s
}

// secretShaped reports whether a long run of letters mixes digits with letters as keys do, and words do not.
func secretShaped(run string) bool {
	digits, upper, lower := 0, 0, 0
	for _, c := range run {
		switch {
		case '0' <= c && c <= '9':
			digits++
		case 'A' <= c && c <= 'Z':
			upper++
		case 'a' <= c && c <= 'z':
			lower++
		}
	}
	return digits >= 3 && upper+lower >= 3
}

// stand is the word that stands for a name.
func (m *masker) stand(list map[string]string, kind, name string) string {
	if list[name] == "" {
		list[name] = fmt.Sprintf("%s-%d", kind, len(list)+1)
	}
	return list[name]
}

// author masks a name that stands where records have their author's.
func (m *masker) author(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if name == "" || isMachine(name) {
		return name
	}
	key := strings.ToLower(name)
	if m.people[key] == "" {
		m.stand(m.people, "person", key)
		names := make([]string, 0, len(m.people))
		for n := range m.people {
			names = append(names, regexp.QuoteMeta(n))
		}
		slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) }) // the longest match is the whole name
		m.words = regexp.MustCompile(`(?i)\b(?:` + strings.Join(names, "|") + `)\b`)
	}
	return m.people[key]
}

// value is a copy of v, every text in it masked. Names of types other than string (codes, stages, kinds) stay.
func (m *masker) value(v reflect.Value, field string) reflect.Value {
	switch v.Kind() {
	case reflect.String:
		if v.Type() != reflect.TypeFor[string]() {
			return v
		}
		s := v.String()
		if field == "Agent" || field == "By" {
			return reflect.ValueOf(m.author(s))
		}
		return reflect.ValueOf(m.text(s))
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(m.value(v.Elem(), field))
		return out
	case reflect.Interface:
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type()).Elem()
		out.Set(m.value(v.Elem(), field))
		return out
	case reflect.Struct:
		return m.fields(v)
	case reflect.Slice:
		return m.elements(v, field)
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeMapWithSize(v.Type(), v.Len())
		for it := v.MapRange(); it.Next(); {
			out.SetMapIndex(it.Key(), m.value(it.Value(), field))
		}
		return out
	}
	return v
}

func (m *masker) fields(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() {
			out.Field(i).Set(m.value(v.Field(i), f.Name))
		}
	}
	return out
}

func (m *masker) elements(v reflect.Value, field string) reflect.Value {
	if v.IsNil() {
		return v
	}
	if doc, ok := v.Interface().(record.Evidence); ok {
		return reflect.ValueOf(record.Evidence(m.text(string(doc))))
	}
	out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	for i := range v.Len() {
		out.Index(i).Set(m.value(v.Index(i), field))
	}
	return out
}

// maskAll is v with every text in it masked.
func maskAll[T any](m *masker, v T) T {
	return m.value(reflect.ValueOf(&v).Elem(), "").Interface().(T)
}

// masked is evidence whose texts are masked.
type masked struct {
	ask.Investigator
	mask *masker
}

// through asks, and masks what comes.
func through[T any](m masked, put func() (T, error)) (T, error) {
	v, err := put()
	maskAll(m.mask, v) // learns the names, so that they are masked where they stand before their author's record
	return maskAll(m.mask, v), err
}

func (m masked) Audits(ctx context.Context, f ask.AuditFilter) (ask.Trace, error) {
	return through(m, func() (ask.Trace, error) { return m.Investigator.Audits(ctx, f) })
}

func (m masked) Findings(ctx context.Context, f ask.AuditFilter) (ask.Trace, error) {
	return through(m, func() (ask.Trace, error) { return m.Investigator.Findings(ctx, f) })
}

func (m masked) Find(ctx context.Context, q ask.FindQuery) (ask.Found, error) {
	return through(m, func() (ask.Found, error) { return m.Investigator.Find(ctx, q) })
}

func (m masked) Events(ctx context.Context, r ask.Range, limit int) ([]ask.Event, error) {
	return through(m, func() ([]ask.Event, error) { return m.Investigator.Events(ctx, r, limit) })
}

func (m masked) Agents(ctx context.Context) ([]ask.Agent, error) {
	return through(m, func() ([]ask.Agent, error) { return m.Investigator.Agents(ctx) })
}

func (m masked) Record(ctx context.Context, id record.ID) (ask.Record, error) {
	return through(m, func() (ask.Record, error) { return m.Investigator.Record(ctx, id) })
}

func (m masked) Verdict(ctx context.Context, id record.ID) (ask.Verdict, error) {
	return through(m, func() (ask.Verdict, error) { return m.Investigator.Verdict(ctx, id) })
}

func (m masked) Provenance(ctx context.Context, root record.ID, o ask.ProvenanceOptions) (ask.Provenance, error) {
	if level := o.Level; level != nil {
		o.Level = func(nodes []ask.Node, edges []ask.Edge) { level(maskAll(m.mask, nodes), edges) }
	}
	return through(m, func() (ask.Provenance, error) { return m.Investigator.Provenance(ctx, root, o) })
}

func (m masked) WhatIf(ctx context.Context, audit record.ID, c ask.WhatIfChange) (ask.WhatIf, error) {
	return through(m, func() (ask.WhatIf, error) { return m.Investigator.WhatIf(ctx, audit, c) })
}

func (m masked) Impact(ctx context.Context, of ask.Target, o ask.ImpactOptions) (ask.Impact, error) {
	return through(m, func() (ask.Impact, error) { return m.Investigator.Impact(ctx, of, o) })
}

func (m masked) Diff(ctx context.Context, left, right record.ID) (ask.Difference, error) {
	return through(m, func() (ask.Difference, error) { return m.Investigator.Diff(ctx, left, right) })
}

func (m masked) Beliefs(ctx context.Context, q ask.BeliefsQuery) (ask.BeliefChanges, error) {
	return through(m, func() (ask.BeliefChanges, error) { return m.Investigator.Beliefs(ctx, q) })
}

func (m masked) Bisect(ctx context.Context, q ask.BisectQuery) (ask.Bisection, error) {
	return through(m, func() (ask.Bisection, error) { return m.Investigator.Bisect(ctx, q) })
}

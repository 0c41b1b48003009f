package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// later is the computed findings of an audit with the labels of what they cite: "retracted-since(@a @t)".
func later(a ask.Audit, ids map[string]record.ID) string {
	labels := map[record.ID]string{}
	for label, id := range ids {
		labels[id] = label
	}
	var list []string
	for _, f := range a.Findings {
		if !f.Code.Computed() {
			continue
		}
		var cites []string
		for _, id := range f.Cites {
			label, ok := labels[id]
			if !ok {
				label = id.Short()
			}
			cites = append(cites, label)
		}
		list = append(list, string(f.Code)+"("+strings.Join(cites, " ")+")")
	}
	return strings.Join(list, " ")
}

// agree fails unless the verdict, the list of findings, and the lists that are filtered by one of the computed codes
// have the same findings for an audit. It returns the audit.
func agree(t *testing.T, e *engine.Engine, id record.ID) ask.Audit {
	t.Helper()
	v, err := e.Verdict(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	lists := map[string]ask.Trace{}
	for _, f := range v.Audit.Findings {
		if f.Code.Computed() {
			if lists["trace --finding "+string(f.Code)], err = e.Audits(t.Context(), ask.AuditFilter{Finding: string(f.Code)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(v.Audit.Findings) > 0 {
		if lists["findings"], err = e.Findings(t.Context(), ask.AuditFilter{}); err != nil {
			t.Fatal(err)
		}
	}
	for name, list := range lists {
		i := slices.IndexFunc(list.Queries, func(a ask.Audit) bool { return a.ID == id })
		if i < 0 {
			t.Fatalf("%s lacks %s among %d", name, id.Short(), len(list.Queries))
		}
		got := slices.Clone(list.Queries[i].Findings)
		for j := range got {
			if want := got[j].Code.Plain(); name == "findings" && got[j].Sentence != want {
				t.Errorf("the sentence of %s is %q, want %q", got[j].Code, got[j].Sentence, want)
			}
			got[j].Sentence = ""
		}
		if diff := cmp.Diff(v.Audit.Findings, got); diff != "" {
			t.Errorf("%s has other findings than the verdict (-verdict +list):\n%s", name, diff)
		}
	}
	return v.Audit
}

// transition moves an assertion to another stage.
func transition(label, of, to, at string) string {
	return fmt.Sprintf(`{"kind":"transition","id":%q,"assertion":%q,"to":%q,"agent":"ann","timestamp":%q}`, label, of, to, at)
}

// imported is an audit that another system answered from assertion @a, as it tells it.
func imported(stage string) string {
	return fmt.Sprintf(`{"kind":"audit","id":"q","agent_id":"far","timestamp":"2024-01-02T00:00:00Z","subject":"s/other","predicate":"p","lens":"external",`+
		`"as_of":"2024-01-02T00:00:00Z","result":{"value":"A","confidence":1,"share":1},"considered":1,`+
		`"contributing_assertions":[{"hash":"@a","lifecycle":%q,"weight":1,"source_hash":%q}]}`, stage, "b_"+record.Sum([]byte("A")).String())
}

// TestFindingsComputedLater has for each finding that is not fixed at asking time cases that fire and cases that stay
// silent. The clock stands at 2024-06-01.
func TestFindingsComputedLater(t *testing.T) {
	const (
		before, after, future = "2024-01-01T12:00:00Z", "2024-01-03T00:00:00Z", "2024-07-01T00:00:00Z"
		epoch                 = `{"kind":"epoch","id":"e","name":"one","agent":"ops","timestamp":"2024-01-01T00:00:00Z"}`
	)
	base := []string{docA, docB, claimA, claimB}
	asked := query("q", "00:00:00", "")
	inEpoch := []string{docA, docB, epoch, strings.Replace(claimA, `"source"`, `"epoch":"@e","source"`, 1), claimB}
	supersede := func(how, at string) string {
		return fmt.Sprintf(`{"kind":"epoch","id":"e2","name":"two","agent":"ops","timestamp":%q,"supersedes":"@e","supersession":%q}`, at, how)
	}
	nobody := record.Sum([]byte("nobody described it"))
	tests := []struct {
		name  string
		lines [][]string
		want  string
	}{
		{"nothing recorded since", [][]string{base, {asked}}, ""},
		{"what bears on something else", [][]string{base, {asked, strings.NewReplacer(`"b"`, `"c"`, "s/x", "s/y").Replace(claimB)}}, ""},

		{"a source that nobody described", [][]string{{strings.Replace(claimA, "@doc", "b_"+nobody.String(), 1), asked}}, "missing-evidence(b_" + nobody.String()[:8] + ")"},
		{"a source that is described later is not missing", [][]string{{strings.Replace(claimA, "@doc", "b_"+record.Sum([]byte("A")).String(), 1), asked, docA}}, ""},
		{"an imported audit whose records are here", [][]string{base, {imported("Approved")}}, ""},

		{"rejected since", [][]string{base, {asked, transition("t", "@a", "Rejected", after)}}, "retracted-since(@a @t) changed-since(@t @b)"},
		{"deprecated since", [][]string{base, {asked, transition("t", "@a", "Deprecated", after)}}, "retracted-since(@a @t) changed-since(@t @b)"},
		{"under review is not withdrawn", [][]string{base, {asked, transition("t", "@a", "UnderReview", after)}}, ""},
		{"withdrawn and approved again", [][]string{base, {asked, transition("t", "@a", "Rejected", after), transition("t2", "@a", "Approved", "2024-01-04T00:00:00Z")}}, ""},
		{"a withdrawal that lies ahead", [][]string{base, {asked, transition("t", "@a", "Rejected", future)}}, ""},
		{"a claim that lost is withdrawn", [][]string{base, {asked, transition("t", "@b", "Rejected", after)}}, ""},
		{"it was deprecated when it answered", [][]string{base, {transition("t", "@a", "Deprecated", before), query("q", "00:00:00", `,"lifecycle_filter":"Deprecated"`), transition("t2", "@a", "Rejected", after)}}, "changed-since(@t2)"},
		{"its epoch was invalidated", [][]string{inEpoch, {asked, supersede("Invalidated", after)}}, "retracted-since(@a @e2) changed-since(@e2 @b)"},
		{"an epoch that only ended", [][]string{inEpoch, {asked, supersede("Temporal", after)}}, "changed-since(@e2 @b)"},
		{"an epoch whose end lies ahead", [][]string{inEpoch, {asked, supersede("Invalidated", future)}}, ""},
		{"withdrawn before it was asked about an earlier time", [][]string{base, {transition("t", "@a", "Rejected", before), query("q", "00:00:00", `,"as_of":"2024-01-01T00:00:03Z"`)}}, "retracted-since(@a @t) changed-since(@t @b)"},
		{"an imported audit, of a claim about something else", [][]string{base, {imported("Approved"), transition("t", "@a", "Rejected", after)}}, "retracted-since(@a @t)"},
		{"an imported audit that says it was rejected", [][]string{base, {imported("Rejected"), transition("t", "@a", "Rejected", after)}}, ""},
		{"an imported audit, its epoch invalidated since", [][]string{inEpoch, {imported("Approved"), supersede("Invalidated", after)}}, "retracted-since(@a @e2)"},
		{"an imported audit, its epoch invalidated before", [][]string{inEpoch, {imported("Approved"), supersede("Invalidated", before)}}, ""},

		{"a transition that claims to be older", [][]string{base, {asked, transition("t", "@a", "Rejected", before)}}, "retracted-since(@a @t) late-evidence(@t) changed-since(@t @b)"},
		{"an assertion that claims to be older", [][]string{{docA, docB, claimB, asked, claimA}}, "late-evidence(@a) changed-since(@a)"},
		{"of what came late only what turned the value is cited", [][]string{{docA, docB, claimB, asked,
			`{"kind":"vote","assertion":"@b","agent":"ann","weight":1,"timestamp":"2024-01-01T00:00:03Z"}`, claimA}}, "late-evidence(@a) changed-since(@a)"},
		{"late, and of no effect", [][]string{base, {asked, `{"kind":"vote","id":"v","assertion":"@a","agent":"ann","weight":1,"timestamp":"2024-01-01T00:00:03Z"}`}}, ""},
		{"late records of an imported audit raise nothing", [][]string{base, {imported("Approved"), claimA2}}, ""},

		{"a newer claim", [][]string{base, {asked, strings.NewReplacer(`"b"`, `"n"`, "0.8", "1", "00:00:02Z", "12:00:00Z", "2024-01-01", "2024-01-03", "@docb", "@doc").Replace(claimB)}}, "changed-since(@n)"},
		{"the same claims, weighed otherwise", [][]string{base, {asked, `{"kind":"source","id":"d","name":"b2.md","authority":1,"digest":"b_` + record.Sum([]byte("B")).String() + `","agent":"sync","timestamp":"` + after + `"}`}}, "changed-since(@b)"},
		{"nothing recorded since, but what it was told lies ahead", [][]string{base, {
			strings.NewReplacer(`"b"`, `"n"`, "0.8", "1", "2024-01-01T00:00:02Z", future, "@docb", "@doc").Replace(claimB), query("q", "00:00:00", `,"as_of":"2024-08-01T00:00:00Z"`)}}, "changed-since(@a)"},
		{"an imported audit of the same question", [][]string{base, {strings.NewReplacer("s/other", "s/x", "external", "authority").Replace(imported("Approved")), transition("t", "@a", "Rejected", before)}}, "retracted-since(@a @t)"},
		{"nothing recorded since, but the time asked about has passed", [][]string{base, {query("q", "00:00:00", `,"as_of":"2024-01-01T00:00:00Z"`)}}, "changed-since(@a)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, ids := world(t, slices.Concat(tt.lines...)...)
			if got := later(agree(t, e, ids["@q"]), ids); got != tt.want {
				t.Errorf("findings %q, want %q", got, tt.want)
			}
		})
	}
}

// TestMissingAssertion: an imported audit may name an assertion that never came here.
func TestMissingAssertion(t *testing.T) {
	nowhere, source := record.Sum([]byte("nowhere")), record.Sum([]byte("no source"))
	line := strings.NewReplacer("@a", "a_"+nowhere.String(), record.Sum([]byte("A")).String(), source.String()).Replace(imported("Approved"))
	withdrawn := strings.Replace(transition("t", "@a", "Rejected", "2024-01-03T00:00:00Z"), "@a", "a_"+nowhere.String(), 1)
	e, ids := world(t, line, withdrawn)
	want := fmt.Sprintf("missing-evidence(a_%s b_%s) retracted-since(a_%s @t)", nowhere.String()[:8], source.String()[:8], nowhere.String()[:8])
	if got := later(agree(t, e, ids["@q"]), ids); got != want {
		t.Errorf("findings %q, want %q: what is said of its life is known all the same", got, want)
	}
}

// appended writes a record as it stands and waits until it can be read.
func appended(t *testing.T, e *engine.Engine, r record.Record) record.ID {
	t.Helper()
	lsn, err := e.Append(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Wait(t.Context(), lsn); err != nil {
		t.Fatal(err)
	}
	id, err := record.IDOf(r)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestMissingErased: what was erased is not here either.
func TestMissingErased(t *testing.T) {
	for _, label := range []string{"@a", "@doc"} {
		e, ids := world(t, docA, claimA, query("q", "00:00:00", ""))
		if got := later(agree(t, e, ids["@q"]), ids); got != "" {
			t.Fatalf("findings %q before anything was erased, want none", got)
		}
		at, _ := record.ParseTime("2024-02-01T00:00:00Z")
		appended(t, e, &record.Erasure{Target: ids[label].Hash, LSN: 2, Agent: "ann", Reason: "asked to", Timestamp: at})
		want := "missing-evidence(" + label + ")"
		if label == "@doc" {
			want = "missing-evidence(b_" + record.Sum([]byte("A")).String()[:8] + ")"
		}
		if got := later(agree(t, e, ids["@q"]), ids); got != want {
			t.Errorf("findings %q once %s was erased, want %q", got, label, want)
		}
	}
}

// TestUnreproducible: an audit that says it was answered here, and otherwise than this journal answers. It needs nothing
// to have been recorded since, and nothing is built on it.
func TestUnreproducible(t *testing.T) {
	tests := []struct {
		name   string
		change func(q *record.Audit, b record.Hash)
		want   string
	}{
		{"as this journal answers", func(*record.Audit, record.Hash) {}, "retracted-since(@a @t) late-evidence(@t) changed-since(@t @b)"},
		{"another value", func(q *record.Audit, _ record.Hash) { q.Value = record.TextObject("Z") }, "unreproducible(@a) retracted-since(@a @t)"},
		{"another weight", func(q *record.Audit, _ record.Hash) { q.Contributions[0].Weight = 0.5 }, "unreproducible(@a) retracted-since(@a @t)"},
		{"another assertion", func(q *record.Audit, b record.Hash) { q.Contributions[0].Assertion = b }, "unreproducible(@b @a)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, ids := world(t, docA, docB, claimA, claimB)
			at, err := record.ParseTime("2024-01-02T00:00:00Z")
			if err != nil {
				t.Fatal(err)
			}
			q := &record.Audit{
				Agent: "ann", Timestamp: at, AsOf: at, Subject: "s/x", Predicate: "p", Lens: "authority",
				Pinned: true, Pin: record.LSN(e.Head().Last), Journal: e.Tracer.Journal,
				Value: record.TextObject("A"), Confidence: 0.81, Share: 0.71, Considered: 2,
				Contributions: []record.Contribution{{Assertion: ids["@a"].Hash, Source: record.Sum([]byte("A")), Weight: 0.9, Lifecycle: record.Approved}},
			}
			tt.change(q, ids["@b"].Hash)
			q.ResultHash = q.Value.Hash()
			id := appended(t, e, q)
			if got := later(agree(t, e, id), ids); strings.Contains(tt.want, "unreproducible") != strings.Contains(got, "unreproducible") {
				t.Errorf("findings %q before anything else was recorded, want those of %q that need nothing else", got, tt.want)
			}
			rejected, _ := record.ParseTime("2024-01-01T12:00:00Z")
			ids["@t"] = appended(t, e, &record.Transition{Assertion: ids["@a"].Hash, To: record.Rejected, Agent: "ann", Timestamp: rejected})
			if got := later(agree(t, e, id), ids); got != tt.want {
				t.Errorf("findings %q, want %q", got, tt.want)
			}
		})
	}
}

// TestFixtureFindings: of each code the fixture's queries that have it, no others, from each of the three ways in; and
// the worst come first.
func TestFixtureFindings(t *testing.T) {
	e, ids, f := openFixture(t, "auth-jwt")
	want := expectedOf(t, f)
	if len(want.Later) == 0 {
		t.Fatal("expected.json has no findings_later")
	}
	labels := map[record.ID]string{}
	for label, id := range ids {
		labels[id] = label
	}
	listed := func(list []ask.Audit) []string {
		var out []string
		for _, a := range list {
			out = append(out, labels[a.ID])
		}
		slices.Sort(out)
		return out
	}
	for _, code := range ask.Codes() {
		var having []string
		for label := range want.Findings {
			if slices.Contains(want.all(label), code) {
				having = append(having, label)
			}
		}
		slices.Sort(having)
		filter := ask.AuditFilter{Finding: string(code)}
		trace, err := e.Audits(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(having, listed(trace.Queries)); diff != "" || trace.Total != uint64(len(having)) {
			t.Errorf("trace --finding %s (-want +got), total %d:\n%s", code, trace.Total, diff)
		}
		findings, err := e.Findings(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(having, listed(findings.Queries)); diff != "" || findings.Total != uint64(len(having)) {
			t.Errorf("findings --finding %s (-want +got), total %d:\n%s", code, findings.Total, diff)
		}
		if len(having) == 0 && !strings.Contains(findings.Completeness(), "none of the 123 queries searched raises "+string(code)) && code.Computed() {
			t.Errorf("findings of %s: %s; want why there are none", code, findings.Completeness())
		}
	}
	all, err := e.Findings(t.Context(), ask.AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	suspects := 0
	for label := range want.Findings {
		if len(want.all(label)) > 0 {
			suspects++
		}
	}
	if len(all.Queries) != suspects || all.Total != uint64(suspects) || !all.Searched.Complete() || all.Searched.Of != 123 {
		t.Errorf("%d of %d listed, %s; want %d and all searched", len(all.Queries), all.Total, all.Searched, suspects)
	}
	for i, a := range all.Queries {
		if diff := cmp.Diff(want.all(labels[a.ID]), codesOf(a)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", labels[a.ID], diff)
		}
		if i == 0 {
			continue
		}
		before := all.Queries[i-1]
		x, y := before.Findings[0].Code.Severity(), a.Findings[0].Code.Severity()
		if x > y || x == y && before.Timestamp < a.Timestamp {
			t.Errorf("row %d, %s, is worse or newer than the row above, %s", i, labels[a.ID], labels[before.ID])
		}
	}
	first, err := e.Findings(t.Context(), ask.AuditFilter{Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all.Queries[:3], first.Queries); diff != "" || first.Total != all.Total {
		t.Errorf("the first three of %d (-want +got):\n%s", first.Total, diff)
	}
}

// manyAsked is n queries about a claim that was withdrawn after every other one of them was asked, oldest first.
func manyAsked(t *testing.T, n int) *engine.Engine {
	t.Helper()
	lines := []string{docA, docB, claimA, claimB}
	for i := range n {
		line := query(fmt.Sprintf("q%d", i), fmt.Sprintf("00:%02d:00", i), "")
		if i%2 == 1 {
			line = strings.Replace(line, `"predicate":"p"`, `"predicate":"nothing"`, 1)
		}
		lines = append(lines, line)
	}
	e, _ := world(t, append(lines, transition("t", "@a", "Rejected", "2024-01-03T00:00:00Z"))...)
	return e
}

// TestSearchStopsAndGoesOn: a search for a computed finding ends at its bounds, says how far it came, and its cursor goes
// on from there until every match was listed once, newest first.
func TestSearchStopsAndGoesOn(t *testing.T) {
	const queries = 20
	e := manyAsked(t, queries)
	whole, err := e.Audits(t.Context(), ask.AuditFilter{Finding: "retracted-since"})
	if err != nil {
		t.Fatal(err)
	}
	if len(whole.Queries) != queries/2 || whole.Total != queries/2 || whole.NextCursor != nil || *whole.Searched != (ask.Searched{Done: queries, Of: queries}) {
		t.Fatalf("%d of %d, %s, cursor %v; want %d, all searched", len(whole.Queries), whole.Total, whole.Searched, whole.NextCursor, queries/2)
	}
	for name, f := range map[string]ask.AuditFilter{
		"by records":            {Search: ask.Bounds{Records: 3}},
		"by time, one a page":   {Search: ask.Bounds{Time: -1}},
		"by limit":              {Limit: 3},
		"by limit and records":  {Limit: 2, Search: ask.Bounds{Records: 5}},
		"with a wide filter":    {Text: "ann", Search: ask.Bounds{Records: 7}},
		"by agent, and limited": {Agent: "ann", Limit: 1, Search: ask.Bounds{Records: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			f.Finding = "retracted-since"
			var got []ask.Audit
			var page ask.Trace
			for pages := 0; ; pages++ {
				if page, err = e.Audits(t.Context(), f); err != nil {
					t.Fatal(err)
				}
				got = append(got, page.Queries...)
				if page.Total < uint64(len(got)) || pages > queries {
					t.Fatalf("page %d: total %d with %d listed so far", pages, page.Total, len(got))
				}
				if said := page.Completeness(); page.Searched.Complete() == strings.Contains(said, page.Searched.String()) {
					t.Errorf("page %d says %q, searched %+v", pages, said, page.Searched)
				}
				if page.NextCursor == nil {
					break
				}
				f.Cursor = *page.NextCursor
			}
			if diff := cmp.Diff(whole.Queries, got); diff != "" {
				t.Errorf("all pages together (-want +got):\n%s", diff)
			}
			if page.Total != queries/2 || !page.Searched.Complete() {
				t.Errorf("the last page: total %d, %s; want %d and all", page.Total, page.Searched, queries/2)
			}
		})
	}
}

// TestFindingsStop: what was not come to is listed by what was fixed when it was asked, with all its findings; of the
// rest nothing is claimed.
func TestFindingsStop(t *testing.T) {
	e := manyAsked(t, 20)
	all, err := e.Findings(t.Context(), ask.AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	some, err := e.Findings(t.Context(), ask.AuditFilter{Search: ask.Bounds{Records: 5}})
	if err != nil {
		t.Fatal(err)
	}
	if *some.Searched != (ask.Searched{Done: 5, Of: 20}) || !strings.Contains(some.Completeness(), "searched 5 of 20") {
		t.Errorf("%s, %+v; want 5 of 20", some.Completeness(), some.Searched)
	}
	if diff := cmp.Diff(all.Queries, some.Queries); diff != "" { // each has a fixed finding: single-source or no-answer
		t.Errorf("with 5 searched (-all +some):\n%s", diff)
	}
	none, err := e.Findings(t.Context(), ask.AuditFilter{Finding: "late-evidence", Search: ask.Bounds{Records: 5}})
	if err != nil {
		t.Fatal(err)
	}
	if none.Total != 0 || !strings.Contains(none.Completeness(), "searched 5 of 20") || !strings.Contains(none.Completeness(), "none of the 5 queries searched raises late-evidence") {
		t.Errorf("%s; want none of 5 searched, and that there are 20", none.Completeness())
	}
	var wrong *ask.UsageError
	if _, err := e.Findings(t.Context(), ask.AuditFilter{Cursor: "x"}); !errors.As(err, &wrong) || wrong.Field != "cursor" {
		t.Errorf("with a cursor: %v, want a *UsageError about it", err)
	}
}

// TestSearchesAreCancelled: each polls its context.
func TestSearchesAreCancelled(t *testing.T) {
	e := manyAsked(t, 4)
	ctx, cancel := context.WithCancel(t.Context())
	calls := map[string]func() error{
		"Audits":   func() error { _, err := e.Audits(ctx, ask.AuditFilter{Finding: "changed-since"}); return err },
		"Findings": func() error { _, err := e.Findings(ctx, ask.AuditFilter{}); return err },
		"Find": func() error {
			_, err := e.Find(ctx, ask.FindQuery{Text: "ann", Each: func(ask.Hit) error { cancel(); return nil }})
			return err
		},
	}
	if err := calls["Find"](); !errors.Is(err, context.Canceled) {
		t.Errorf("Find, cancelled at its first hit: %v", err)
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want it cancelled", name, err)
		}
	}
}

// TestEmptyStoreHasNoFindings and says why.
func TestEmptyStoreHasNoFindings(t *testing.T) {
	e := open(t, "")
	got, err := e.Findings(t.Context(), ask.AuditFilter{})
	if err != nil || len(got.Queries) != 0 || got.Queries == nil || len(got.Empty) == 0 {
		t.Errorf("Findings = %+v, %v; want an empty list that says why", got, err)
	}
}

// TestSearchesGoPastDamage: one damaged audit costs itself and not the search, which counts it.
func TestSearchesGoPastDamage(t *testing.T) {
	dir := t.TempDir()
	e := open(t, dir)
	ids, _, refused := take(t, e, engine.IngestOptions{}, docA, docB, claimA, claimB, query("q1", "00:00:01", `,"question":"which one is broken?"`), query("q2", "00:00:02", ""),
		transition("t", "@a", "Rejected", "2024-01-03T00:00:00Z"))
	if len(refused) > 0 {
		t.Fatalf("refused: %v", refused)
	}
	spoil(t, dir, "which one is broken?")
	trace, err := e.Audits(t.Context(), ask.AuditFilter{Finding: "retracted-since"})
	if err != nil {
		t.Fatal(err)
	}
	findings, err := e.Findings(t.Context(), ask.AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string]ask.Trace{"trace": trace, "findings": findings} {
		if len(list.Queries) != 1 || list.Queries[0].ID != ids["@q2"] || list.Searched.Unreadable != 1 || !strings.Contains(list.Completeness(), "1 could not be read") {
			t.Errorf("%s: %d listed, %s; want the other one, and that one could not be read", name, len(list.Queries), list.Completeness())
		}
	}
	found, err := e.Find(t.Context(), ask.FindQuery{Text: "ann", Kind: record.KindAudit})
	if err != nil || len(found.Records) != 1 || found.Searched.Unreadable != 1 {
		t.Errorf("Find: %d found, %s, %v; want the other one, and that one could not be read", len(found.Records), found.Completeness(), err)
	}
	byID, err := e.Find(t.Context(), ask.FindQuery{Text: ids["@q1"].String()})
	if err != nil || len(byID.Records) != 1 || byID.Records[0].What != "the bytes are not those that were recorded" {
		t.Errorf("Find by id: %+v, %v; want what is wrong with it", byID.Records, err)
	}
}

// spoil changes a byte of a text in the journal.
func spoil(t *testing.T, dir, text string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "wal", "*.wal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(b, []byte(text))
		if at < 0 {
			continue
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte{b[at] ^ 1}, int64(at)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("%q is in none of %d files", text, len(files))
}

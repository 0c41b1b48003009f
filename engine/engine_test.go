package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// past is a clock that stands still behind everything the tests record.
func past() time.Time { return time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC) }

// open opens an engine in dir, or in memory.
func open(t *testing.T, dir string) *engine.Engine {
	t.Helper()
	e, err := engine.Open(t.Context(), engine.Options{Dir: dir, Now: past})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// take takes JSON lines in and returns what their labels became, the counts, and the refused lines.
func take(t *testing.T, e *engine.Engine, o engine.IngestOptions, lines ...string) (map[string]record.ID, engine.Ingested, []string) {
	t.Helper()
	in := &labelled{record.NewReader(strings.NewReader(strings.Join(lines, "\n")), "in.jsonl", e), map[string]record.ID{}}
	var refused []string
	o.Reject = func(r *record.Reject) { refused = append(refused, r.Error()) }
	done, err := e.Ingest(t.Context(), in, o)
	if err != nil && !errors.Is(err, engine.ErrStrict) {
		t.Fatal(err)
	}
	return in.ids, done, refused
}

// world is JSON lines, all kept.
func world(t *testing.T, lines ...string) (*engine.Engine, map[string]record.ID) {
	t.Helper()
	e := open(t, "")
	ids, _, refused := take(t, e, engine.IngestOptions{}, lines...)
	if len(refused) > 0 {
		t.Fatalf("refused: %v", refused)
	}
	return e, ids
}

// Lines that most of these tests build on.
const (
	docA    = `{"kind":"source","id":"doc","name":"a.md","authority":0.9,"agent":"sync","timestamp":"2024-01-01T00:00:00Z","content":"A"}`
	docB    = `{"kind":"source","id":"docb","name":"b.md","authority":0.4,"agent":"sync","timestamp":"2024-01-01T00:00:00Z","content":"B"}`
	claimA  = `{"kind":"assertion","id":"a","subject":"s/x","predicate":"p","object":"A","confidence":0.9,"lifecycle":"Approved","agent":"bot","timestamp":"2024-01-01T00:00:01Z","source":"@doc"}`
	claimA2 = `{"kind":"assertion","id":"a2","subject":"s/x","predicate":"p","object":"A","confidence":0.9,"lifecycle":"Approved","agent":"bot2","timestamp":"2024-01-01T00:00:01Z","source":"@docb"}`
	claimB  = `{"kind":"assertion","id":"b","subject":"s/x","predicate":"p","object":"B","confidence":0.8,"lifecycle":"Approved","agent":"bot","timestamp":"2024-01-01T00:00:02Z","source":"@docb"}`
)

func query(label, at, more string) string {
	return fmt.Sprintf(`{"kind":"query","id":%q,"agent":"ann","subject":"s/x","predicate":"p","lens":"authority","timestamp":"2024-01-02T%sZ"%s}`, label, at, more)
}

func codes(a ask.Audit) string {
	var list []string
	for _, f := range a.Findings {
		list = append(list, string(f.Code))
	}
	return strings.Join(list, " ")
}

// TestFindingsFixedAtAskingTime has for each finding a case that fires and one that stays silent.
func TestFindingsFixedAtAskingTime(t *testing.T) {
	proposed := strings.Replace(claimA, "Approved", "Proposed", 1)
	unstated := strings.Replace(claimA, "Approved", "Unstated", 1)
	tests := []struct {
		name  string
		lines []string
		want  string
	}{
		{"two sources that agree raise nothing", []string{docA, docB, claimA, claimA2, query("q", "00:00:00", "")}, ""},
		{"a proposed claim is unapproved", []string{docA, docB, proposed, claimA2, query("q", "00:00:00", "")}, "unapproved"},
		{"an unstated stage is not", []string{docA, docB, unstated, claimA2, query("q", "00:00:00", "")}, ""},
		{"a share of 0.9·0.9/(0.9·0.9+0.4·0.8) = 0.72 is not contested, though one claim is one source and recency disagrees",
			[]string{docA, docB, claimA, claimB, query("q", "00:00:00", "")}, "lens-disagreement single-source"},
		{"a share under two thirds is contested", []string{docA, docB, strings.Replace(claimA, `"confidence":0.9`, `"confidence":0.6`, 1), claimB, query("q", "00:00:00", "")},
			"contested lens-disagreement single-source"},
		{"two contributions on one digest are one source",
			[]string{docA, claimA, strings.Replace(strings.Replace(claimA2, "@docb", "@doc", 1), "0.9", "0.8", 1), query("q", "00:00:00", "")}, "single-source"},
		{"another answer to the same question is a flip",
			[]string{docA, docB, claimB, query("q0", "00:00:00", ""), claimA, query("q", "00:00:01", "")}, "lens-disagreement single-source flip"},
		{"the same answer is none", []string{docA, docB, claimA, claimA2, query("q0", "00:00:00", ""), query("q", "00:00:01", "")}, ""},
		{"an explicit as_of raises no flip",
			[]string{docA, docB, claimB, query("q0", "00:00:00", ""), claimA, query("q", "00:00:01", `,"as_of":"2024-01-01T12:00:00Z"`)}, "lens-disagreement single-source"},
		{"nor does it count as the answer before",
			[]string{docA, docB, claimB, query("q0", "00:00:00", `,"as_of":"2024-01-01T12:00:00Z"`), claimA, query("q", "00:00:01", "")}, "lens-disagreement single-source"},
		{"little support is low confidence", []string{docB, strings.Replace(claimB, "0.8", "0.2", 1), query("q", "00:00:00", "")}, "single-source low-confidence"},
		{"nothing known is no answer", []string{docA, query("q", "00:00:00", "")}, "no-answer"},
		{"a silent skeptic is disagreed with",
			[]string{docA, docB, claimA, claimB, strings.Replace(query("q", "00:00:00", ""), "authority", "skeptic", 1)},
			"contested lens-disagreement single-source no-answer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, ids := world(t, tt.lines...)
			v, err := e.Verdict(t.Context(), ids["@q"])
			if err != nil {
				t.Fatal(err)
			}
			if got := codes(v.Audit); got != tt.want {
				t.Errorf("findings %q, want %q", got, tt.want)
			}
			for _, f := range v.Audit.Findings {
				for _, cited := range f.Cites {
					if _, err := e.Record(t.Context(), cited); err != nil {
						t.Errorf("%s cites %s: %v", f.Code, cited.Short(), err)
					}
				}
			}
		})
	}
}

// TestFilters: every filter lets its matches through and nothing else, on whichever index it is answered from.
func TestFilters(t *testing.T) {
	e, _ := world(t, docA, claimA,
		`{"kind":"query","id":"1","agent":"ann","subject":"auth/jwt","predicate":"alg","lens":"authority","timestamp":"2024-01-02T00:00:01Z","labels":{"env":"prod"},"trace_id":"T1"}`,
		`{"kind":"query","id":"2","agent":"ann","subject":"auth/jwt/key","predicate":"alg","timestamp":"2024-01-02T00:00:02Z","question":"Which Key is it?"}`,
		`{"kind":"query","id":"3","agent":"bob","subject":"auth","predicate":"ttl","timestamp":"2024-01-02T00:00:03Z","conversation_id":"C1"}`,
		`{"kind":"query","id":"4","agent":"bob","subject":"s/x","predicate":"p","lens":"recency","timestamp":"2024-01-02T00:00:04Z"}`,
	)
	at := func(s string) *record.Time {
		v, err := record.ParseTime("2024-01-02T00:00:" + s + "Z")
		if err != nil {
			t.Fatal(err)
		}
		return &v
	}
	tests := []struct {
		name   string
		filter ask.AuditFilter
		want   string // seconds, newest first
	}{
		{"no filter is all", ask.AuditFilter{}, "4 3 2 1"},
		{"agent", ask.AuditFilter{Agent: "ann"}, "2 1"},
		{"a literal subject", ask.AuditFilter{Subject: "auth/jwt"}, "1"},
		{"one star is one level", ask.AuditFilter{Subject: "auth/*"}, "1"},
		{"two stars are any depth and the subject itself", ask.AuditFilter{Subject: "auth/**"}, "3 2 1"},
		{"braces are either", ask.AuditFilter{Subject: "{s/x,auth}"}, "4 3"},
		{"agent and glob", ask.AuditFilter{Agent: "bob", Subject: "auth/**"}, "3"},
		{"the start is included, the end is not", ask.AuditFilter{Range: ask.Range{From: at("02"), To: at("04")}}, "3 2"},
		{"agent and range", ask.AuditFilter{Agent: "bob", Range: ask.Range{From: at("04")}}, "4"},
		{"predicate", ask.AuditFilter{Predicate: "alg"}, "2 1"},
		{"lens", ask.AuditFilter{Lens: "authority"}, "1"},
		{"agent and lens", ask.AuditFilter{Agent: "bob", Lens: "recency"}, "4"},
		{"finding", ask.AuditFilter{Finding: "single-source"}, "4"},
		{"label", ask.AuditFilter{Labels: map[string]string{"env": "prod"}}, "1"},
		{"trace id", ask.AuditFilter{TraceID: "T1"}, "1"},
		{"conversation", ask.AuditFilter{Conversation: "C1"}, "3"},
		{"words in any case and order, over question and value too", ask.AuditFilter{Text: "key WHICH"}, "2"},
		{"words over labels", ask.AuditFilter{Text: "env=prod"}, "1"},
		{"nobody", ask.AuditFilter{Agent: "nobody"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := e.Audits(t.Context(), tt.filter)
			if err != nil {
				t.Fatal(err)
			}
			var list []string
			for _, q := range got.Queries {
				list = append(list, fmt.Sprint(q.Timestamp.Std().Second()))
			}
			if s := strings.Join(list, " "); s != tt.want || got.Total != uint64(len(list)) {
				t.Errorf("Audits = %q total %d, want %q", s, got.Total, tt.want)
			}
			if tt.want == "" && len(got.Empty) == 0 {
				t.Error("an empty list does not say why it may be empty")
			}
		})
	}
}

// TestFiltersThatMakeNoSense are the asker's mistake, with the field and what was expected.
func TestFiltersThatMakeNoSense(t *testing.T) {
	e := open(t, "")
	from, to := record.Time(2), record.Time(1)
	for field, f := range map[string]ask.AuditFilter{
		"subject": {Subject: "auth/["},
		"finding": {Finding: "suspicious"},
		"cursor":  {Cursor: "next"},
		"time":    {Range: ask.Range{From: &from, To: &to}},
	} {
		_, err := e.Audits(t.Context(), f)
		var wrong *ask.UsageError
		if !errors.As(err, &wrong) || wrong.Field != field || wrong.Expected == "" {
			t.Errorf("Audits(%+v) = %v, want a *UsageError about %s", f, err, field)
		}
	}
}

// TestPagingIsStableWhileRecordsArrive: pages make up exactly what the first page could see.
func TestPagingIsStableWhileRecordsArrive(t *testing.T) {
	var lines []string
	for i := range 25 {
		lines = append(lines, query(fmt.Sprintf("q%d", i), fmt.Sprintf("00:00:%02d", i/2), fmt.Sprintf(`,"trace_id":"%d"`, i)))
	}
	e, _ := world(t, lines...)
	all, err := e.Audits(t.Context(), ask.AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	var paged []record.ID
	f := ask.AuditFilter{Limit: 4}
	for page := 0; ; page++ {
		got, err := e.Audits(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if got.Total != 25 {
			t.Errorf("page %d: total %d, want the 25 that the first page could see", page, got.Total)
		}
		for _, q := range got.Queries {
			paged = append(paged, q.ID)
		}
		if got.NextCursor == nil {
			break
		}
		f.Cursor = *got.NextCursor
		take(t, e, engine.IngestOptions{}, query("late", fmt.Sprintf("00:00:%02d", page), `,"trace_id":"late"`))
	}
	var want []record.ID
	for _, q := range all.Queries {
		want = append(want, q.ID)
	}
	if diff := cmp.Diff(want, paged); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
}

// TestTheSameQuestionIsOneAudit (rule 6).
func TestTheSameQuestionIsOneAudit(t *testing.T) {
	e, ids := world(t, docA, claimA, query("q", "00:00:00", ""))
	head := e.Head().Last
	again, _, _ := take(t, e, engine.IngestOptions{}, docA, claimA, query("q", "00:00:00", `,"question":"in other words"`))
	if again["@q"] != ids["@q"] {
		t.Errorf("asked again it is %s, want %s", again["@q"].Short(), ids["@q"].Short())
	}
	if e.Head().Last != head {
		t.Errorf("the journal grew from lsn %d to %d; taking a file in twice writes nothing", head, e.Head().Last)
	}
	other, _, _ := take(t, e, engine.IngestOptions{}, query("q", "00:00:00", `,"conversation_id":"c"`))
	if other["@q"] == ids["@q"] {
		t.Error("another conversation is the same audit, want another")
	}
}

// TestPinIsWhatTheAnswerCouldSee: what arrives later, however old it claims to be, changes no recorded answer.
func TestPinIsWhatTheAnswerCouldSee(t *testing.T) {
	e, ids := world(t, docA, docB, claimB, query("q", "00:00:00", ""))
	take(t, e, engine.IngestOptions{}, docA, claimA) // backdated, and more trusted
	v, err := e.Verdict(t.Context(), ids["@q"])
	if err != nil {
		t.Fatal(err)
	}
	if v.Recomputed != ask.Same || v.Audit.Result.Value != record.TextObject("B") {
		t.Errorf("told %v, recomputed %s; want B, same", v.Audit.Result.Value, v.Recomputed)
	}
	if v.Now == nil || v.Now.Result.Value != record.TextObject("A") || !v.Now.Changed {
		t.Errorf("now %+v, want A, changed", v.Now)
	}
	if *v.Audit.Pin != 5 { // two sources with their evidence, and one claim
		t.Errorf("pin %d, want 5", *v.Audit.Pin)
	}
}

// TestImportedAudits are shown as told: nothing is recomputed, nothing that needs it is found.
func TestImportedAudits(t *testing.T) {
	imported := `{"kind":"audit","id":"i","agent_id":"ann","timestamp":"2024-01-02T00:00:00Z","subject":"s/x","predicate":"p","lens":"authority","result":{"value":"Z","confidence":0.3,"share":0.4},"considered":1,"contributing_assertions":[{"hash":"@a","weight":0.2,"source_hash":"@doc","lifecycle":"Proposed"}]%s}`
	foreign := fmt.Sprintf(imported, `,"pin":3,"journal":"`+strings.Repeat("ab", 16)+`"`)
	for state, line := range map[ask.State]string{ask.Imported: fmt.Sprintf(imported, ""), ask.Foreign: foreign} {
		t.Run(string(state), func(t *testing.T) {
			e, ids := world(t, docA, claimA, line)
			v, err := e.Verdict(t.Context(), ids["@i"])
			if err != nil {
				t.Fatal(err)
			}
			if v.Audit.State != state || v.Recomputed != ask.NotPossible || v.Now != nil || len(v.Against) > 0 {
				t.Errorf("state %s, recomputed %s, now %v; want %s, not possible, none", v.Audit.State, v.Recomputed, v.Now, state)
			}
			if got := codes(v.Audit); got != "unapproved single-source" {
				t.Errorf("findings %q, want those that need no recomputing", got)
			}
			if len(v.Because) != 1 || v.Because[0].Weight != 0.2 || v.Because[0].Lifecycle != record.Proposed || v.Because[0].Value != record.TextObject("A") {
				t.Errorf("because %+v, want the contribution as recorded", v.Because)
			}
		})
	}
}

// TestAForgedAuditIsRefused: an audit that claims this very journal must be here already (rule 6).
func TestAForgedAuditIsRefused(t *testing.T) {
	e, ids := world(t, docA, claimA, query("q", "00:00:00", ""))
	r, err := e.Record(t.Context(), ids["@q"])
	if err != nil {
		t.Fatal(err)
	}
	line := string(record.AppendJSON(nil, r.Record))
	if _, done, refused := take(t, e, engine.IngestOptions{}, line); done.Kept != 1 || len(refused) != 0 {
		t.Errorf("the audit itself: %+v %v, want it kept", done, refused)
	}
	forged := strings.Replace(line, `"agent_id":"ann"`, `"agent_id":"eve"`, 1)
	if _, done, refused := take(t, e, engine.IngestOptions{}, forged); done.Refused != 1 || len(refused) != 1 {
		t.Errorf("a forged audit: %+v %v, want it refused", done, refused)
	}
	agents, err := e.Agents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(uint64(1), agents[1].Rejects); agents[1].Name != "eve" || diff != "" {
		t.Errorf("agents %+v, want eve with one refused line", agents)
	}
}

// TestStrictIsAllOrNothing: one bad line and nothing is written.
func TestStrictIsAllOrNothing(t *testing.T) {
	e := open(t, "")
	_, done, refused := take(t, e, engine.IngestOptions{Strict: true}, docA, claimA, `{"kind":"vote"}`)
	if done.Kept != 0 || done.Refused != 1 || len(refused) != 1 || e.Head().Last != 0 {
		t.Errorf("strict with a bad line: %+v, journal at %d; want nothing kept or written", done, e.Head().Last)
	}
	_, done, _ = take(t, e, engine.IngestOptions{Strict: true}, docA, claimA)
	if done.Kept != 2 || e.Head().Last != 3 {
		t.Errorf("strict without: %+v, journal at %d; want 2 lines, 3 records", done, e.Head().Last)
	}
	if _, done, refused = take(t, e, engine.IngestOptions{Strict: true}, query("q", "00:00:00", "")); done.Refused != 1 || len(refused) != 1 {
		t.Errorf("a strict question: %+v, want it refused", done)
	}
}

// TestDryRunWritesNothing: it says what would be kept and refused.
func TestDryRunWritesNothing(t *testing.T) {
	e := open(t, "")
	_, done, refused := take(t, e, engine.IngestOptions{DryRun: true}, docA, claimA, query("q", "00:00:00", ""),
		`{"kind":"event","type":"deploy","timestamp":"2024-01-02T00:00:01Z","agent":"ann","title":"x","based_on":["@q"]}`, `{"kind":"vote"}`)
	if done.Kept != 4 || done.Refused != 1 || len(refused) != 1 || e.Head().Last != 0 {
		t.Errorf("dry run: %+v, journal at %d; want 4 kept, 1 refused, nothing written", done, e.Head().Last)
	}
}

// TestReopenKeepsEverything: closing and opening a directory changes no answer, and a crash loses none either.
func TestReopenKeepsEverything(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	e := open(t, dir)
	ids, _, _ := take(t, e, engine.IngestOptions{}, docA, docB, claimA, claimB, query("q", "00:00:00", ""))
	want, err := e.Verdict(t.Context(), ids["@q"])
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	got, err := again.Verdict(t.Context(), ids["@q"])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after reopening (-want +got):\n%s", diff)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	// The store is an opinion: without it, the journal makes it anew.
	if err := os.RemoveAll(filepath.Join(dir, "kv")); err != nil {
		t.Fatal(err)
	}
	anew := open(t, dir)
	if err := anew.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err = anew.Verdict(t.Context(), ids["@q"]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("from the journal alone (-want +got):\n%s", diff)
	}
}

// TestOneProcessHoldsADirectory: a second one gets the first one's number and the way out.
func TestOneProcessHoldsADirectory(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	_, err := engine.Open(t.Context(), engine.Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("a second Open = %v, want an error that names process %d", err, os.Getpid())
	}
}

// TestIdentify: what people type for an id.
func TestIdentify(t *testing.T) {
	e, ids := world(t, docA, claimA, query("q", "00:00:00", ""))
	q := ids["@q"]
	digits := q.Hash.String()
	for _, typed := range []string{q.String(), q.Short(), digits, digits[:7], strings.ToUpper(digits[:9])} {
		if got, err := e.Identify(t.Context(), typed); err != nil || got != q {
			t.Errorf("Identify(%s) = %s, %v; want %s", typed, got.Short(), err, q.Short())
		}
	}
	var wrong *ask.UsageError
	for _, typed := range []string{"", "q_", "abc", "z_1234", "q_12g4", strings.Repeat("a", 65)} {
		if _, err := e.Identify(t.Context(), typed); !errors.As(err, &wrong) {
			t.Errorf("Identify(%q) = %v, want a *UsageError", typed, err)
		}
	}
	flipped := "0"
	if digits[63] == '0' {
		flipped = "1"
	}
	var absent *ask.NotFoundError
	if _, err := e.Identify(t.Context(), digits[:63]+flipped); !errors.As(err, &absent) || len(absent.Near) != 1 || absent.Near[0] != q.Short() {
		t.Errorf("Identify of a misread id = %v, want not found, near %s", err, q.Short())
	}
}

// TestManyAskAtOnce: the same question is one audit, however many ask it at the same time; different ones are one each.
func TestManyAskAtOnce(t *testing.T) {
	e, _ := world(t, docA, claimA)
	before := e.Head().Last
	var askers sync.WaitGroup
	var mu sync.Mutex
	ids := map[record.ID]int{} // guarded by mu
	for i := range 60 {
		askers.Go(func() {
			a, err := e.Ask(t.Context(), record.Query{Agent: "ann", Subject: "s/x", Predicate: "p", Timestamp: record.Time(1.8e18) + record.Time(i%20), AsOf: record.Unset})
			if err != nil || a.Result.Value.Text != "A" {
				t.Errorf("told %v, %v, want A", a.Result.Value, err)
			}
			mu.Lock()
			ids[a.ID]++
			mu.Unlock()
		})
	}
	askers.Wait()
	if got := e.Head().Last - before; len(ids) != 20 || got != 20 {
		t.Errorf("20 questions, asked 60 times, are %d audits and %d records, want 20", len(ids), got)
	}
}

// TestAskTellsWhatIsWrittenDown: the answer that is given out is the one that is read back, with its findings.
func TestAskTellsWhatIsWrittenDown(t *testing.T) {
	e := open(t, t.TempDir())
	ctx := context.Background()
	var lines bytes.Buffer
	claims(&lines, "crowd", 40, 25)
	if _, err := e.Ingest(ctx, record.NewReader(&lines, "crowd", e), engine.IngestOptions{}); err != nil {
		t.Fatal(err)
	}
	findings := 0
	for i, l := range engine.Lenses() {
		told, err := e.Ask(ctx, record.Query{Agent: "asker", Subject: "crowd", Predicate: "owner", Lens: l, Timestamp: record.Time(1.8e18 + int64(i)), AsOf: record.Unset})
		if err != nil {
			t.Fatal(err)
		}
		read, err := e.Audit(ctx, told.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(read, told); diff != "" {
			t.Errorf("%s (-read back, +told):\n%s", l, diff)
		}
		findings += len(told.Findings)
	}
	if findings == 0 {
		t.Error("nothing was found about any answer, so nothing was compared")
	}
}

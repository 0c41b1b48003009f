package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// The ids of a trace and a span as other systems make them: hexadecimal, so that they may be taken for ids of ours.
const (
	outsideTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	outsideSpan  = "00f067aa0ba902b7"
)

// library has a record of nearly every kind.
func library(t *testing.T) (*engine.Engine, map[string]record.ID) {
	return world(t,
		`{"kind":"source","id":"s","name":"Security-RFC.md","uri":"https://wiki/rfc","authority":0.9,"agent":"sync","timestamp":"2024-01-01T00:00:00Z","content":"a needle in the bytes"}`,
		`{"kind":"epoch","id":"e","name":"winter","agent":"ops","timestamp":"2024-01-01T00:00:00Z"}`,
		`{"kind":"assertion","id":"a","subject":"auth/jwt","predicate":"alg","object":"ES256","confidence":0.9,"agent":"bot","timestamp":"2024-01-01T00:00:01Z","source":"@s","note":"section 4.1"}`,
		`{"kind":"assertion","id":"n","subject":"auth/jwt","predicate":"ttl","object":900,"confidence":0.9,"agent":"bot","timestamp":"2024-01-01T00:00:02Z","source":"@s","parents":["@a"]}`,
		`{"kind":"assertion","id":"r","subject":"auth/key","predicate":"of","object":{"ref":"@a"},"confidence":0.9,"agent":"bot","timestamp":"2024-01-01T00:00:02Z","source":"@s"}`,
		`{"kind":"vote","id":"v","assertion":"@a","agent":"alice","weight":1,"timestamp":"2024-01-01T00:00:03Z"}`,
		`{"kind":"transition","id":"t","assertion":"@a","to":"Approved","agent":"alice","reason":"CHG-1091","timestamp":"2024-01-01T00:00:04Z"}`,
		fmt.Sprintf(`{"kind":"query","id":"q","agent":"deployer","subject":"auth/jwt","predicate":"alg","question":"Which Algorithm?","timestamp":"2024-01-02T00:00:00Z","labels":{"env":"prod"},"trace_id":%q,"span_id":%q,"conversation_id":"C-7","tool_call_id":"call_9"}`, outsideTrace, outsideSpan),
		`{"kind":"event","id":"w","type":"deploy","timestamp":"2024-01-02T00:00:01Z","agent":"deployer","title":"Config 41","subject":"auth","based_on":["@q"],"labels":{"env":"prod"}}`,
	)
}

func TestFind(t *testing.T) {
	e, ids := library(t)
	tests := []struct {
		name, text string
		kind       record.Kind
		want       string // labels, in order
	}{
		{"a value, of claims and answers, newest first", "es256", 0, "q a"},
		{"a number", "900", 0, "n"},
		{"a value that is a record, by its id", "@a", 0, "a r"},
		{"the name of a source, in any case", "security-rfc", 0, "s"},
		{"a uri", "https://wiki", 0, "s"},
		{"a title", "config 41", 0, "w"},
		{"all words, in any order", "41 deploy CONFIG", 0, "w"},
		{"not some words", "config 42", 0, ""},
		{"a subject and a predicate", "auth/jwt ttl", 0, "n"},
		{"an agent", "deployer", 0, "w q"},
		{"an agent by name is that agent and no other", "agent:deploy", 0, ""},
		{"an agent by name", "agent:alice", 0, "t v"},
		{"a label", "env=prod", 0, "w q"},
		{"a label, of one kind", "env=prod", record.KindEvent, "w"},
		{"a question", "which algorithm?", 0, "q"},
		{"a reason", "chg-1091", 0, "t"},
		{"a note", "section", 0, "a"},
		{"an epoch", "winter", 0, "e"},
		{"a trace id, which may be an id of ours", outsideTrace, 0, "q"},
		{"the beginning of a span id", outsideSpan[:8], 0, "q"},
		{"a conversation", "c-7", 0, "q"},
		{"a tool call", "CALL_9", 0, "q"},
		{"the bytes of evidence are not looked through", "needle", 0, ""},
		{"nothing of that kind", "es256", record.KindVote, ""},
		{"a short id is a word", "41", 0, "w"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := tt.text
			if id, ok := ids[text]; ok {
				text = id.String()
			}
			got, err := e.Find(t.Context(), ask.FindQuery{Text: text, Kind: tt.kind})
			if err != nil {
				t.Fatal(err)
			}
			if s := hitLabels(got.Records, ids); s != tt.want {
				t.Errorf("Find(%q) = %q, want %q", text, s, tt.want)
			}
			if !got.Searched.Complete() || !got.AllReceivedShown || got.NextCursor != nil || got.Searched.Unreadable != 0 {
				t.Errorf("Find(%q) is not complete: %+v", text, got)
			}
			if tt.want == "" && len(got.Notes) == 0 {
				t.Error("nothing was found, and it does not say why it may be so")
			}
		})
	}
}

func hitLabels(hits []ask.Hit, ids map[string]record.ID) string {
	labels := map[record.ID]string{}
	for label, id := range ids {
		labels[id] = strings.TrimPrefix(label, "@")
	}
	var list []string
	for _, h := range hits {
		list = append(list, labels[h.ID])
	}
	return strings.Join(list, " ")
}

// TestFindByID: any kind by its id, in full or its beginning, with or without its letter; also evidence.
func TestFindByID(t *testing.T) {
	e, ids := library(t)
	ids["@b"] = record.ID{Kind: record.KindEvidence, Hash: record.Sum([]byte("a needle in the bytes"))}
	for label, id := range ids {
		for _, typed := range []string{id.String(), id.Short(), id.Hash.String()[:8], strings.ToUpper(id.Hash.String())} {
			got, err := e.Find(t.Context(), ask.FindQuery{Text: typed})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Records) == 0 || got.Records[0].ID != id {
				t.Errorf("Find(%s) = %+v, want %s first", typed, got.Records, label)
				continue
			}
			full, err := e.Record(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			h := got.Records[0]
			if h.Kind != id.Kind.String() || h.LSN != full.LSN || h.RecordedAt != full.RecordedAt || h.What == "" || (h.Timestamp == nil) != (id.Kind == record.KindEvidence) {
				t.Errorf("Find(%s) = %+v, want it as the journal has it", typed, h)
			}
		}
	}
	if got, err := e.Find(t.Context(), ask.FindQuery{Text: ids["@a"].String(), Kind: record.KindVote}); err != nil || len(got.Records) != 0 {
		t.Errorf("an assertion's id among votes: %+v, %v; want nothing", got.Records, err)
	}
}

// TestFindPages: pages together are the whole, whatever ends a page, and each says how far the search came.
func TestFindPages(t *testing.T) {
	e, ids := library(t)
	for name, text := range map[string]string{"words": "auth", "an id that is also a value": ids["@a"].String(), "an agent": "agent:bot", "nothing": "nowhere"} {
		whole, err := e.Find(t.Context(), ask.FindQuery{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		for bounds, q := range map[string]ask.FindQuery{
			"one record a page": {Limit: 1}, "two": {Limit: 2}, "three looked at": {Search: ask.Bounds{Records: 3}},
			"no time": {Search: ask.Bounds{Time: -1}}, "all": {Limit: 100},
		} {
			t.Run(name+", "+bounds, func(t *testing.T) {
				q.Text = text
				var got, streamed []ask.Hit
				q.Each = func(h ask.Hit) error { streamed = append(streamed, h); return nil }
				done := uint64(0)
				for pages := 0; ; pages++ {
					page, err := e.Find(t.Context(), q)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, page.Records...)
					if page.Searched.Of != whole.Searched.Of || page.Searched.Done < done || pages > int(page.Searched.Of) {
						t.Fatalf("page %d: %s after %d, want %d in all", pages, page.Searched, done, whole.Searched.Of)
					}
					if done = page.Searched.Done; !strings.Contains(page.Completeness(), page.Searched.String()) {
						t.Errorf("page %d says %q, want it to say %q", pages, page.Completeness(), page.Searched)
					}
					if page.NextCursor == nil {
						break
					}
					q.Cursor = *page.NextCursor
				}
				if diff := cmp.Diff(whole.Records, got, cmpNothing); diff != "" {
					t.Errorf("all pages together (-want +got):\n%s", diff)
				}
				if !slices.EqualFunc(got, streamed, func(a, b ask.Hit) bool { return a.ID == b.ID }) {
					t.Errorf("streamed %d records, listed %d", len(streamed), len(got))
				}
				if done != whole.Searched.Of {
					t.Errorf("the last page searched %d of %d", done, whole.Searched.Of)
				}
			})
		}
	}
}

// cmpNothing takes no records and none yet for the same.
var cmpNothing = cmp.Transformer("nothing", func(list []ask.Hit) []ask.Hit {
	if len(list) == 0 {
		return nil
	}
	return list
})

// TestFindKeepsStill: what is recorded while somebody pages does not move what is left.
func TestFindKeepsStill(t *testing.T) {
	e, ids := library(t)
	first, err := e.Find(t.Context(), ask.FindQuery{Text: "auth", Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	appended(t, e, &record.Event{Type: record.Note, Title: "auth again", Agent: "ann"})
	rest, err := e.Find(t.Context(), ask.FindQuery{Text: "auth", Cursor: *first.NextCursor})
	if err != nil {
		t.Fatal(err)
	}
	if got := hitLabels(append(first.Records, rest.Records...), ids); got != "w q r n a" || rest.Searched.Of != first.Searched.Of {
		t.Errorf("%q of %d, then %d; want what was there at first", got, first.Searched.Of, rest.Searched.Of)
	}
	again, err := e.Find(t.Context(), ask.FindQuery{Text: "auth"})
	if err != nil || len(again.Records) != 6 {
		t.Errorf("a new search finds %d, %v; want the new one too", len(again.Records), err)
	}
}

// TestFindErased: what was erased is found by its id, not by what it said.
func TestFindErased(t *testing.T) {
	e, ids := library(t)
	at, _ := record.ParseTime("2024-02-01T00:00:00Z")
	full, err := e.Record(t.Context(), ids["@a"])
	if err != nil {
		t.Fatal(err)
	}
	erasure := appended(t, e, &record.Erasure{Target: ids["@a"].Hash, LSN: full.LSN, Agent: "ann", Reason: "asked to", Timestamp: at})
	byWord, err := e.Find(t.Context(), ask.FindQuery{Text: "section"})
	if err != nil || len(byWord.Records) != 0 {
		t.Errorf("found by what it said: %+v, %v", byWord.Records, err)
	}
	byID, err := e.Find(t.Context(), ask.FindQuery{Text: ids["@a"].Short()})
	if err != nil || len(byID.Records) == 0 || byID.Records[0].What != "erased" || byID.Records[0].Agent != "" {
		t.Errorf("found by its id: %+v, %v; want that it was erased", byID.Records, err)
	}
	why, err := e.Find(t.Context(), ask.FindQuery{Text: "asked"})
	if err != nil || len(why.Records) != 1 || why.Records[0].ID != erasure {
		t.Errorf("the erasure: %+v, %v; want it found by its reason", why.Records, err)
	}
}

// TestFindShortens what may be 64 KiB, between characters.
func TestFindShortens(t *testing.T) {
	long := strings.Repeat("é", 1000)
	e, _ := world(t, docA, strings.Replace(claimA, `"object":"A"`, `"object":"`+long+`"`, 1))
	got, err := e.Find(t.Context(), ask.FindQuery{Text: long[:40]})
	if err != nil || len(got.Records) != 1 {
		t.Fatalf("%+v, %v; want one", got.Records, err)
	}
	what := got.Records[0].What
	if runes := []rune(what); len(runes) != 201 || runes[200] != '…' || runes[199] != 'é' {
		t.Errorf("%d characters, %q; want 200 and an ellipsis", len(runes), what)
	}
}

// TestFindRefuses what cannot be looked for, and says why nothing is found where nothing is.
func TestFindRefuses(t *testing.T) {
	e := open(t, "")
	for name, tt := range map[string]struct {
		field string
		query ask.FindQuery
	}{
		"no words":                 {"find", ask.FindQuery{Text: " "}},
		"too many":                 {"find", ask.FindQuery{Text: strings.Repeat("x", record.MaxStringBytes+1)}},
		"a cursor of another kind": {"cursor", ask.FindQuery{Text: "x", Cursor: "next"}},
		"a cursor of a trace":      {"cursor", ask.FindQuery{Text: "x", Cursor: strings.Repeat("A", 43)}},
	} {
		_, err := e.Find(t.Context(), tt.query)
		var wrong *ask.UsageError
		if !errors.As(err, &wrong) || wrong.Field != tt.field {
			t.Errorf("%s: %v, want a *UsageError about %s", name, err, tt.field)
		}
	}
	got, err := e.Find(t.Context(), ask.FindQuery{Text: "x"})
	if err != nil || got.Records == nil || !strings.Contains(got.Completeness(), "nothing has been recorded here yet") {
		t.Errorf("in an empty store: %+v, %v", got, err)
	}
	stop := errors.New("stop")
	e, _ = library(t)
	if _, err := e.Find(t.Context(), ask.FindQuery{Text: "auth", Each: func(ask.Hit) error { return stop }}); !errors.Is(err, stop) {
		t.Errorf("Each gave an error, Find %v", err)
	}
}

package export_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"episteme/engine/cases"
	"episteme/engine/export"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

func postmortem(t *testing.T, e export.CaseEvidence, c cases.Case) *export.Postmortem {
	t.Helper()
	p, err := export.CollectCase(context.Background(), e, c, made)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func writtenCase(t *testing.T, f export.Format, p *export.Postmortem) string {
	t.Helper()
	var b bytes.Buffer
	if err := export.WritePostmortem(&b, f, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func moment(s string) record.Time {
	t, err := record.ParseTime(s)
	if err != nil {
		panic(err)
	}
	return t
}

// TestPostmortem compares the postmortem of the query that went wrong with goldens that people have read.
func TestPostmortem(t *testing.T) {
	e, ids := incident(t)
	now := moment("2024-01-15T22:31:07Z")
	gone := record.ID{Kind: record.KindEvent, Hash: record.Sum([]byte("gone"))}
	p := postmortem(t, e, cases.Case{Name: "inc-1", Skipped: 1, Lines: []cases.Line{
		{At: now, By: "alice", Kind: cases.Bookmark, ID: ids[deciding], Note: "the wrong one"},
		{At: now, By: "alice", Kind: cases.Zero, Zero: moment("2024-01-15T21:09:12Z")},
		{At: now, By: "bob", Kind: cases.Bookmark, ID: gone},
		{At: now, By: "bob", Kind: cases.Note, Note: "who approved config 41?"},
	}})
	for format, file := range map[export.Format]string{export.Markdown: "postmortem.md", export.HTML: "postmortem.html"} {
		t.Run(file, func(t *testing.T) {
			golden(t, file, settled(writtenCase(t, format, p), p.Contents.Journal, p.Contents.Chain))
		})
	}
	if err := export.WritePostmortem(&bytes.Buffer{}, export.Bundle, p); err == nil {
		t.Error("a postmortem as json was not refused")
	}
}

// An event brings the queries along that it was based on; a case of notes alone still has a page.
func TestWhatAPostmortemRestsOn(t *testing.T) {
	e, ids := incident(t)
	events, err := e.Events(context.Background(), ask.Range{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range events {
		if len(event.BasedOn) == 1 && event.BasedOn[0] == ids[deciding] {
			page := writtenCase(t, export.Markdown, postmortem(t, e, cases.Case{Name: "c", Lines: []cases.Line{{By: "a", Kind: cases.Bookmark, ID: event.ID}}}))
			if !strings.Contains(page, "and was told **ES256**") {
				t.Errorf("the query behind the event is missing:\n%s", page)
			}
			page = writtenCase(t, export.Markdown, postmortem(t, e, cases.Case{Name: "c", Lines: []cases.Line{{By: "a", Kind: cases.Note, Note: "first"}}}))
			if !strings.Contains(page, "No query was kept") || !strings.Contains(page, "first") {
				t.Errorf("a case of notes alone:\n%s", page)
			}
			return
		}
	}
	t.Fatal("no event is based on the deciding query")
}

// What people write into notes is text, and so is a subject in a command.
func TestHostileCase(t *testing.T) {
	nasty := "<script>alert(1)</script> `rm -rf ~` | [x](javascript:1) \x1b[2J \u202e"
	e, ids := take(t, tiny)
	p := postmortem(t, e, cases.Case{Name: "c", Lines: []cases.Line{
		{By: nasty, Kind: cases.Bookmark, ID: ids["q"], Note: nasty}, {By: nasty, Kind: cases.Note, Note: nasty + "?"},
	}})
	live := map[export.Format][]string{export.Markdown: {"<script", "\x1b", "\u202e", "[x]("}, export.HTML: {"<script", "\x1b", "\u202e"}}
	for f, list := range live {
		page := writtenCase(t, f, p)
		for _, l := range list {
			if strings.Contains(page, l) {
				t.Errorf("%s: %q is live", f, l)
			}
		}
	}
}

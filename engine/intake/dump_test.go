package intake

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"episteme/engine/record"
)

// dump writes items as text a person can check against the file they came from: one record a paragraph, every field
// that is set.
func dump(t *testing.T, items []Item) string {
	t.Helper()
	var b strings.Builder
	for _, item := range items {
		fmt.Fprintf(&b, "=== line %d: %s\n", item.Number, item.Kind)
		for _, r := range item.Records {
			id, err := record.IDOf(r)
			if err != nil {
				t.Fatalf("a record that cannot be encoded: %v", err)
			}
			fmt.Fprintf(&b, "%s %s\n", r.Kind(), id.Short())
			dumpRecord(&b, r)
		}
	}
	return b.String()
}

func dumpRecord(b *strings.Builder, r record.Record) {
	line := func(name, format string, args ...any) {
		if s := fmt.Sprintf(format, args...); s != "" {
			fmt.Fprintf(b, "    %-13s %s\n", name, s)
		}
	}
	switch r := r.(type) {
	case record.Evidence:
		line("bytes", "%d", len(r))
		line("text", "%s", r)
	case *record.Source:
		line("name", "%s", r.Name)
		line("digest", "%s", short(record.KindEvidence, r.Digest))
		line("uri", "%s", r.URI)
		line("media type", "%s", r.MediaType)
		line("authority", "%v", r.Authority)
		line("agent", "%s", r.Agent)
		line("timestamp", "%s", r.Timestamp)
	case *record.Assertion:
		line("claim", "%s · %s = %s", r.Subject, r.Predicate, value(r.Object))
		line("confidence", "%v", r.Confidence)
		line("lifecycle", "%s", r.Lifecycle)
		line("agent", "%s", r.Agent)
		line("timestamp", "%s", r.Timestamp)
		line("source", "%s", short(record.KindEvidence, r.Source))
		line("note", "%s", r.Note)
	case *record.Event:
		line("type", "%s", r.Type)
		line("agent", "%s", r.Agent)
		line("timestamp", "%s", r.Timestamp)
		line("title", "%q", r.Title)
		line("subject", "%s", r.Subject)
		for _, id := range r.BasedOn {
			line("based on", "%s", id.Short())
		}
		for _, l := range r.Labels {
			line("label", "%s=%s", l.Name, l.Value)
		}
		line("trace", "%s", r.TraceID)
		line("conversation", "%s", r.ConversationID)
	case *record.Audit:
		line("agent", "%s", r.Agent)
		line("timestamp", "%s", r.Timestamp)
		line("as of", "%s", r.AsOf)
		line("asked", "%s · %s", r.Subject, r.Predicate)
		line("question", "%s", r.Question)
		line("lens", "%s", r.Lens)
		line("pinned", "%v", r.Pinned)
		line("told", "%s", value(r.Value))
		line("confidence", "%v", r.Confidence)
		line("share", "%v", r.Share)
		line("considered", "%d", r.Considered)
		for _, c := range r.Contributions {
			line("contribution", "%s %s weight %v, %s", short(record.KindAssertion, c.Assertion), short(record.KindEvidence, c.Source), c.Weight, c.Lifecycle)
		}
		for _, l := range r.Labels {
			line("label", "%s=%s", l.Name, l.Value)
		}
		line("trace", "%s", r.TraceID)
		line("span", "%s", r.SpanID)
		line("conversation", "%s", r.ConversationID)
		line("tool call", "%s", r.ToolCallID)
	}
}

func short(kind record.Kind, h record.Hash) string { return record.ID{Kind: kind, Hash: h}.Short() }

func value(o record.Object) string {
	switch o.Type {
	case record.NoValue:
		return "(no value)"
	case record.Text:
		return fmt.Sprintf("%q", o.Text)
	case record.Number:
		return fmt.Sprint(o.Number)
	case record.Bool:
		return fmt.Sprint(o.Bool)
	}
	return o.Ref.String()
}

// indent writes each request of body over many lines.
func indent(t *testing.T, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	for line := range bytes.Lines(body) {
		if err := json.Indent(&b, bytes.TrimSpace(line), "", "  "); err != nil {
			t.Fatal(err)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

var hexID = regexp.MustCompile(`"(traceId|spanId|parentSpanId)":"([0-9a-f]+)"`)

// base64IDs writes the ids of body as protobuf's JSON mapping does.
func base64IDs(body []byte) []byte {
	return hexID.ReplaceAllFunc(body, func(field []byte) []byte {
		m := hexID.FindSubmatch(field)
		id, err := hex.DecodeString(string(m[2]))
		if err != nil {
			panic(err)
		}
		return fmt.Appendf(nil, `"%s":"%s"`, m[1], base64.StdEncoding.EncodeToString(id))
	})
}

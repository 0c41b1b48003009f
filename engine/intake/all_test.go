package intake

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/record"
)

func TestDetect(t *testing.T) {
	body, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, head, want string // want is empty where no format knows the file
	}{
		{"a real export", string(body[:DetectBytes]), "otlp"},
		{"an indented one", string(indent(t, body)[:DetectBytes]), "otlp"},
		{"snake case", `{"resource_spans":[`, "otlp"},
		{"logs before the spans", `{"resourceLogs":[`, "otlp"},
		{"behind a byte order mark", "\ufeff\n{\"resourceSpans\":[", "otlp"},
		{"an assertion", `{"kind":"assertion","id":"a"`, "jsonl"},
		{"spaces and empty lines", "\n\n { \"kind\" : \"source\" ,", "jsonl"},
		{"kind is not first", `{"id":"a","kind":"vote"}`, "jsonl"},
		{"a kind we do not know gets its reject from jsonl", `{"kind":"claim"}`, "jsonl"},
		{"a record that speaks of exports", `{"kind":"event","title":"{\"resourceSpans\":[]}"}`, "jsonl"},
		{"a span alone", `{"traceId":"0a","kind":1}`, ""},
		{"messages deep inside something else", `{"x":{"data":[{"role":"system","content":"a"}]}}`, ""},
		{"a message whose content speaks of kinds", `{"role":"user","content":"{\"kind\":\"vote\"}","kind":"request"}`, "chat"},
		{"a run with much before its messages", `[{"task_id":0,"info":{"messages":7},"traj":[{"role`, "chat"},
		{"a trace of Langfuse", `{"trace":{"id":"x","messages":[`, "langfuse"},
		{"a line feed and text", "\n\n\n{\"a\":1}", ""},
		{"text", "2024-01-15 ERROR", ""},
		{"an empty file", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, ok := Detect([]byte(tt.head))
			if f.Name != tt.want || ok != (tt.want != "") {
				t.Errorf("Detect = %q, %v; want %q", f.Name, ok, tt.want)
			}
			for _, other := range All() {
				if other.Name != f.Name && other.Detect([]byte(tt.head)) {
					t.Errorf("%s knows it too", other.Name)
				}
			}
		})
	}
}

func TestByName(t *testing.T) {
	for _, f := range All() {
		if got, ok := ByName(f.Name); !ok || got.Name != f.Name || f.Summary == "" {
			t.Errorf("ByName(%q) = %q, %v, %q; want it, with a summary", f.Name, got.Name, ok, got.Summary)
		}
	}
	if _, ok := ByName("csv"); ok {
		t.Error("ByName(csv) found something")
	}
}

// TestResumable: what stands after a line is the same whether the line was read or skipped, or the format says no.
func TestResumable(t *testing.T) {
	whole := protobufs(t, []byte(good))[0]
	for name, tt := range map[string]struct {
		format, file string
		want         bool
	}{
		"OTLP in JSON": {"otlp", good, true}, "in protobuf": {"otlp", string(whole), false}, "with lengths": {"otlp", string(framed([][]byte{whole})), false},
		"labels": {"jsonl", "{}", false}, "made times": {"chat", "{}", false}, "traces": {"langfuse", "{}", false},
	} {
		f, _ := ByName(tt.format)
		dec, err := f.Open(strings.NewReader(tt.file), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := Resumable(dec); got != tt.want {
			t.Errorf("%s: Resumable = %t, want %t", name, got, tt.want)
		}
	}
	d := decodeAs(t, "otlp", strings.NewReader(good+"\n{"), Options{File: "f", Skipped: Skipped{Bytes: 500, Lines: 7}})
	if len(d.items) != 1 || d.items[0].Number != 8 || len(d.rejects) != 1 || d.rejects[0].Line != 9 {
		t.Errorf("items %v, rejects %v; want them on lines 8 and 9", d.items, d.rejects)
	}
}

// TestJSONL: our own lines come from package record; the wrapper adds nothing but the count.
func TestJSONL(t *testing.T) {
	const file = `{"kind":"source","id":"rfc","name":"rfc.md","agent":"sync","timestamp":"2024-01-15T18:00:00Z","content":"x"}
{"kind":"nonsense"}
{"kind":"assertion","id":"a","subject":"auth/jwt","predicate":"alg","object":"ES256","confidence":1,"agent":"bot","timestamp":"2024-01-15T18:02:00Z","source":"@rfc"}
{"kind":"query","id":"q1","agent":"bot","subject":"auth/jwt","predicate":"alg","timestamp":"2024-01-15T21:03:47Z"}
{"kind":"event","type":"deploy","timestamp":"2024-01-15T21:04:10Z","agent":"bot","title":"t","based_on":["@q1"]}
`
	dec, err := jsonlFormat().Open(strings.NewReader(file), Options{File: "events.jsonl"})
	if err != nil {
		t.Fatal(err)
	}
	answer := record.ID{Kind: record.KindAudit, Hash: record.Sum([]byte("the answer"))}
	var got []string
	for {
		item, err := dec.Next()
		var reject *record.Reject
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.As(err, &reject) {
			got = append(got, "reject")
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, item.Kind.String()+" "+item.Label)
		if item.Query != nil {
			dec.Bind(item.Label, answer)
		}
		for _, r := range item.Records {
			if e, ok := r.(*record.Event); ok && !cmp.Equal(e.BasedOn, []record.ID{answer}) {
				t.Errorf("based on %v, want what the label was bound to", e.BasedOn)
			}
		}
	}
	if len(got) != 5 || got[1] != "reject" {
		t.Errorf("items %v, want 5, the second a reject", got)
	}
	if name, n := dec.Units(); name != "lines" || n != 5 || dec.Offset() != int64(len(file)) || len(dec.Dropped()) != 0 {
		t.Errorf("%d %s, offset %d, dropped %v; want 5 lines, %d, nothing", n, name, dec.Offset(), dec.Dropped(), len(file))
	}
}

// TestPageNamesWhatIsRead keeps docs/intake.md true: each attribute, setting, drop reason and limit is on it.
func TestPageNamesWhatIsRead(t *testing.T) {
	page, err := os.ReadFile("../../docs/intake.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range [][]string{agentKeys, serviceKeys, versionKeys, environmentKeys, conversationKeys, toolCallKeys, toolNameKeys, argumentKeys, outputKeys, questionKeys, traceAgentKeys, traceArgumentKeys, traceOutputKeys, runKeys, runAgentKeys, runConversationKeys, runLabelKeys} {
		for _, key := range keys {
			alone := "`" + key[strings.LastIndexByte(key, '.')+1:] + "`" // a second spelling stands behind the first
			if !strings.Contains(string(page), "`"+key+"`") && !strings.Contains(string(page), alone) {
				t.Errorf("docs/intake.md does not name the attribute %s", key)
			}
		}
	}
	for _, said := range []string{dropOther, dropSignal, dropDocuments, dropMemory, dropObservation, dropUntold, dropTwice, dropPeople, dropMessage, dropEmpty, dropNoResult, dropNoCall,
		dropPendings, dropTranscript, "2000-01-01", "262,144 observations", "1,048,576 messages", "OPENINFERENCE_HIDE_OUTPUTS", "recordOutputs", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "64 MiB", "256 deep", "262,144 spans", "16 MiB", "131,072 JSON objects"} {
		if !strings.Contains(string(page), said) {
			t.Errorf("docs/intake.md does not say %q", said)
		}
	}
	for _, f := range All() {
		if !strings.Contains(string(page), "| `"+f.Name+"` |") {
			t.Errorf("docs/intake.md does not list the format %s", f.Name)
		}
	}
}

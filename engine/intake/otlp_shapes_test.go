package intake

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestOTLPShapes: the ways in which exporters differ from the specification, or from each other.
func TestOTLPShapes(t *testing.T) {
	span := testSpan("x", tool(nil, "1"))
	withoutScope := strings.Replace(good, `"scope":{"name":"s"},`, "", 1)
	memory := testSpan("search_memory prefs", attrs{"gen_ai.operation.name", "search_memory", "gen_ai.memory.store.id", "prefs", "gen_ai.memory.query.text", "which seat", "gen_ai.memory.records", `[{"id":"m1","content":{"seat":"aisle"},"score":0.8}]`})
	tests := []struct{ name, file, subject, value string }{
		{"a scope that is missing", withoutScope, "tool/shop", "1"},
		{"spans without a list of scopes", strings.Replace(strings.Replace(good, `"scopeSpans":[{"scope":{"name":"s"},"spans":`, `"spans":`, 1), `]}]}]}`, `]}]}`, 1), "tool/shop", "1"},
		{"scopes under their old name", strings.Replace(good, "scopeSpans", "instrumentationLibrarySpans", 1), "tool/shop", "1"},
		{"a list of requests", "[" + good + "]", "tool/shop", "1"},
		{"enumerations by name", testExport(shop, strings.Replace(strings.Replace(span, `"kind":1`, `"kind":"SPAN_KIND_INTERNAL"`, 1), `"status":{}`, `"status":{"code":"STATUS_CODE_OK"}`, 1)), "tool/shop", "1"},
		{"memory that was searched", testExport(shop, memory), "memory/prefs", `{"seat":"aisle"}`},
		{"a list of texts", testExport(shop, retriever("output.value", `["ES256","RS256"]`)), "retrieval/shop", "ES256"},
		{"documents with a source_id", testExport(shop, testSpan("kb", attrs{"gen_ai.operation.name", "retrieval", "gen_ai.retrieval.documents", `[{"content":"ES256","source_id":"kb-1"}]`})), "retrieval/shop", "ES256"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := audit(t, one(t, tt.file))
			if got := strings.ReplaceAll(strings.Trim(value(a.Value), `"`), `\"`, `"`); a.Subject != tt.subject || got != tt.value {
				t.Errorf("told %s about %s, want %s about %s", got, a.Subject, tt.value, tt.subject)
			}
		})
	}
}

func TestMemoryThatChanges(t *testing.T) {
	for _, operation := range []string{"create_memory", "update_memory", "upsert_memory", "delete_memory", "create_memory_store", "delete_memory_store"} {
		d := decode(t, strings.NewReader(testExport(shop, testSpan("m", attrs{"gen_ai.operation.name", operation}))))
		if len(d.items) != 0 || d.dropped[dropMemory] != 1 {
			t.Errorf("%s: %d items, dropped %v; want it dropped", operation, len(d.items), d.dropped)
		}
	}
}

// TestProtobufReaderThatFails: a reader's error is no fault of the file, and stays.
func TestProtobufReaderThatFails(t *testing.T) {
	whole := protobufs(t, []byte(good))[0]
	broken := errors.New("disk on fire")
	dec, err := OTLP(io.MultiReader(bytes.NewReader(whole[:len(whole)-1]), iotest.ErrReader(broken)), Options{File: "f"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := dec.Next(); !errors.Is(err, broken) {
			t.Errorf("Next = %v, want what the reader said", err)
		}
	}
}

package intake

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"episteme/engine/record"
)

// FuzzOTLP: whatever the bytes, the decoder comes to an end without a panic, every record it yields can be encoded and
// read back, every reject has a place inside the file, and a second reading gives the same. Seeds are short: the
// sample of real spans is 57 KB, and the fuzzer would spend its time on making that smaller.
func FuzzOTLP(f *testing.F) {
	for _, seed := range []string{
		good, good + "\n" + good, good[:len(good)/2] + "\n" + good,
		testExport(shop, retriever(doc(0, "content"), "A", doc(0, "score"), 0.5, doc(1, "content"), "B", doc(1, "metadata"), `{"source":"b","score":2}`)),
		testExport(shop, retriever("output.value", `{"documents":[{"pageContent":"A","id":1}]}`)),
		testExport(shop, testSpan("x", tool(nil, `{"value":-0.0,"confidence":1e300,"sources":["a"]}`))),
		testExport(shop, testSpan("x", tool(nil, `{"lc":1,"kwargs":{"content":"{\"lc\":1}"}}`))),
		`{"resourceSpans":null}`, `{"resourceSpans":[null,{"scopeSpans":[null,{"spans":[null]}]}]}`, `{"resourceLogs":[]}`,
		`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"AAECAwQFBgcICQoLDA0ODw==","spanId":"AAECAwQFBgc="}]}]}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) { fuzzFormat(t, otlpFormat(), file) })
}

// FuzzOTLPProtobuf is the same for protobuf.
func FuzzOTLPProtobuf(f *testing.F) {
	for _, seed := range []string{
		good, testExport(shop, retriever(doc(0, "content"), "A", doc(0, "score"), 0.5)),
		testExport(shop, testSpan("x", tool(nil, `{"value":1,"sources":["a"]}`)), testSpan("y", nil)),
	} {
		requests := protobufs(f, []byte(seed))
		f.Add(requests[0])
		f.Add(framed(append(requests, requests...)))
	}
	f.Fuzz(func(t *testing.T, file []byte) { fuzzFormat(t, otlpFormat(), file) })
}

// fuzzFormat holds a format to the promises of the package.
func fuzzFormat(t *testing.T, format Format, file []byte) {
	first := fuzzDecode(t, format, file)
	if second := fuzzDecode(t, format, file); first != second {
		t.Errorf("read twice:\n%s\nthen\n%s", first, second)
	}
}

// fuzzDecode reads file to its end, checks what comes out, and tells it as text.
func fuzzDecode(t *testing.T, format Format, file []byte) string {
	dec, err := format.Open(bytes.NewReader(file), Options{File: "f"})
	if err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	lines := 1 + bytes.Count(file, newline)
	for last := int64(0); ; last = dec.Offset() {
		item, err := dec.Next()
		if dec.Offset() < last || dec.Offset() > int64(len(file)) {
			t.Fatalf("offset %d behind %d in a file of %d bytes", dec.Offset(), last, len(file))
		}
		var reject *record.Reject
		switch {
		case errors.Is(err, io.EOF):
			if dec.Offset() != int64(len(file)) {
				t.Errorf("at the end the offset is %d of %d", dec.Offset(), len(file))
			}
			return told.String()
		case errors.As(err, &reject):
			if reject.Line < 1 || reject.Line > lines || reject.Column < 1 || reject.Column > len(file)+1 || reject.Found == "" || reject.Expected == "" {
				t.Errorf("reject without a place or a reason: %+v", reject)
			}
			told.WriteString(reject.Error() + "\n")
			continue
		case err != nil:
			t.Fatal(err)
		}
		if item.Number < 1 || item.Number > lines {
			t.Errorf("an item of line %d in a file of %d", item.Number, lines)
		}
		for _, r := range item.Records {
			payload, err := record.Encode(nil, r)
			if err != nil {
				t.Fatalf("a record that cannot be encoded: %v", err)
			}
			if _, err := record.Decode(r.Kind(), payload); err != nil {
				t.Fatalf("a record that cannot be read back: %v", err)
			}
			told.Write(payload)
		}
	}
}

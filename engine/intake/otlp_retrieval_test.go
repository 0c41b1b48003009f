package intake

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"episteme/engine/record"
)

// retriever is an OpenInference retrieval with flattened documents or whatever rest says.
func retriever(rest ...any) string {
	return testSpan("R", append(attrs{"openinference.span.kind", "RETRIEVER", "input.value", "Which one?"}, rest...))
}

func doc(i int, field string) string {
	return fmt.Sprintf("retrieval.documents.%d.document.%s", i, field)
}

func TestDocuments(t *testing.T) {
	unnamed := func(rank int) string { return fmt.Sprintf("document %d of span b7ad6b7169203331", rank) }
	tests := []struct {
		name string
		span string
		want []string // source name: object, weight, confidence, note; in the order of the records
	}{
		{"a stated score is weight and confidence",
			retriever(doc(0, "content"), "A", doc(0, "score"), 0.75, doc(0, "id"), "a"),
			[]string{"a: A, 0.75, 0.75, rank 1 of 1, score 0.75"}},
		{"a score in the metadata counts when the document has none",
			retriever(doc(0, "content"), "A", doc(0, "metadata"), `{"source":"a.md","score":0.5}`, doc(1, "content"), "B", doc(1, "score"), 0.25, doc(1, "metadata"), `{"source":"b.md","score":0.5}`),
			[]string{"a.md: A, 0.5, 0.5, rank 1 of 2, score 0.5", "b.md: B, 0.25, 0.25, rank 2 of 2, score 0.25"}},
		{"without scores the weight is 1/rank and the confidence 1",
			retriever(doc(0, "content"), "A", doc(1, "content"), "B", doc(2, "content"), "C"),
			[]string{unnamed(1) + ": A, 1, 1, rank 1 of 3, no score", unnamed(2) + ": B, 0.5, 1, rank 2 of 3, no score", unnamed(3) + ": C, 0.33333334, 1, rank 3 of 3, no score"}},
		{"a score above 1 is taken as 1",
			retriever(doc(0, "content"), "A", doc(0, "score"), 12.7),
			[]string{unnamed(1) + ": A, 1, 1, rank 1 of 1, score 12.7 taken as 1"}},
		{"a score below 0 is taken as 0",
			retriever(doc(0, "content"), "A", doc(0, "score"), -0.25),
			[]string{unnamed(1) + ": A, 0, 0, rank 1 of 1, score -0.25 taken as 0"}},
		{"NaN is no score",
			retriever(doc(0, "content"), "A", doc(0, "score"), json.RawMessage(`{"doubleValue":"NaN"}`)),
			[]string{unnamed(1) + ": A, 1, 1, rank 1 of 1, no score"}},
		{"infinity is a score",
			retriever(doc(0, "content"), "A", doc(0, "score"), json.RawMessage(`{"doubleValue":"Infinity"}`)),
			[]string{unnamed(1) + ": A, 1, 1, rank 1 of 1, score +Inf taken as 1"}},
		{"minus nought is nought",
			retriever(doc(0, "content"), "A", doc(0, "score"), json.RawMessage(`{"doubleValue":-0.0}`)),
			[]string{unnamed(1) + ": A, 0, 0, rank 1 of 1, score -0"}},
		{"the metadata's source names it before its id",
			retriever(doc(0, "content"), "A", doc(0, "id"), "chunk-7", doc(0, "metadata"), `{"source":"a.md"}`),
			[]string{"a.md: A, 1, 1, rank 1 of 1, no score"}},
		{"an id may be a number",
			retriever(doc(0, "content"), "A", doc(0, "id"), 7),
			[]string{"7: A, 1, 1, rank 1 of 1, no score"}},
		{"numbers are an order, not an index",
			retriever(doc(900719925474099, "content"), "B", doc(10, "content"), "A", "retrieval.documents.-1.document.content", "X", "retrieval.documents.x.document.content", "X"),
			[]string{unnamed(1) + ": A, 1, 1, rank 1 of 2, no score", unnamed(2) + ": B, 0.5, 1, rank 2 of 2, no score"}},
		{"a document known by its id alone",
			testSpan("R", attrs{"gen_ai.operation.name", "retrieval", "gen_ai.retrieval.documents", `[{"id":"doc_123","score":0.95}]`}),
			[]string{"doc_123: doc_123, 0.95, 0.95, rank 1 of 1, score 0.95; its content was not recorded"}},
		{"gen_ai documents in structured form",
			testSpan("R", attrs{"gen_ai.operation.name", "retrieval", "gen_ai.retrieval.documents", json.RawMessage(`{"arrayValue":{"values":[{"kvlistValue":{"values":[{"key":"id","value":{"stringValue":"d"}},{"key":"content","value":{"stringValue":"D"}}]}}]}}`)}),
			[]string{"d: D, 1, 1, rank 1 of 1, no score"}},
		{"LangChain's output when the attributes are missing",
			retriever("output.value", `{"documents":[{"pageContent":"A","metadata":{"source":"a","score":0.5},"id":"x"},{"page_content":"B","id":2}]}`),
			[]string{"a: A, 0.5, 0.5, rank 1 of 2, score 0.5", "2: B, 0.5, 1, rank 2 of 2, no score"}},
		{"hidden content leaves the name",
			retriever(doc(0, "content"), "__REDACTED__", doc(0, "id"), "a"),
			[]string{"a: a, 1, 1, rank 1 of 1, no score; its content was not recorded"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			item := one(t, testExport(shop, tt.span))
			a := audit(t, item)
			weights := map[record.Hash]float32{}
			for _, c := range a.Contributions {
				weights[c.Assertion] = c.Weight
			}
			var got []string
			name := ""
			for _, r := range item.Records {
				switch r := r.(type) {
				case *record.Source:
					name = r.Name
				case *record.Assertion:
					id, err := record.IDOf(r)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, fmt.Sprintf("%s: %s, %v, %v, %s", name, r.Object.Text, weights[id.Hash], r.Confidence, r.Note))
				}
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("documents\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			if int(a.Considered) != len(tt.want) {
				t.Errorf("considered %d, want %d", a.Considered, len(tt.want))
			}
		})
	}
}

func TestRetrievalIsToldItsWeightiestDocument(t *testing.T) {
	tests := []struct {
		name              string
		span              string
		value             string
		confidence, share float32
	}{
		{"by score, wherever it stands", retriever(doc(0, "content"), "A", doc(0, "score"), 0.25, doc(1, "content"), "B", doc(1, "score"), 0.75), "B", 0.75, 0.75},
		{"by order among equals", retriever(doc(0, "content"), "A", doc(0, "score"), 0.5, doc(1, "content"), "B", doc(1, "score"), 0.5), "A", 0.5, 0.5},
		{"by the score as stated when both are above 1", retriever(doc(0, "content"), "A", doc(0, "score"), 3, doc(1, "content"), "B", doc(1, "score"), 7), "B", 1, 0.5},
		{"by order without scores", retriever(doc(0, "content"), "A", doc(1, "content"), "B"), "A", 1, 0.6666667},
		{"all scores nought: the first, with a share of nothing", retriever(doc(0, "content"), "A", doc(0, "score"), 0, doc(1, "content"), "B", doc(1, "score"), 0), "A", 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := audit(t, one(t, testExport(shop, tt.span)))
			if a.Value != record.TextObject(tt.value) || a.Confidence != tt.confidence || a.Share != tt.share {
				t.Errorf("told %q, confidence %v, share %v; want %q, %v, %v", a.Value.Text, a.Confidence, a.Share, tt.value, tt.confidence, tt.share)
			}
			for i := 1; i < len(a.Contributions); i++ {
				before, c := a.Contributions[i-1], a.Contributions[i]
				if c.Weight > before.Weight || c.Weight == before.Weight && string(c.Assertion[:]) < string(before.Assertion[:]) {
					t.Errorf("contribution %d out of order: weight falls, then the hash rises", i)
				}
			}
		})
	}
}

func TestDocumentsThatAreTheSame(t *testing.T) {
	item := one(t, testExport(shop, retriever(doc(0, "content"), "A", doc(0, "id"), "a", doc(1, "content"), "A", doc(1, "id"), "a")))
	if n := len(of[record.Evidence](item)); n != 1 {
		t.Errorf("%d times the same evidence, want once", n)
	}
	if a := audit(t, item); len(a.Contributions) != 2 || a.Contributions[0].Assertion == a.Contributions[1].Assertion {
		t.Errorf("contributions %v, want two different claims", a.Contributions)
	}
}

func TestDocumentWithoutContentHasADigestOfItsName(t *testing.T) {
	item := one(t, testExport(shop, retriever(doc(0, "id"), "a")))
	s := of[*record.Source](item)
	if len(of[record.Evidence](item)) != 0 || len(s) != 1 || s[0].Digest != record.UnknownDigest("a") {
		t.Errorf("records %v, want a source of unknown bytes and no evidence", item.Records)
	}
}

func TestDocumentURI(t *testing.T) {
	item := one(t, testExport(shop, retriever(doc(0, "content"), "A", doc(0, "metadata"), `{"source":"a","url":"https://wiki/a"}`)))
	if s := of[*record.Source](item); s[0].URI != "https://wiki/a" {
		t.Errorf("uri %q, want https://wiki/a", s[0].URI)
	}
}

// TestDescriptionsThatAreTooLong: an audit is not refused for what only describes a document.
func TestDescriptionsThatAreTooLong(t *testing.T) {
	long := strings.Repeat("n", record.MaxStringBytes+1)
	s := of[*record.Source](one(t, testExport(shop, retriever(doc(0, "content"), "A", doc(0, "metadata"), `{"source":"`+long+`","url":"data:`+long+`"}`))))
	if want := long[:record.MaxStringBytes-3] + "…"; s[0].Name != want || s[0].URI != "" {
		t.Errorf("name %.20q of %d bytes, uri of %d; want it cut to %d with a mark, none", s[0].Name, len(s[0].Name), len(s[0].URI), len(want))
	}
	s = of[*record.Source](one(t, testExport(shop, testSpan("x", tool(attrs{"output.mime_type", long}, "1")))))
	if s[0].MediaType != "" {
		t.Errorf("media type of %d bytes, want none", len(s[0].MediaType))
	}
}

func TestLongDocuments(t *testing.T) {
	long := strings.Repeat("ä", record.MaxObjectBytes/2) + "b" // one byte too long to be an object
	huge := strings.Repeat("x", record.MaxEvidenceBytes+1)
	item := one(t, testExport(shop, retriever(doc(0, "content"), "x"+long, doc(1, "content"), huge)))

	claims := of[*record.Assertion](item)
	if got, want := len(claims[0].Object.Text), record.MaxObjectBytes-1; got != want {
		t.Errorf("object of %d bytes, want %d: the last whole character before the limit", got, want)
	}
	if want := fmt.Sprintf("rank 1 of 2, no score; the first %d of %d bytes", record.MaxObjectBytes-1, len(long)+1); claims[0].Note != want {
		t.Errorf("note %q, want %q", claims[0].Note, want)
	}
	evidence := of[record.Evidence](item)
	if len(evidence) != 1 || string(evidence[0]) != "x"+long {
		t.Errorf("%d evidences, want the first document whole and the second not at all", len(evidence))
	}
	if claims[1].Source != record.Sum([]byte(huge)) || !strings.Contains(claims[1].Note, "longer than the 1048576 bytes that are kept") {
		t.Errorf("second claim %v, %q: want the digest of all its bytes and a note", claims[1].Source, claims[1].Note)
	}
}

func TestMoreDocumentsThanAnAuditHolds(t *testing.T) {
	var rest attrs
	for i := range record.MaxContributions + 3 {
		rest = append(rest, doc(i, "content"), fmt.Sprint(i))
	}
	d := decode(t, strings.NewReader(testExport(shop, retriever(rest...))))
	if len(d.items) != 1 || d.dropped[dropDocuments] != 3 {
		t.Fatalf("%d items, dropped %v; want 1, 3 documents", len(d.items), d.dropped)
	}
	if a := audit(t, d.items[0]); len(a.Contributions) != record.MaxContributions || a.Considered != record.MaxContributions+3 {
		t.Errorf("%d contributions of %d, want %d of %d", len(a.Contributions), a.Considered, record.MaxContributions, record.MaxContributions+3)
	}
}

func TestRetrievalThatFoundNothing(t *testing.T) {
	for _, output := range []string{`{"documents":[]}`, `[]`} {
		a := audit(t, one(t, testExport(shop, retriever("output.value", output))))
		if a.Value != (record.Object{}) || a.Considered != 0 || len(a.Contributions) != 0 {
			t.Errorf("%s: told %v of %d, want no value", output, a.Value, a.Considered)
		}
	}
}

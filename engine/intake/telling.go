package intake

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"episteme/engine/record"
)

// telling is a question an agent asked and what it was told, on its way to becoming records. Whoever makes one fills
// audit up to subject and predicate, calls ask, then output or evidence and claim, then end.
type telling struct {
	door     *door
	claimant string // who claims what was found, retriever/NAME or tool/NAME: the asker only heard it
	audit    *record.Audit
	records  []record.Record
	claims   []claim
	held     map[record.Hash]bool // evidence among the records: a retrieval may return one text twice
}

// claim is an assertion that contributed, with what it takes to find the weightiest.
type claim struct {
	assertion *record.Assertion
	hash      record.Hash
	weight    float32
	score     float64 // as stated, before it was clamped to a weight
}

// ask sets the asker's own words. They have been through scrub, and the subject is known.
func (t *telling) ask(words string) {
	switch t.door.keeps(t.audit.Subject) {
	case KeepContent:
		t.audit.Question = shorten(words, record.MaxStringBytes)
	case KeepDigest:
		if words != "" {
			t.audit.Question = withheld(record.Sum([]byte(words)))
		}
	}
}

// withheld stands in the place of content that policy keeps out, known by its digest: equal content, equal words.
func withheld(digest record.Hash) string {
	return "[not kept: " + record.ID{Kind: record.KindEvidence, Hash: digest}.String() + "]"
}

// notKept stands where policy keeps not even a digest.
const notKept = "[not kept]"

// output records what a tool returned: its bytes as evidence, its value as the one claim.
func (t *telling) output(tool, text, mediaType string) *fault {
	if mediaType == "" && strings.ContainsAny(text[:1], "{[") && jsonValid(text) {
		mediaType = "application/json"
	}
	digest := t.evidence(text, record.Source{Name: "tool " + tool + " output", MediaType: mediaType})
	told := resultOf(text)
	if t.audit.ToolCallID == "" {
		t.audit.ToolCallID = told.callID
	}
	if told.value.Type == record.NoValue {
		return nil // it answered that there is nothing
	}
	note := "confidence not stated"
	confidence := float32(1)
	if told.confidence != nil {
		confidence = clamp(*told.confidence)
		note = "confidence " + strconv.FormatFloat(*told.confidence, 'g', -1, 64)
	}
	if len(told.sources) > 0 {
		note += "; sources the tool names: " + strings.Join(told.sources, ", ")
	}
	if len(text) > record.MaxEvidenceBytes {
		note += fmt.Sprintf("; an output longer than the %d bytes that are kept", record.MaxEvidenceBytes)
	}
	return t.claim(record.Assertion{Object: told.value, Confidence: confidence, Source: digest, Note: note}, 1, 0)
}

// evidence records content and a source that describes it, and returns the digest. What is too long to be held is
// still named by its digest; empty content was never seen. Of what only describes, a name that is too long is
// shortened, and a URI or a media type that is too long is left out: half of one is wrong, and none is worth a reject.
func (t *telling) evidence(content string, source record.Source) record.Hash {
	source.Agent, source.Timestamp, source.Authority = t.claimant, t.audit.Timestamp, record.DefaultAuthority
	source.Name = shorten(source.Name, record.MaxStringBytes)
	if len(source.URI) > record.MaxStringBytes {
		source.URI = ""
	}
	if len(source.MediaType) > record.MaxStringBytes {
		source.MediaType = ""
	}
	keep := t.door.keeps(t.audit.Subject)
	if content == "" || keep == KeepNothing {
		source.Digest = record.UnknownDigest(source.Name)
	} else {
		source.Digest = record.Sum([]byte(content))
		if keep == KeepContent && len(content) <= record.MaxEvidenceBytes && !t.held[source.Digest] {
			t.records = append(t.records, record.Evidence(content))
			t.hold(source.Digest)
		}
	}
	t.records = append(t.records, &source)
	return source.Digest
}

func (t *telling) hold(digest record.Hash) {
	if t.held == nil {
		t.held = map[record.Hash]bool{}
	}
	t.held[digest] = true
}

// claim records an assertion with the object, confidence, source and note of a, and that it contributed.
func (t *telling) claim(a record.Assertion, weight float32, score float64) *fault {
	a.Subject, a.Predicate, a.Agent, a.Timestamp = t.audit.Subject, t.audit.Predicate, t.claimant, t.audit.Timestamp
	a.Lifecycle = record.Unstated
	switch t.door.keeps(a.Subject) {
	case KeepDigest:
		a.Object, a.Note = record.TextObject(withheld(a.Source)), "content kept as its digest alone"
	case KeepNothing:
		a.Object, a.Note = record.TextObject(notKept), "content not kept"
	}
	if cut, was := cutText(a.Object.Text, record.MaxObjectBytes); was {
		a.Note = fmt.Sprintf("%s; the first %d of %d bytes", a.Note, len(cut), len(a.Object.Text))
		a.Object.Text = cut
	}
	a.Note = shorten(a.Note, record.MaxStringBytes)
	id, err := record.IDOf(&a)
	if err != nil {
		return brokenRule(err)
	}
	if t.door.keeps(a.Subject) != KeepContent && slices.ContainsFunc(t.claims, func(c claim) bool { return c.hash == id.Hash }) {
		return nil // two documents that policy reduces to the same words are one claim, and an audit names a claim once
	}
	t.records = append(t.records, &a)
	t.claims = append(t.claims, claim{&a, id.Hash, weight, score})
	return nil
}

// end gives the audit its answer, the weightiest claim, and checks all records: none of them, or all, can be kept.
func (t *telling) end() *fault {
	total := 0.0
	for _, c := range t.claims {
		total += float64(c.weight)
		t.audit.Contributions = append(t.audit.Contributions, record.Contribution{
			Assertion: c.hash, Source: c.assertion.Source, Weight: c.weight, Lifecycle: record.Unstated,
		})
	}
	slices.SortFunc(t.audit.Contributions, func(a, b record.Contribution) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), bytes.Compare(a.Assertion[:], b.Assertion[:]))
	})
	if len(t.claims) > 0 {
		// Scores above 1 have one weight, so the score decides between them; then the order they came in.
		top := slices.MaxFunc(t.claims, func(a, b claim) int {
			return cmp.Or(cmp.Compare(a.weight, b.weight), cmp.Compare(a.score, b.score))
		})
		t.audit.Value, t.audit.Confidence = top.assertion.Object, top.assertion.Confidence
		if total > 0 {
			t.audit.Share = float32(float64(top.weight) / total)
		}
	}
	t.audit.Considered = max(t.audit.Considered, uint64(len(t.claims)))
	t.audit.ResultHash = t.audit.Value.Hash()
	t.records = append(t.records, t.audit)
	for _, rec := range t.records {
		if err := record.Check(rec); err != nil {
			return brokenRule(err)
		}
	}
	return nil
}

// label adds a label to the audit without touching those it shares with its neighbours. An empty value adds none.
func (t *telling) label(name, value string) {
	if value != "" {
		t.audit.Labels = withLabel(t.audit.Labels, name, value)
	}
}

// withLabel is labels and one more, sorted; one of the same name gives way.
func withLabel(labels []record.Label, name, value string) []record.Label {
	more := make([]record.Label, 0, len(labels)+1)
	for _, l := range labels {
		if l.Name != name {
			more = append(more, l)
		}
	}
	more = append(more, record.Label{Name: name, Value: shorten(value, record.MaxNameBytes)}) // to be read in a line
	slices.SortFunc(more, func(a, b record.Label) int { return cmp.Compare(a.Name, b.Name) })
	return more
}

// brokenRule makes a fault of what record.Check said.
func brokenRule(err error) *fault {
	var field *record.FieldError
	if errors.As(err, &field) {
		return &fault{field: field.Kind.String() + " " + field.Field, found: field.Found, expected: field.Expected}
	}
	return &fault{found: err.Error(), expected: "a record that can be kept"}
}

// clamp brings a score into 0..1.
func clamp(score float64) float32 {
	return float32(max(0, min(1, score))) // max(0, -0) is 0
}

// cutText is s, or its longest start of at most maxBytes bytes that ends between two characters.
func cutText(s string, maxBytes int) (cut string, was bool) {
	if len(s) <= maxBytes {
		return s, false
	}
	n := maxBytes
	for n > maxBytes-utf8.UTFMax && n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n], true
}

// shorten is s, cut with a mark where it is longer than maxBytes.
func shorten(s string, maxBytes int) string {
	const mark = "…"
	if len(s) <= maxBytes {
		return s
	}
	cut, _ := cutText(s, maxBytes-len(mark))
	return cut + mark
}

// failed marks the audit of a call that ended in an error, with what the error said as far as policy lets it in.
func (t *telling) failed(message string) {
	if message == "" || t.door.keeps(t.audit.Subject) != KeepContent {
		message = "failed"
	}
	t.label("error", message)
}

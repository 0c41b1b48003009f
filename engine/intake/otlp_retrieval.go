package intake

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"episteme/engine/record"
)

// document is one result of a retrieval.
type document struct {
	content string // empty: not recorded
	id      string
	source  string // the name its metadata gives
	uri     string
	score   *float64 // nil: not stated
}

// retrieval reads what a retriever was asked and the documents it returned.
func (r *reading) retrieval(o origin) (told bool, f *fault) {
	r.audit.Subject, r.audit.Predicate = "retrieval/"+o.service, r.task.name
	words := attribute(r.attrs, questionKeys...)
	if said := fieldsOf(words).text("query", "question", "input"); said != "" {
		words = said // some retrievers take an object; its other fields are settings
	}
	r.audit.Question = shorten(words, record.MaxStringBytes)

	documents, stated := documentsOf(r.attrs)
	if !stated {
		return r.untold("a retrieval whose documents were"), nil
	}
	if extra := len(documents) - record.MaxContributions; extra > 0 {
		r.dropped[dropDocuments] += extra
	}
	r.audit.Considered = uint64(len(documents))
	for i, d := range documents[:min(len(documents), record.MaxContributions)] {
		if f := r.document(d, i+1, len(documents)); f != nil {
			return false, f
		}
	}
	return true, nil
}

// document records the document at a rank (from 1) of so many.
func (r *reading) document(d document, rank, of int) *fault {
	name := d.source
	if name == "" {
		name = d.id
	}
	if name == "" {
		name = fmt.Sprintf("document %d of span %s", rank, r.span.SpanID())
	}
	digest := r.evidence(d.content, record.Source{Name: name, URI: d.uri})

	object, note := d.content, fmt.Sprintf("rank %d of %d", rank, of)
	weight, confidence, score := float32(1/float64(rank)), float32(1), 0.0
	if d.score == nil {
		note += ", no score"
	} else {
		score, weight = *d.score, clamp(*d.score)
		confidence = weight
		note += ", score " + strconv.FormatFloat(score, 'g', -1, 64)
		if score < 0 || score > 1 {
			note += " taken as " + strconv.FormatFloat(float64(weight), 'g', -1, 32)
		}
	}
	if object == "" {
		object = name
		note += "; its content was not recorded"
	} else if len(object) > record.MaxEvidenceBytes {
		note += fmt.Sprintf("; longer than the %d bytes that are kept", record.MaxEvidenceBytes)
	}
	return r.claim(record.Assertion{Object: record.TextObject(object), Confidence: confidence, Source: digest, Note: note}, weight, score)
}

// documentsOf finds the documents where instrumentations put them. It reports false when they were not recorded:
// no list at all, or a list in which nothing says what any of them was.
func documentsOf(attrs pcommon.Map) ([]document, bool) {
	if documents := flattened(attrs); len(documents) > 0 && anyTells(documents) {
		return documents, true
	}
	for _, text := range []string{attribute(attrs, "gen_ai.retrieval.documents"), attribute(attrs, "output.value", "output")} {
		if documents, ok := listed(text); ok && (len(documents) == 0 || anyTells(documents)) {
			return documents, true
		}
	}
	return nil, false
}

func anyTells(documents []document) bool {
	return slices.ContainsFunc(documents, func(d document) bool { return d.content+d.id+d.source != "" })
}

// flattened reads OpenInference's attributes: retrieval.documents.0.document.content, .id, .score, .metadata. The
// number is the rank; gaps are closed.
func flattened(attrs pcommon.Map) []document {
	byNumber := map[int]*document{}
	for key, v := range attrs.All() {
		rest, ok := strings.CutPrefix(key, "retrieval.documents.")
		if !ok {
			continue
		}
		digits, field, _ := strings.Cut(rest, ".document.")
		number, err := strconv.Atoi(digits)
		if err != nil || number < 0 {
			continue
		}
		d := byNumber[number]
		if d == nil {
			d = &document{}
			byNumber[number] = d
		}
		d.set(field, v)
	}
	numbers := make([]int, 0, len(byNumber))
	for number := range byNumber {
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	documents := make([]document, len(numbers))
	for i, number := range numbers {
		documents[i] = *byNumber[number]
	}
	return documents
}

// set takes one flattened field.
func (d *document) set(field string, v pcommon.Value) {
	s := v.AsString()
	if s == redacted {
		return
	}
	switch field {
	case "content":
		d.content = s
	case "id":
		d.id = s
	case "score":
		if score, err := strconv.ParseFloat(s, 64); err == nil {
			d.setScore(score)
		}
	case "metadata":
		d.setMetadata(fieldsOf(s))
	}
}

// setScore takes a score that is a number. NaN says nothing, and is treated so.
func (d *document) setScore(score float64) {
	if !math.IsNaN(score) {
		d.score = &score
	}
}

// setMetadata takes what a document's metadata says beside it. The document's own fields count before it.
func (d *document) setMetadata(metadata fields) {
	d.source = metadata.text("source")
	d.uri = metadata.text("url", "uri")
	if score, ok := metadata.number("score"); ok && d.score == nil {
		d.setScore(score)
	}
}

// listed reads a list of documents in JSON, or an object that has one as its documents.
func listed(text string) ([]document, bool) {
	if f := fieldsOf(text); f != nil {
		text = string(f["documents"])
	}
	var list []fields
	if text == "" || text == "null" || json.Unmarshal([]byte(text), &list) != nil {
		return nil, false
	}
	documents := make([]document, len(list))
	for i, f := range list {
		d := &documents[i]
		d.content = f.text("pageContent", "page_content", "content", "text")
		if d.id = f.text("id"); d.id == "" {
			if n, ok := f.number("id"); ok {
				d.id = strconv.FormatFloat(n, 'f', -1, 64)
			}
		}
		if score, ok := f.number("score"); ok {
			d.setScore(score)
		}
		d.setMetadata(f.object("metadata"))
	}
	return documents, true
}

package intake

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

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

// documents records what a retriever returned. What an audit cannot name is counted.
func (t *telling) documents(list []document, where string, dropped Dropped) *fault {
	if extra := len(list) - record.MaxContributions; extra > 0 {
		dropped[dropDocuments] += extra
	}
	t.audit.Considered = uint64(len(list))
	for i, d := range list[:min(len(list), record.MaxContributions)] {
		if f := t.document(d, i+1, len(list), where); f != nil {
			return f
		}
	}
	return nil
}

// document records the document at a rank (from 1) of so many; where names what returned it.
func (t *telling) document(d document, rank, of int, where string) *fault {
	d.content, d.id, d.source, d.uri = t.door.scrub(d.content), t.door.scrub(d.id), t.door.scrub(d.source), t.door.scrub(d.uri)
	name := d.source
	if name == "" {
		name = d.id
	}
	if name == "" {
		name = fmt.Sprintf("document %d of %s", rank, where)
	}
	digest := t.evidence(d.content, record.Source{Name: name, URI: d.uri})

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
	return t.claim(record.Assertion{Object: record.TextObject(object), Confidence: confidence, Source: digest, Note: note}, weight, score)
}

func anyTells(documents []document) bool {
	return slices.ContainsFunc(documents, func(d document) bool { return d.content+d.id+d.source != "" })
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
	if len(text) > maxSpanBytes || strings.Count(text, "{") > maxSpanObjects {
		return nil, false // a list that unfolds to many times its bytes
	}
	var list []json.RawMessage
	if text == "" || text == "null" || json.Unmarshal([]byte(text), &list) != nil {
		return nil, false
	}
	documents := make([]document, len(list))
	for i, raw := range list {
		d, f := &documents[i], fieldsOf(string(raw))
		if f == nil {
			var isText bool
			if d.content, isText = unquote(raw); !isText {
				return nil, false
			}
			continue // a list of texts
		}
		d.content = f.text("pageContent", "page_content", "content", "text")
		if content := f["content"]; d.content == "" && len(content) > 0 && content[0] != 'n' && content[0] != '"' {
			d.content = string(content) // a memory's content may be any JSON
		}
		if d.id = f.text("id"); d.id == "" {
			if n, ok := f.number("id"); ok {
				d.id = strconv.FormatFloat(n, 'f', -1, 64)
			}
		}
		if score, ok := f.number("score"); ok {
			d.setScore(score)
		}
		d.setMetadata(f.object("metadata"))
		if d.source == "" {
			d.source = f.text("source", "source_id")
		}
	}
	return documents, true
}

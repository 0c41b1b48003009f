package intake

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// retrieval reads what a retriever was asked and the documents it returned.
func (r *reading) retrieval(o origin) (told bool, f *fault) {
	r.audit.Subject, r.audit.Predicate = "retrieval/"+o.service, r.task.name
	if r.task.memory {
		r.audit.Subject = level("memory", asLevel(cmp.Or(attribute(r.attrs, "gen_ai.memory.store.id"), o.service)))
	}
	words := attribute(r.attrs, questionKeys...)
	if said := fieldsOf(words).text("query", "question", "input"); said != "" {
		words = said // some retrievers take an object; its other fields are settings
	}
	r.mapped("")
	r.ask(cmp.Or(r.mappedTo("", r.door.mapping.Question), r.door.scrub(words)))

	documents, stated := documentsOf(r.attrs)
	if !stated {
		return r.untold("a retrieval whose documents were"), nil
	}
	return true, r.documents(documents, "span "+r.span.SpanID().String(), r.dropped)
}

// documentsOf finds the documents where instrumentations put them. It reports false when they were not recorded:
// no list at all, or a list in which nothing says what any of them was.
func documentsOf(attrs pcommon.Map) ([]document, bool) {
	if documents := flattened(attrs); len(documents) > 0 && anyTells(documents) {
		return documents, true
	}
	for _, text := range []string{attribute(attrs, "gen_ai.retrieval.documents"), attribute(attrs, "gen_ai.memory.records"), attribute(attrs, "output.value", "output")} {
		if documents, ok := listed(text); ok && (len(documents) == 0 || anyTells(documents)) {
			return documents, true
		}
	}
	return nil, false
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

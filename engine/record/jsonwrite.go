package record

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendJSON appends r as one JSON object without a line end: kind first, then the fields of the model in table
// order, ids in full, numbers in their shortest form. Fields that are absent are left out; an audit has all that
// its JSON form shows, with null for what is absent. A Reader reads the same record back, unless its lens is one
// that this version does not know.
func AppendJSON(dst []byte, r Record) []byte {
	w := jsonWriter{buf: append(dst, '{')}
	w.string("kind", r.Kind().String())
	switch r := r.(type) {
	case Evidence:
		w.evidence(r)
	case *Source:
		w.source(r)
	case *Assertion:
		w.assertion(r)
	case *Vote:
		w.id("assertion", KindAssertion, r.Assertion)
		w.string("agent", r.Agent)
		w.float("weight", r.Weight)
		w.time("timestamp", r.Timestamp)
	case *Epoch:
		w.epoch(r)
	case *Transition:
		w.id("assertion", KindAssertion, r.Assertion)
		w.string("to", r.To.String())
		w.string("agent", r.Agent)
		w.text("reason", r.Reason)
		w.time("timestamp", r.Timestamp)
	case *Event:
		w.event(r)
	case *Audit:
		w.audit(r)
	case *Erasure:
		w.string("target", r.Target.String())
		w.count("lsn", uint64(r.LSN))
		w.string("agent", r.Agent)
		w.string("reason", r.Reason)
		w.text("reference", r.Reference)
		w.time("timestamp", r.Timestamp)
	default:
		panic(fmt.Sprintf("record: no JSON for %T", r))
	}
	return append(w.buf, '}')
}

// AppendText appends s as a JSON string. Control characters, the characters that change the direction of text, and
// the line separators of Unicode are always escaped, <, > and & never. Bytes that are not UTF-8 become U+FFFD.
func AppendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	done := 0 // s[:done] is written
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if plain[c] && c != del {
				i++
				continue
			}
			dst = appendEscape(append(dst, s[done:i]...), rune(c))
			i++
			done = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if escaped := isControl(r) || isBidi(r) || isBreak(r); escaped || r == utf8.RuneError && size == 1 {
			dst = append(dst, s[done:i]...)
			done = i + size
			if escaped {
				dst = appendEscape(dst, r)
			} else {
				dst = utf8.AppendRune(dst, r)
			}
		}
		i += size
	}
	return append(append(dst, s[done:]...), '"')
}

// appendEscape writes r, which is below U+10000, behind a backslash.
func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	}
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// jsonWriter appends the fields of one object.
type jsonWriter struct{ buf []byte }

// name begins a field.
func (w *jsonWriter) name(name string) {
	if w.buf[len(w.buf)-1] != '{' {
		w.buf = append(w.buf, ',')
	}
	w.buf = append(append(append(w.buf, '"'), name...), '"', ':')
}

func (w *jsonWriter) string(name, s string) {
	w.name(name)
	w.buf = AppendText(w.buf, s)
}

// text leaves an empty one out.
func (w *jsonWriter) text(name, s string) {
	if s != "" {
		w.string(name, s)
	}
}

// nullable writes null for an empty one.
func (w *jsonWriter) nullable(name, s string) {
	if s == "" {
		w.null(name)
		return
	}
	w.string(name, s)
}

func (w *jsonWriter) null(name string) {
	w.name(name)
	w.buf = append(w.buf, "null"...)
}

func (w *jsonWriter) id(name string, kind Kind, h Hash) {
	w.name(name)
	w.appendID(ID{kind, h})
}

func (w *jsonWriter) appendID(id ID) {
	w.buf = append(w.buf, '"', id.Kind.Letter(), '_')
	w.buf = append(hex.AppendEncode(w.buf, id.Hash[:]), '"')
}

func (w *jsonWriter) ids(name string, list []ID) {
	if len(list) == 0 {
		return
	}
	w.name(name)
	w.buf = append(w.buf, '[')
	for i, id := range list {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.appendID(id)
	}
	w.buf = append(w.buf, ']')
}

// float writes the shortest decimal that reads back as the same binary32.
func (w *jsonWriter) float(name string, f float32) {
	w.name(name)
	format := byte('f')
	if a := float32(math.Abs(float64(f))); a != 0 && a < 1e-6 {
		format = 'e'
	}
	w.buf = strconv.AppendFloat(w.buf, float64(f), format, -1, 32)
}

func (w *jsonWriter) count(name string, n uint64) {
	w.name(name)
	w.buf = strconv.AppendUint(w.buf, n, 10)
}

func (w *jsonWriter) time(name string, t Time) {
	w.name(name)
	w.buf = append(t.Std().AppendFormat(append(w.buf, `"`...), time.RFC3339Nano), '"')
}

func (w *jsonWriter) object(name string, o Object) {
	w.name(name)
	w.buf = o.appendJSON(w.buf)
}

// labels are left out when there are none.
func (w *jsonWriter) labels(list []Label) {
	if len(list) > 0 {
		w.allLabels(list)
	}
}

func (w *jsonWriter) allLabels(list []Label) {
	w.name("labels")
	w.buf = append(w.buf, '{')
	for i, l := range list {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.buf = append(AppendText(w.buf, l.Name), ':')
		w.buf = AppendText(w.buf, l.Value)
	}
	w.buf = append(w.buf, '}')
}

// evidence writes text as text, and bytes that are none as base64.
func (w *jsonWriter) evidence(document Evidence) {
	if utf8.Valid(document) {
		w.string("content", string(document))
		return
	}
	w.name("content_base64")
	w.buf = append(base64.StdEncoding.AppendEncode(append(w.buf, '"'), document), '"')
}

func (w *jsonWriter) source(r *Source) {
	w.string("name", r.Name)
	w.id("digest", KindEvidence, r.Digest)
	w.text("uri", r.URI)
	w.text("media_type", r.MediaType)
	w.float("authority", r.Authority)
	w.string("agent", r.Agent)
	w.time("timestamp", r.Timestamp)
}

func (w *jsonWriter) assertion(r *Assertion) {
	w.string("subject", r.Subject)
	w.string("predicate", r.Predicate)
	w.object("object", r.Object)
	w.float("confidence", r.Confidence)
	w.string("lifecycle", r.Lifecycle.String())
	w.string("agent", r.Agent)
	w.time("timestamp", r.Timestamp)
	w.id("source", KindEvidence, r.Source)
	w.ids("parents", r.Parents)
	if !r.Epoch.IsZero() {
		w.id("epoch", KindEpoch, r.Epoch)
	}
	w.text("note", r.Note)
}

func (w *jsonWriter) epoch(r *Epoch) {
	w.string("name", r.Name)
	w.string("agent", r.Agent)
	w.time("timestamp", r.Timestamp)
	if !r.Supersedes.IsZero() {
		w.id("supersedes", KindEpoch, r.Supersedes)
		w.string("supersession", r.Supersession.String())
	}
}

func (w *jsonWriter) event(r *Event) {
	w.string("type", r.Type.String())
	w.time("timestamp", r.Timestamp)
	w.string("agent", r.Agent)
	w.string("title", r.Title)
	w.text("subject", r.Subject)
	w.ids("based_on", r.BasedOn)
	w.labels(r.Labels)
	w.text("trace_id", r.TraceID)
	w.text("span_id", r.SpanID)
	w.text("conversation_id", r.ConversationID)
}

func (w *jsonWriter) audit(r *Audit) {
	w.string("agent_id", r.Agent)
	w.time("timestamp", r.Timestamp)
	w.string("subject", r.Subject)
	w.string("predicate", r.Predicate)
	w.nullable("question", r.Question)
	w.string("lens", r.Lens)
	w.name("lens_params")
	w.buf = append(w.buf, '{')
	if r.HalfLife != 0 {
		w.string("half_life", FormatHalfLife(r.HalfLife))
	}
	w.buf = append(w.buf, '}')
	if r.LifecycleFilter == 0 {
		w.null("lifecycle_filter")
	} else {
		w.string("lifecycle_filter", r.LifecycleFilter.String())
	}
	w.time("as_of", r.AsOf)
	if r.Pinned {
		w.count("pin", uint64(r.Pin))
		w.string("journal", r.Journal.String())
	} else {
		w.null("pin")
		w.null("journal")
	}
	w.answer(r)
	w.allLabels(r.Labels)
	w.nullable("trace_id", r.TraceID)
	w.text("span_id", r.SpanID)
	w.text("conversation_id", r.ConversationID)
	w.text("tool_call_id", r.ToolCallID)
}

func (w *jsonWriter) answer(r *Audit) {
	w.name("result")
	w.buf = append(w.buf, '{')
	w.object("value", r.Value)
	w.float("confidence", r.Confidence)
	w.float("share", r.Share)
	w.buf = append(w.buf, '}')
	w.string("result_hash", r.ResultHash.String())
	w.count("considered", r.Considered)
	w.name("contributing_assertions")
	w.buf = append(w.buf, '[')
	for i, c := range r.Contributions {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.buf = append(w.buf, '{')
		w.id("hash", KindAssertion, c.Assertion)
		w.string("lifecycle", c.Lifecycle.String())
		w.float("weight", c.Weight)
		w.id("source_hash", KindEvidence, c.Source)
		w.buf = append(w.buf, '}')
	}
	w.buf = append(w.buf, ']')
}

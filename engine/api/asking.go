package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"unicode/utf8"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// questionBody is a question as JSON. Its names are those of an audit, but for agent.
type questionBody struct {
	Agent           string            `json:"agent" doc:"who asks"`
	Subject         string            `json:"subject" doc:"what is asked about"`
	Predicate       string            `json:"predicate" doc:"what is asked of it"`
	Lens            *string           `json:"lens,omitempty" doc:"the rule that answers; none: consensus"`
	LensParams      *ask.LensParams   `json:"lens_params,omitempty"`
	LifecycleFilter *string           `json:"lifecycle_filter,omitempty" doc:"admit only assertions at this stage; none: no filter"`
	AsOf            *record.Time      `json:"as_of,omitempty" doc:"as it was at this time; none: at the time of asking"`
	Timestamp       *record.Time      `json:"timestamp,omitempty" doc:"when it was asked; none: now"`
	Question        *string           `json:"question,omitempty" doc:"the asker's own words"`
	Labels          map[string]string `json:"labels,omitempty"`
	TraceID         *string           `json:"trace_id,omitempty"`
	SpanID          *string           `json:"span_id,omitempty"`
	ConversationID  *string           `json:"conversation_id,omitempty"`
	ToolCallID      *string           `json:"tool_call_id,omitempty"`
}

// query reads a question the way it reads every other: as one JSON object that says nothing unknown.
func (b questionBody) query() (record.Query, error) {
	q := record.Query{
		Agent: b.Agent, Subject: b.Subject, Predicate: b.Predicate, Lens: orNone(b.Lens), Question: orNone(b.Question),
		TraceID: orNone(b.TraceID), SpanID: orNone(b.SpanID), ConversationID: orNone(b.ConversationID), ToolCallID: orNone(b.ToolCallID),
		Timestamp: record.Unset, AsOf: record.Unset, Labels: record.SortedLabels(b.Labels),
	}
	if b.Timestamp != nil {
		q.Timestamp = *b.Timestamp
	}
	if b.AsOf != nil {
		q.AsOf = *b.AsOf
	}
	if b.LifecycleFilter != nil {
		stage, err := record.ParseStage(*b.LifecycleFilter)
		if err != nil {
			return q, &ask.UsageError{Field: "lifecycle_filter", Found: clip(*b.LifecycleFilter), Expected: "a lifecycle stage: " + stageNames() + ", or null"}
		}
		q.LifecycleFilter = stage
	}
	if b.LensParams != nil && b.LensParams.HalfLife != "" {
		half, err := record.ParseHalfLife(b.LensParams.HalfLife)
		if err != nil {
			return q, &ask.UsageError{Field: "lens_params.half_life", Found: clip(b.LensParams.HalfLife), Expected: "a half-life such as 36h, from 1s to 10 years"}
		}
		q.HalfLife = half
	}
	return q, nil
}

func orNone(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// bodyOf is a query as a Client sends it.
func bodyOf(q record.Query) questionBody {
	some := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	b := questionBody{
		Agent: q.Agent, Subject: q.Subject, Predicate: q.Predicate, Lens: some(q.Lens), Question: some(q.Question),
		TraceID: some(q.TraceID), SpanID: some(q.SpanID), ConversationID: some(q.ConversationID), ToolCallID: some(q.ToolCallID),
	}
	if q.Timestamp != record.Unset {
		b.Timestamp = &q.Timestamp
	}
	if q.AsOf != record.Unset {
		b.AsOf = &q.AsOf
	}
	if q.LifecycleFilter != 0 {
		b.LifecycleFilter = some(q.LifecycleFilter.String())
	}
	if q.HalfLife != 0 {
		b.LensParams = &ask.LensParams{HalfLife: record.FormatHalfLife(q.HalfLife)}
	}
	for _, l := range q.Labels {
		if b.Labels == nil {
			b.Labels = map[string]string{}
		}
		b.Labels[l.Name] = l.Value
	}
	return b
}

// readQuestion reads the body of a question.
func readQuestion(body []byte) (record.Query, error) {
	if !utf8.Valid(body) {
		return record.Query{}, malformed("JSON", errors.New("it is not UTF-8"))
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	var b questionBody
	if err := d.Decode(&b); err != nil {
		return record.Query{}, malformed("a question", inWords(err))
	}
	if _, err := d.Token(); err != io.EOF {
		return record.Query{}, malformed("a question", fmt.Errorf("found more behind byte %d, expected one object", d.InputOffset()))
	}
	for _, needed := range []struct{ name, value string }{{"agent", b.Agent}, {"subject", b.Subject}, {"predicate", b.Predicate}} {
		if needed.value == "" {
			return record.Query{}, &ask.UsageError{Field: needed.name, Found: "", Expected: "a text of 1 to 512 bytes"}
		}
	}
	return b.query()
}

// inWords tells of a field of the wrong type by its name and in words: that of our Go type is no help to anybody.
func inWords(err error) error {
	var bad *json.UnmarshalTypeError
	if !errors.As(err, &bad) {
		return err
	}
	expected := "an object"
	if bad.Field != "" {
		expected = map[reflect.Kind]string{reflect.String: "a text", reflect.Map: "an object"}[bad.Type.Kind()]
	}
	if expected == "" {
		expected = "another type; /openapi.json says which"
	}
	at := ""
	if bad.Field != "" {
		at = bad.Field + ": "
	}
	return fmt.Errorf("%sfound %s at byte %d, expected %s", at, bad.Value, bad.Offset, expected)
}

func (c *call) query() error {
	body, err := io.ReadAll(c.body)
	if err != nil {
		return malformed("a question", err)
	}
	q, err := readQuestion(body)
	if err != nil {
		return err
	}
	key := replayKey{c.grant.Name, c.r.Header.Get("Idempotency-Key")}
	if key.key == "" {
		a, err := c.evidence.Ask(c.ctx, q)
		if err != nil {
			return err
		}
		return c.reply(a, a)
	}
	return c.queryOnce(key, q, record.Sum(body))
}

// queryOnce asks a question that has a key. One that may have been written down without an answer, because the store was
// behind or its asker went away, is asked at the same time when it is sent again: then it is the same audit.
func (c *call) queryOnce(key replayKey, q record.Query, body record.Hash) error {
	now, err := record.TimeOf(c.s.o.Now())
	if err != nil {
		return err
	}
	before, err := c.s.replays.begin(key, body, now)
	if err != nil {
		return err
	}
	if before.done {
		c.w.Header().Set("Idempotency-Replayed", "true")
		a, err := c.evidence.Audit(c.ctx, before.id)
		if err != nil {
			return err
		}
		return c.reply(a, a)
	}
	if q.Timestamp == record.Unset {
		q.Timestamp = before.asked
	}
	var a ask.Audit
	nothing := false
	defer func() { c.s.replays.end(key, a.ID, nothing) }() // also of a defect
	if a, err = c.evidence.Ask(c.ctx, q); err != nil {
		f, _ := failureOf(err, c.s.o.Classify)
		nothing = f.Status < http.StatusInternalServerError
		return err
	}
	return c.reply(a, a)
}

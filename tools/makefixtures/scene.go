package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// rec is a line of events.jsonl. One struct for all kinds, so that fields stand in one order; what a kind does not
// have is left out.
type rec struct {
	Kind       string   `json:"kind"`
	ID         string   `json:"id,omitempty"`
	Type       string   `json:"type,omitempty"`
	Name       string   `json:"name,omitempty"`
	Authority  *float64 `json:"authority,omitempty"`
	Subject    string   `json:"subject,omitempty"`
	Predicate  string   `json:"predicate,omitempty"`
	Object     any      `json:"object,omitempty"`
	Confidence *float64 `json:"confidence,omitempty"`
	Lifecycle  string   `json:"lifecycle,omitempty"`
	Assertion  string   `json:"assertion,omitempty"`
	To         string   `json:"to,omitempty"`
	Weight     *float64 `json:"weight,omitempty"`
	Agent      string   `json:"agent,omitempty"`
	AgentID    string   `json:"agent_id,omitempty"` // of an audit that another system answered
	Timestamp  string   `json:"timestamp"`
	Source     string   `json:"source,omitempty"`
	Epoch      string   `json:"epoch,omitempty"`
	Parents    []string `json:"parents,omitempty"`
	Note       string   `json:"note,omitempty"`

	Supersedes   string `json:"supersedes,omitempty"`
	Supersession string `json:"supersession,omitempty"`
	Reason       string `json:"reason,omitempty"`
	Title        string `json:"title,omitempty"`

	Lens       string          `json:"lens,omitempty"`
	LensParams map[string]any  `json:"lens_params,omitempty"`
	Filter     string          `json:"lifecycle_filter,omitempty"`
	AsOf       string          `json:"as_of,omitempty"`
	Question   string          `json:"question,omitempty"`
	Result     json.RawMessage `json:"result,omitempty"`
	Considered int             `json:"considered,omitempty"`
	Contribs   json.RawMessage `json:"contributing_assertions,omitempty"`

	BasedOn      []string          `json:"based_on,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"` // encoding/json sorts the keys
	TraceID      string            `json:"trace_id,omitempty"`
	Conversation string            `json:"conversation_id,omitempty"`
	URI          string            `json:"uri,omitempty"`
	MediaType    string            `json:"media_type,omitempty"`
	Content      string            `json:"content,omitempty"`
}

// scene collects the lines of an incident. Its methods panic on a mistake in the telling: an unreadable time, a label
// that is taken.
type scene struct {
	rng   *rand.Rand
	told  []arrival
	taken map[string]bool
}

// arrival is a line and when the journal received it: at its timestamp, unless it came late.
type arrival struct {
	at  time.Time
	rec rec
}

func newScene(seed uint64) *scene {
	return &scene{rng: rand.New(rand.NewPCG(seed, 0)), taken: map[string]bool{}}
}

const clockForm = "2006-01-02 15:04:05"

func clock(text string) time.Time {
	t, err := time.Parse(clockForm, text)
	if err != nil {
		panic(err)
	}
	return t
}

// option sets what most lines do without.
type option func(*rec)

func question(text string) option   { return func(r *rec) { r.Question = text } }
func filter(stage string) option    { return func(r *rec) { r.Filter = stage } }
func epoch(label string) option     { return func(r *rec) { r.Epoch = label } }
func note(text string) option       { return func(r *rec) { r.Note = text } }
func uri(text string) option        { return func(r *rec) { r.URI = text } }
func trace(id string) option        { return func(r *rec) { r.TraceID = id } }
func chat(id string) option         { return func(r *rec) { r.Conversation = id } }
func asOf(at string) option         { return func(r *rec) { r.AsOf = stamp(clock(at)) } }
func halfLife(d string) option      { return func(r *rec) { r.LensParams = map[string]any{"half_life": d} } }
func parents(list ...string) option { return func(r *rec) { r.Parents = list } }
func basedOn(list ...string) option { return func(r *rec) { r.BasedOn = list } }

// labels takes key, value, key, value …
func labels(pairs ...string) option {
	return func(r *rec) {
		r.Labels = map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			r.Labels[pairs[i]] = pairs[i+1]
		}
	}
}

func stamp(t time.Time) string { return t.Format(time.RFC3339) }

// add puts a line where its timestamp belongs; arrived is when it was received, "" for at once.
func (s *scene) add(at, arrived string, r rec, options []option) {
	for _, o := range options {
		o(&r)
	}
	r.Timestamp = stamp(clock(at))
	if arrived == "" {
		arrived = at
	}
	if r.ID != "" {
		if s.taken[r.ID] {
			panic("label taken: " + r.ID)
		}
		s.taken[r.ID] = true
	}
	s.told = append(s.told, arrival{clock(arrived), r})
}

func (s *scene) epoch(label, at, agent, name, supersedes, how string) {
	s.add(at, "", rec{Kind: "epoch", ID: label, Name: name, Agent: agent, Supersedes: supersedes, Supersession: how}, nil)
}

// source is a document, or what a tool printed. Media is what follows text/ in its media type.
func (s *scene) source(label, at, agent, name string, authority float64, media, content string, options ...option) {
	s.lateSource(label, at, "", agent, name, authority, media, content, options...)
}

func (s *scene) lateSource(label, at, arrived, agent, name string, authority float64, media, content string, options ...option) {
	s.add(at, arrived, rec{Kind: "source", ID: label, Name: name, Authority: &authority, Agent: agent,
		MediaType: "text/" + media, Content: strings.TrimPrefix(content, "\n")}, options)
}

func (s *scene) claim(label, at, agent, subject, predicate string, object any, confidence float64, stage, source string, options ...option) {
	s.lateClaim(label, at, "", agent, subject, predicate, object, confidence, stage, source, options...)
}

func (s *scene) lateClaim(label, at, arrived, agent, subject, predicate string, object any, confidence float64, stage, source string, options ...option) {
	s.add(at, arrived, rec{Kind: "assertion", ID: label, Subject: subject, Predicate: predicate, Object: object,
		Confidence: &confidence, Lifecycle: stage, Agent: agent, Source: source}, options)
}

func (s *scene) vote(at, agent, assertion string, weight float64) {
	s.add(at, "", rec{Kind: "vote", Assertion: assertion, Agent: agent, Weight: &weight}, nil)
}

func (s *scene) move(label, at, agent, assertion, to, reason string) {
	s.add(at, "", rec{Kind: "transition", ID: label, Assertion: assertion, To: to, Agent: agent, Reason: reason}, nil)
}

func (s *scene) event(label, at, agent, kind, title string, options ...option) {
	s.add(at, "", rec{Kind: "event", ID: label, Type: kind, Agent: agent, Title: title}, options)
}

func about(subject string) option { return func(r *rec) { r.Subject = subject } }

// ask puts a question. Its label is q and the time of day, such as q021007; a letter follows where that is taken.
func (s *scene) ask(at, agent, subject, predicate, lens string, options ...option) {
	t := clock(at)
	label := "q" + t.Format("150405")
	for letter := 'b'; s.taken[label]; letter++ {
		label = "q" + t.Format("150405") + string(letter)
	}
	s.add(at, "", rec{Kind: "query", ID: label, Agent: agent, Subject: subject, Predicate: predicate, Lens: lens}, options)
}

// lines are in the order in which a journal would have received them.
func (s *scene) lines() []byte {
	slices.SortStableFunc(s.told, func(a, b arrival) int { return a.at.Compare(b.at) })
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for _, a := range s.told {
		if err := enc.Encode(a.rec); err != nil {
			panic(fmt.Sprintf("%+v: %v", a.rec, err))
		}
	}
	return out.Bytes()
}

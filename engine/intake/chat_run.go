package intake

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"episteme/engine/record"
)

// run is a conversation being read: what it says about itself, and the calls that wait for their results.
type run struct {
	agent        string
	domain       string // first level of its subjects
	conversation string
	labels       []record.Label
	reward       string // empty: nobody judged it
	fields       map[string]string

	pending []call      // without a result so far, oldest first
	based   []record.ID // what was told since the agent last spoke
	told    []record.ID // what was told at all; both hold the newest MaxParents
	subject string      // of what was told last
	keeps   Content     // the strictest policy of all that was told: what the agent says may repeat any of it
	time    record.Time // of the message read last
	made    bool        // and whether it is made
	spoken  bool        // a message that is not the system's was read
}

// maxPending bounds the calls that wait for a result: far more than a model makes at once.
const maxPending = 1024

// Fields of a run that we read, by what they mean; the first that is there counts.
var (
	runAgentKeys        = []string{"agent", "agent_id", "agent_name", "model"}
	runConversationKeys = []string{"conversation_id", "session_id", "thread_id", "id"}
	runLabelKeys        = []string{"env", "model", "reward", "service", "trial", "version"}
)

// begin starts the run that an object holds.
func (d *chat) begin(o runOutline) {
	r := &run{agent: d.stem, domain: domainOf(d.stem), fields: o.fields}
	r.agent = cmp.Or(firstOf(o.fields, d.door.mapping.Agent), firstOf(o.fields, runAgentKeys), r.agent)
	r.conversation = firstOf(o.fields, runConversationKeys)
	if r.conversation == "" {
		r.conversation = fmt.Sprintf("%s/run-%d", d.stem, d.runs+1)
		if task := o.fields["task_id"]; task != "" {
			r.conversation = d.stem + "/task-" + task
			if trial := o.fields["trial"]; trial != "" {
				r.conversation += "/trial-" + trial
			}
		}
	}
	for _, key := range runLabelKeys {
		if value := o.fields[key]; value != "" {
			if n, ok := numberOf(value); ok {
				value = strconv.FormatFloat(n, 'f', -1, 64) // 0 for 0.0, so that a person who filters by it need not know
			}
			r.labels = withLabel(r.labels, key, d.door.scrub(value))
			if key == "reward" {
				r.reward = value
			}
		}
	}
	if task := o.fields["task_id"]; task != "" {
		r.labels = withLabel(r.labels, "task", task)
	}
	d.run = r
	d.runs++
}

// firstOf is the first of keys that is among fields.
func firstOf(fields map[string]string, keys []string) string {
	for _, key := range keys {
		if s := fields[key]; s != "" {
			return s
		}
	}
	return ""
}

// message reads the next message of the run. Of messages that stand alone, one by the system after others begins a
// new conversation.
func (d *chat) message(at extent) *fault {
	d.messages++
	m, f := messageAt(d.request.bytes, at)
	if f != nil {
		return f
	}
	system := m.role == "system" || m.role == "developer"
	if system && d.run != nil && d.run.spoken && !d.ends {
		if f := d.endRun(); f != nil {
			return f
		}
	}
	if d.run == nil {
		d.begin(runOutline{})
	}
	r := d.run
	r.spoken = r.spoken || !system
	r.time, r.made = m.time, m.time == 0
	if r.made {
		r.time = d.options.Start + record.Time(d.messages-1)*madeStep
	}
	switch m.role {
	case "assistant":
		return d.assistant(m, at)
	case "tool", "function":
		return d.answered(m, at)
	}
	d.dropped[dropPeople]++
	return nil
}

// assistant takes the agent's calls, and what it said on the strength of what it was told.
func (d *chat) assistant(m message, at extent) *fault {
	r := d.run
	for _, c := range m.calls {
		if len(r.pending) == maxPending {
			d.dropped[dropPendings]++
			continue
		}
		c.time, c.made = r.time, r.made
		r.pending = append(r.pending, c)
	}
	switch {
	case strings.TrimSpace(m.content) != "" && len(r.based) > 0:
		based := r.based
		r.based = nil
		return d.event(record.Decision, d.door.scrub(m.content), based, at.start)
	case len(m.calls) == 0:
		d.dropped[dropMessage]++
	}
	return nil
}

// event records something the agent did on the strength of what it was told.
func (d *chat) event(kind record.EventType, title string, based []record.ID, at int) *fault {
	r := d.run
	if r.keeps != KeepContent {
		title = notKept
	}
	e := &record.Event{
		Type: kind, Timestamp: r.time, Agent: r.agent, Title: shorten(title, record.MaxStringBytes), Subject: r.subject,
		BasedOn: based, Labels: d.labels(r.made), ConversationID: r.conversation,
	}
	if err := record.Check(e); err != nil {
		f := brokenRule(err)
		f.at, f.agent = at, r.agent
		return f
	}
	d.yield(record.KindEvent, []record.Record{e}, at)
	return nil
}

// labels are the run's, with one that says when a time is made.
func (d *chat) labels(made bool) []record.Label {
	if made {
		return withLabel(d.run.labels, "time", "made")
	}
	return d.run.labels
}

func (d *chat) yield(kind record.Kind, records []record.Record, at int) {
	d.queue = append(d.queue, itemAt(d.request.line(at), kind, records))
}

// answered makes an audit of a call and its result.
func (d *chat) answered(m message, at extent) *fault {
	r := d.run
	i := slices.IndexFunc(r.pending, func(c call) bool {
		return c.id == m.callID && (m.callID != "" || c.name == m.name)
	})
	if i < 0 {
		d.dropped[dropNoCall]++
		return nil
	}
	c := r.pending[i]
	r.pending = slices.Delete(r.pending, i, i+1)
	if strings.TrimSpace(m.content) == "" {
		d.dropped[dropEmpty]++
		return nil
	}
	t, result := d.telling(c), d.door.scrub(m.content)
	if strings.HasPrefix(result, "Error") { // as agents' tools commonly answer: there is no field for it
		message, _, _ := strings.Cut(result, "\n")
		t.failed(strings.TrimPrefix(message, "Error: "))
	}
	f := t.output(c.name, result, "")
	if f == nil {
		f = t.end()
	}
	if f != nil {
		f.at, f.agent = at.start, r.agent
		return f
	}
	id, err := record.IDOf(t.audit)
	if err != nil {
		return &fault{at: at.start, found: err.Error(), expected: "a record that can be kept"}
	}
	r.based, r.told, r.subject = newest(r.based, id), newest(r.told, id), t.audit.Subject
	r.keeps = max(r.keeps, d.door.keeps(r.subject))
	d.yield(record.KindAudit, t.records, at.start)
	return nil
}

// newest is ids and one more, without the oldest where a record could not name them all.
func newest(ids []record.ID, id record.ID) []record.ID {
	if len(ids) == record.MaxParents {
		ids = slices.Delete(ids, 0, 1)
	}
	return append(ids, id)
}

// telling is the question a call asked.
func (d *chat) telling(c call) *telling {
	r := d.run
	arguments := d.door.scrub(c.arguments)
	named := func(keys []string) string {
		return d.door.scrub(cmp.Or(argumentNamed(arguments, keys), firstOf(r.fields, keys)))
	}
	t := &telling{door: d.door, claimant: "tool/" + c.name, audit: &record.Audit{
		Agent: cmp.Or(argumentNamed(arguments, d.door.mapping.Agent), r.agent), Timestamp: c.time, AsOf: c.time,
		Subject:   cmp.Or(named(d.door.mapping.Subject), subjectOf(r.domain, c.name, arguments)),
		Predicate: cmp.Or(named(d.door.mapping.Predicate), c.name),
		Lens:      record.LensExternal, Labels: d.labels(c.made), ConversationID: r.conversation, ToolCallID: c.id,
	}}
	t.ask(cmp.Or(named(d.door.mapping.Question), arguments))
	return t
}

// endRun ends the conversation: what waits for a result will not get one, and where somebody judged the run, that is a
// note based on what the agent was told.
func (d *chat) endRun() *fault {
	r := d.run
	if len(r.pending) > 0 {
		d.dropped[dropNoResult] += len(r.pending)
	}
	var f *fault
	if r.reward != "" && len(r.told) > 0 {
		f = d.event(record.Note, fmt.Sprintf("%s ended with reward %s", r.conversation, r.reward), r.told, 0)
	}
	d.run = nil
	return f
}

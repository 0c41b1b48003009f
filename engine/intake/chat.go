package intake

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"episteme/engine/record"
)

// chatFormat is transcripts of conversations with tool calls in the message shape of OpenAI's chat API: a list of runs,
// a run a line, or the messages of one conversation as a list or one a line.
func chatFormat() Format {
	return Format{
		Name:    "chat",
		Summary: "transcripts of agents: messages with role, content and tool_calls, as OpenAI's chat API has them",
		Open:    newChat,
		Detect:  detectChat,
	}
}

// chatShape is how runs and messages stand in a file.
var chatShape = shape{
	noun: "a run", expected: `a run {"messages":[…]} or a message {"role":…}`, listed: true,
	hint: "write a run a line, or each message as an element of one list",
}

// runKeys are where a run keeps its messages.
var runKeys = []string{"messages", "traj", "trajectory", "conversation"}

// detectChat looks at the first object's own fields, as far as head shows them: messages deep inside another format make
// no transcript of it.
func detectChat(head []byte) bool {
	if !startsObjects(head) || isExport(head) || isTrace(head) || ownKindFirst.Match(trimStart(head)) {
		return false
	}
	for key, value := range topFields(trimStart(head)) {
		if slices.Contains(runKeys, key) && value == '[' || key == "role" && value == '"' {
			return true
		}
	}
	return false
}

// topFields yields the names of the fields of the first object in head, and the byte each value begins with. It ends
// where head does.
func topFields(head []byte) iter.Seq2[string, byte] {
	return func(yield func(string, byte) bool) {
		w := walker{head}
		i := w.space(0)
		if w.peek(i) == '[' {
			i = w.space(i + 1)
		}
		for i = w.space(i + 1); w.peek(i) == '"'; i = w.space(i + 1) {
			end := w.skip(i)
			key := w.b[i:end]
			if i = w.space(end); w.peek(i) != ':' {
				return
			}
			i = w.space(i + 1)
			if len(key) > 1 && w.peek(i) != 0 && !yield(string(key[1:len(key)-1]), w.peek(i)) {
				return
			}
			if i = w.space(w.skip(i)); w.peek(i) != ',' {
				return
			}
		}
	}
}

// MadeStart is the time of the first message of a transcript without times, where nobody gave another. It is one that
// nobody takes for real, and always the same, so that a file taken in twice gives the same records.
const MadeStart = record.Time(946684800 * int64(time.Second)) // 2000-01-01T00:00:00Z

// madeStep is between two messages whose times are made.
const madeStep = record.Time(time.Second)

// chat yields the tool calls of one transcript, and what the agent said on their strength, message by message.
type chat struct {
	door     *door
	options  Options
	stem     string // the file's name without directory and extension
	requests *requestReader
	request  request

	run      *run // nil: none yet
	runs     int
	rest     []extent // messages of the object being read that are not read yet
	broken   *fault   // what ended the object's list of messages early
	ends     bool     // the run ends with this object
	queue    []Item   // what the last message gave
	messages int
	dropped  Dropped
}

func newChat(r io.Reader, o Options) (Decoder, error) {
	if o.Start == 0 {
		o.Start = MadeStart
	}
	return &chat{door: newDoor(o), options: o, stem: stemOf(o.File), requests: newRequestReader(r, chatShape), dropped: Dropped{}}, nil
}

// stemOf is what a file's name says about what it holds.
func stemOf(file string) string {
	base := path.Base(strings.ReplaceAll(file, `\`, "/"))
	for ext := path.Ext(base); ext != "" && len(ext) < len(base); ext = path.Ext(base) {
		if len(ext) > len(".ndjson") {
			break
		}
		base = strings.TrimSuffix(base, ext)
	}
	if base == "" || base == "-" || base == "." || base == "/" {
		return "transcript"
	}
	return shorten(base, record.MaxNameBytes/2)
}

// lastWord is the last word of a file's name: gpt-4o-airline speaks of an airline.
var lastWord = regexp.MustCompile(`(?:^|[-_. ])([A-Za-z]{3,32})$`)

// domainOf is the first level of all subjects of a file.
func domainOf(stem string) string {
	if m := lastWord.FindStringSubmatch(stem); m != nil {
		return strings.ToLower(m[1])
	}
	return "chat"
}

func (d *chat) Bind(string, record.ID) {}
func (d *chat) Offset() int64          { return d.requests.offset }
func (d *chat) Dropped() Dropped       { return d.dropped }
func (d *chat) Removed() Removed       { return d.door.removed }
func (d *chat) Units() (string, int)   { return "messages", d.messages }

// Reasons for which something of a transcript is left out.
const (
	dropPeople     = "a message of a user or of the system"
	dropMessage    = "an answer of the agent that rests on no tool's result"
	dropEmpty      = "a tool call whose result is empty"
	dropNoResult   = "a tool call without a result"
	dropNoCall     = "a result of no tool call before it"
	dropPendings   = "a tool call beyond the 1024 that may wait for their results"
	dropTranscript = "a run without messages"
)

func (d *chat) Next() (Item, error) {
	for {
		if len(d.queue) > 0 {
			item := d.queue[0]
			d.queue = d.queue[1:]
			return item, nil
		}
		if err := d.step(); err != nil {
			return Item{}, err
		}
	}
}

// step reads one message, or what comes before and behind the messages of an object.
func (d *chat) step() error {
	switch {
	case len(d.rest) > 0:
		at := d.rest[0]
		d.rest = d.rest[1:]
		return d.reject(d.message(at))
	case d.broken != nil:
		f := d.broken
		d.broken = nil
		return d.reject(f)
	case d.ends:
		d.ends = false
		return d.reject(d.endRun())
	}
	return d.advance()
}

// advance reads the next object: a run, or a message.
func (d *chat) advance() error {
	q, err := d.requests.next()
	var reject *record.Reject
	switch {
	case errors.As(err, &reject):
		reject.File = d.options.File
		return reject
	case errors.Is(err, io.EOF):
		if d.run != nil { // of messages that stood alone
			return d.reject(d.endRun())
		}
		return io.EOF
	case err != nil:
		return fmt.Errorf("read %s at byte %d: %w", d.options.File, d.requests.offset, err)
	}
	d.request = q
	if at := firstInvalid(q.bytes); at < len(q.bytes) {
		return d.reject(&fault{at: at, found: fmt.Sprintf("the byte %#x", q.bytes[at]), expected: "UTF-8 text"})
	}
	o, f := runOutlineOf(q.bytes)
	switch {
	case o.isMessage:
		d.rest = []extent{{0, len(q.bytes)}}
		return nil
	case f == nil && !o.isRun:
		return d.reject(chatShape.notOne(q.bytes))
	}
	var before *fault
	if d.run != nil { // of messages that stood alone
		before = d.endRun()
	}
	d.rest, d.broken, d.ends = o.messages, f, true
	d.begin(o)
	if len(o.messages) == 0 && f == nil {
		d.dropped[dropTranscript]++
	}
	return d.reject(before)
}

// reject gives a fault of the current object its place in the file; of no fault it makes no error.
func (d *chat) reject(f *fault) error {
	if f == nil {
		return nil
	}
	where := d.request.place(f.at)
	return &record.Reject{File: d.options.File, Line: where.line, Column: where.column, Agent: f.agent, Field: f.field, Found: f.found, Expected: f.expected, Hint: f.hint}
}

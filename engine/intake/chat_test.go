package intake

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/record"
)

const chatSample = "testdata/chat/gpt-4o-airline.json"

func decodeChat(t testing.TB, file string) decoded {
	t.Helper()
	return decodeAs(t, "chat", strings.NewReader(file), Options{File: "shop-agent.jsonl"})
}

func TestGoldenOfRealRuns(t *testing.T) {
	body, err := os.ReadFile(chatSample)
	if err != nil {
		t.Fatal(err)
	}
	d := decodeAs(t, "chat", bytes.NewReader(body), Options{File: chatSample})
	if len(d.rejects) > 0 {
		t.Fatalf("rejects of real runs: %v", d.rejects[0])
	}
	compareGolden(t, "chat.golden", briefly(dump(t, d.items)))
	want := Dropped{dropPeople: 17, dropMessage: 8, dropEmpty: 1}
	if diff := cmp.Diff(want, d.dropped); diff != "" {
		t.Errorf("dropped (-want +got):\n%s", diff)
	}
}

// briefly cuts long lines of a dump: what a tool returned is in the sample already.
func briefly(dump string) string {
	lines := strings.Split(dump, "\n")
	for i, line := range lines {
		lines[i] = shorten(line, 240)
	}
	return strings.Join(lines, "\n")
}

// TestResultIsHeldEvidence: the bytes a tool returned are what their digest is of, whatever is made of them.
func TestResultIsHeldEvidence(t *testing.T) {
	const result = "{\"value\": \"RS256\",\n \"confidence\": 0.4}"
	d := decodeChat(t, chatRun(`{"role":"tool","tool_call_id":"c1","content":`+quoted(result)+`}`))
	if len(d.items) != 1 {
		t.Fatalf("%d items, rejects %v, dropped %v; want 1", len(d.items), d.rejects, d.dropped)
	}
	a := audit(t, d.items[0])
	if got := string(d.items[0].Records[0].(record.Evidence)); got != result {
		t.Errorf("evidence %q, want %q", got, result)
	}
	if digest := record.Sum([]byte(result)); a.Contributions[0].Source != digest {
		t.Errorf("rests on %s, want %s", a.Contributions[0].Source, digest)
	}
	if a.Value != record.TextObject("RS256") || a.Confidence != 0.4 {
		t.Errorf("told %v at %v, want RS256 at 0.4", a.Value, a.Confidence)
	}
}

// chatRun is a conversation with one call, c1, and what follows it.
func chatRun(messages ...string) string {
	return `{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"get_order","arguments":"{\"order_id\":\"A7\"}"}}]},` + strings.Join(messages, ",") + "]}\n"
}

const chatResult = `{"role":"tool","tool_call_id":"c1","content":"shipped"}`

func quoted(s string) string { return record.TextObject(s).String() }

func TestChatShapes(t *testing.T) {
	run := strings.TrimSpace(chatRun(chatResult))
	messages := strings.TrimSuffix(strings.TrimPrefix(run, `{"messages":[`), "]}")
	one := []string{"shop-agent/run-1 get_order shipped"}
	two := []string{"shop-agent/run-1 get_order shipped", "shop-agent/run-2 get_order shipped"}
	system := `{"role":"system","content":"be kind"}`
	tests := []struct {
		name, file string
		want       []string
	}{
		{"a run a line", run + "\n" + run + "\n", two},
		{"a list of runs", "[" + run + ", " + run + "]", two},
		{"an indented run", strings.TrimSpace(string(indent(t, []byte(run)))), one},
		{"the messages of one conversation as a list", "[" + messages + "]", one},
		{"a message a line", strings.ReplaceAll(messages, `},{"role`, "}\n{\"role"), one},
		{"a message by the system begins another conversation", "[" + system + "," + messages + "," + system + "," + messages + "]", two},
		{"a system message in the middle of a run does not", chatRun(system, chatResult), one},
		{"the messages under another name", strings.Replace(run, "messages", "trajectory", 1), one},
		{"what a run calls itself", strings.Replace(run, `{"messages"`, `{"id":"thread-9","messages"`, 1), []string{"thread-9 get_order shipped"}},
		{"a task and a trial", strings.Replace(run, `{"messages"`, `{"task_id":3,"trial":1,"messages"`, 1), []string{"shop-agent/task-3/trial-1 get_order shipped"}},
		{"arguments as an object", strings.Replace(run, `"{\"order_id\":\"A7\"}"`, `{"order_id":"A7"}`, 1), one},
		{"function calls as they were before tools", `{"messages":[{"role":"assistant","function_call":{"name":"get_order","arguments":"{}"}},{"role":"function","name":"get_order","content":"shipped"}]}`, one},
		{"content in parts", chatRun(`{"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"ship"},{"type":"text","text":"ped"}]}`), []string{"shop-agent/run-1 get_order ship\nped"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if f, ok := Detect([]byte(tt.file)); !ok || f.Name != "chat" {
				t.Errorf("Detect = %q, want chat", f.Name)
			}
			d := decodeChat(t, tt.file)
			var got []string
			for _, item := range d.items {
				if item.Kind == record.KindAudit {
					a := audit(t, item)
					got = append(got, a.ConversationID+" "+a.Predicate+" "+a.Value.Text)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || len(d.rejects) > 0 {
				t.Errorf("rejects %v, dropped %v, told (-want +got):\n%s", d.rejects, d.dropped, diff)
			}
		})
	}
}

func TestChatTimes(t *testing.T) {
	stamped := strings.Replace(chatRun(chatResult), `{"role":"assistant"`, `{"created_at":1705352627.5,"role":"assistant"`, 1)
	start, err := record.ParseTime("2024-05-15T20:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		file  string
		start record.Time
		want  string
		made  bool
	}{
		{"made times are a second apart and marked", chatRun(chatResult), 0, "2000-01-01T00:00:01Z", true},
		{"from the start that was given", chatRun(chatResult), start, "2024-05-15T20:00:01Z", true},
		{"runs follow each other", chatRun(`{"role":"user","content":"x"}`) + chatRun(chatResult), start, "2024-05-15T20:00:04Z", true},
		{"a time that is there counts and is not marked", stamped, start, "2024-01-15T21:03:47.5Z", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := decodeAs(t, "chat", strings.NewReader(tt.file), Options{File: "x", Start: tt.start})
			a := audit(t, d.items[0])
			if got := a.Timestamp.String(); got != tt.want || hasLabel(a.Labels, "time", "made") != tt.made {
				t.Errorf("asked at %s, labels %v; want %s, made %t", got, a.Labels, tt.want, tt.made)
			}
		})
	}
}

func hasLabel(labels []record.Label, name, value string) bool {
	for _, l := range labels {
		if l.Name == name && l.Value == value {
			return true
		}
	}
	return false
}

// TestChatDecision: what an agent says rests on what it was told since it last spoke.
func TestChatDecision(t *testing.T) {
	d := decodeChat(t, chatRun(chatResult, `{"role":"assistant","content":"It is on its way."}`, `{"role":"assistant","content":"Anything else?"}`))
	if len(d.items) != 2 || d.items[1].Kind != record.KindEvent || d.dropped[dropMessage] != 1 {
		t.Fatalf("%d items, dropped %v; want an audit and an event, one answer dropped", len(d.items), d.dropped)
	}
	id, err := record.IDOf(audit(t, d.items[0]))
	if err != nil {
		t.Fatal(err)
	}
	e := d.items[1].Records[0].(*record.Event)
	if e.Type != record.Decision || e.Title != "It is on its way." || e.Subject != "agent/order/A7" || !cmp.Equal(e.BasedOn, []record.ID{id}) {
		t.Errorf("event %+v, want the decision based on %s", e, id)
	}
}

func TestChatDropped(t *testing.T) {
	people := Dropped{dropPeople: 1}
	plus := func(reason string, n int) Dropped {
		d := Dropped{reason: n}
		d[dropPeople] = people[dropPeople]
		return d
	}
	tests := []struct {
		name string
		file string
		want Dropped
	}{
		{"a call nobody answered", chatRun(`{"role":"user","content":"x"}`), Dropped{dropPeople: 2, dropNoResult: 1}},
		{"a result of nothing", chatRun(`{"role":"tool","tool_call_id":"c9","content":"x"}`, chatResult), plus(dropNoCall, 1)},
		{"an empty result", chatRun(`{"role":"tool","tool_call_id":"c1","content":""}`), plus(dropEmpty, 1)},
		{"a run without messages", `{"messages":[]}`, Dropped{dropTranscript: 1}},
		{"calls without end", chatRun(strings.TrimSuffix(strings.Repeat(`{"role":"assistant","tool_calls":[{"id":"x","function":{"name":"f"}}]},`, maxPending), ",")), Dropped{dropPeople: 1, dropPendings: 1, dropNoResult: maxPending}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, decodeChat(t, tt.file).dropped); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
		})
	}
}

// TestChatReject marks the place of each fault with ¶; the run behind it is read.
func TestChatReject(t *testing.T) {
	run := chatRun(chatResult)
	tests := []struct{ name, file, want string }{
		{"no transcript", "¶{\"a\":1}\n" + run, `expected a run {"messages":[…]} or a message {"role":…}`},
		{"cut off", `{"messages":[{"role":"user"¶` + "\n" + run, "found the end in the middle of a run, expected its closing brackets; the run is cut off"},
		{"a message that is none", `{"messages":[¶7]}` + "\n" + run, "found \"7\", expected an object"},
		{"a role that is no text", `{"messages":[{"role":¶7}]}` + "\n" + run, `role: found "7", expected text`},
		{"a call without a name", `{"messages":[{"role":"assistant","tool_calls":[¶{"id":"a"}]}]}` + "\n" + run, "tool_calls: found a call without a name"},
		{"calls that are no list", `{"messages":[{"role":"assistant","tool_calls":¶"x"}]}` + "\n" + run, "expected a list"},
		{"bytes that are not UTF-8", "{\"messages\":[{\"role\":\"¶\xff\"}]}\n" + run, "found the byte 0xff, expected UTF-8 text"},
		{"a tool's name longer than a predicate", strings.Replace(chatRun("¶"+chatResult), "get_order", strings.Repeat("n", 513), 1) + run, "found 513 bytes, expected at most 512"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, _, ok := strings.Cut(tt.file, "¶")
			if !ok {
				t.Fatal("no mark")
			}
			d := decodeChat(t, strings.Replace(tt.file, "¶", "", 1))
			if len(d.rejects) != 1 {
				t.Fatalf("rejects %v, want 1", d.rejects)
			}
			place := fmt.Sprintf("shop-agent.jsonl:%d:%d: ", 1+strings.Count(before, "\n"), 1+len([]rune(before))-strings.LastIndex("\n"+before, "\n"))
			if got := d.rejects[0].Error(); !strings.HasPrefix(got, place) || !strings.Contains(got, tt.want) {
				t.Errorf("reject %q, want %s…%s", got, place, tt.want)
			}
			if len(d.items) != 1 {
				t.Errorf("%d items, want that of the run behind it", len(d.items))
			}
		})
	}
}

func TestSubjectOf(t *testing.T) {
	tests := []struct{ name, tool, arguments, want string }{
		{"an id says what it is about", "get_order", `{"verbose":true,"order_id":"A7"}`, "shop/order/A7"},
		{"camel case too", "getOrder", `{"orderId":"A7"}`, "shop/order/A7"},
		{"an id of nothing but itself is the tool's", "get_order", `{"id":7}`, "shop/get_order/7"},
		{"the first id counts", "move", `{"order_id":"A7","user_id":"ann"}`, "shop/order/A7"},
		{"words in their order", "search", `{"from":"JFK","to":"SEA","seats":2}`, "shop/search/JFK/SEA/2"},
		{"a few words are one level", "weather", `{"city":"San Francisco, US"}`, "shop/weather/San-Francisco-US"},
		{"a sentence is none", "think", `{"thought":"I should look at the order first"}`, "shop/think"},
		{"nor is an expression", "calculate", `{"expression":"152 + 103"}`, "shop/calculate"},
		{"nor what is nested", "book", `{"from":"JFK","seats":[1,2]}`, "shop/book"},
		{"nor more than four", "f", `{"a":"1","b":"2","c":"3","d":"4","e":"5"}`, "shop/f"},
		{"no arguments", "list", `{}`, "shop/list"},
		{"arguments that are not JSON", "f", `{'a': 1}`, "shop/f"},
		{"an id that would leave its level", "get", `{"file_id":"../../etc/passwd"}`, "shop/get"},
		{"a tool that would leave its level", "../../etc", `{}`, "shop/etc"},
		{"a tool with levels", "server/get order", `{}`, "shop/server-get-order"},
		{"a tool that is a glob", "**", `{}`, "shop/--"},
		{"a glob", "get", `{"file_id":"**"}`, "shop/get"},
		{"control characters", "get", "{\"file_id\":\"a\\u001b[2J\"}", "shop/get"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := subjectOf("shop", tt.tool, tt.arguments); got != tt.want {
				t.Errorf("subjectOf(%s, %s) = %q, want %q", tt.tool, tt.arguments, got, tt.want)
			}
		})
	}
}

func TestNamesFromFile(t *testing.T) {
	for file, want := range map[string][2]string{
		"/data/gpt-4o-airline.json":   {"gpt-4o-airline", "airline"},
		`C:\runs\sonnet-retail.jsonl`: {"sonnet-retail", "retail"},
		"2024-01-15.jsonl.gz":         {"2024-01-15", "chat"},
		"-":                           {"transcript", "transcript"},
		"":                            {"transcript", "transcript"},
	} {
		stem := stemOf(file)
		if got := [2]string{stem, domainOf(stem)}; got != want {
			t.Errorf("%q: %v, want %v", file, got, want)
		}
	}
}

func FuzzChat(f *testing.F) {
	for _, seed := range []string{
		chatRun(chatResult), "[" + chatRun(chatResult) + "]", chatRun(chatResult, `{"role":"assistant","content":[{"text":"ok"}]}`),
		`{"role":"system","content":"x"}` + "\n" + `{"role":"assistant","function_call":{"name":"f","arguments":{}},"time":1e300}` + "\n" + `{"role":"function","name":"f","content":{"a":1}}`,
		`{"task_id":1,"reward":-0.0,"traj":[null,{},{"role":null}]}`, `{"messages":null,"traj":[]}`, "[[", "],{", `[{"role":"tool"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) { fuzzFormat(t, chatFormat(), file) })
}

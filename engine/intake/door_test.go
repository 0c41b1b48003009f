package intake

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/record"
)

func mapping(t testing.TB, text string) *Mapping {
	t.Helper()
	m, err := ReadMapping([]byte(text), "mapping.toml")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const contentRules = `
[[content]]
subject = "agent/order/**"
keep = "digest"

[[content]]
subject = "agent/**"
keep = "none"
`

// TestContentPolicy: what policy keeps out is in no record, whatever the field.
func TestContentPolicy(t *testing.T) {
	const secretWords = "shipped to Elm Street"
	file := chatRun(`{"role":"tool","tool_call_id":"c1","content":"`+secretWords+`"}`, `{"role":"assistant","content":"`+secretWords+` it was"}`)
	digest := record.ID{Kind: record.KindEvidence, Hash: record.Sum([]byte(secretWords))}
	tests := []struct {
		name    string
		mapping *Mapping
		value   string
		digest  record.Hash
	}{
		{"without policy all is kept", nil, secretWords, digest.Hash},
		{"digest", &Mapping{Content: KeepDigest}, "[not kept: " + digest.String() + "]", digest.Hash},
		{"none", &Mapping{Content: KeepNothing}, "[not kept]", record.UnknownDigest("tool get_order output")},
		{"the first rule that matches counts", mapping(t, contentRules), "[not kept: " + digest.String() + "]", digest.Hash},
		{"no rule matches", mapping(t, strings.ReplaceAll(contentRules, "agent/", "other/")), secretWords, digest.Hash},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := decodeAs(t, "chat", strings.NewReader(file), Options{File: "shop-agent.jsonl", Mapping: tt.mapping})
			a := audit(t, d.items[0])
			if a.Value.Text != tt.value || a.Contributions[0].Source != tt.digest {
				t.Errorf("told %q by %s, want %q by %s", a.Value.Text, a.Contributions[0].Source, tt.value, tt.digest)
			}
			kept := tt.value == secretWords
			if all := dump(t, d.items); strings.Contains(all, "Elm Street") != kept || strings.Contains(all, `{"order_id"`) != kept {
				t.Errorf("content kept, want %t:\n%s", kept, all)
			}
		})
	}
}

// TestAnswerIsAsStrictAsAllItMayRepeat: the agent was told a secret, then something else, and says both.
func TestAnswerIsAsStrictAsAllItMayRepeat(t *testing.T) {
	m := mapping(t, "[[content]]\nsubject = \"*/order/**\"\nkeep = \"none\"\n")
	other := `{"role":"assistant","tool_calls":[{"id":"c2","function":{"name":"get_weather","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c2","content":"rain"}`
	files := map[string]string{
		"chat":     chatRun(chatResult, other, `{"role":"assistant","content":"shipped in the rain"}`),
		"langfuse": strings.Replace(testTrace(toolObservation, `{"id":"o2","type":"TOOL","name":"get_weather","startTime":"2024-01-15T21:03:48Z","output":"rain"}`), "It is on its way.", "shipped in the rain", 1),
	}
	for format, file := range files {
		t.Run(format, func(t *testing.T) {
			d := decodeAs(t, format, strings.NewReader(file), Options{File: "shop-agent", Mapping: m})
			all := dump(t, d.items)
			if len(d.items) != 3 || strings.Contains(all, "shipped") || !strings.Contains(all, "rain") || !strings.Contains(all, `"[not kept]"`) {
				t.Errorf("rejects %v, items:\n%s", d.rejects, all)
			}
		})
	}
}

func TestContentPolicyOfRetrieval(t *testing.T) {
	request := testExport(shop, retriever(doc(0, "content"), "Elm Street", doc(1, "content"), "Oak Street", "input.value", "which street"))
	for _, keep := range []Content{KeepDigest, KeepNothing} {
		t.Run(keep.String(), func(t *testing.T) {
			d := decodeAs(t, "otlp", strings.NewReader(request), Options{Mapping: &Mapping{Content: keep}})
			if len(d.items) != 1 || strings.Contains(strings.ToLower(dump(t, d.items)), "street") {
				t.Errorf("rejects %v, items:\n%s", d.rejects, dump(t, d.items))
			}
		})
	}
}

// TestScrub: what is removed, and above all what is not. The keys are made up.
func TestScrub(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"an API key", "use sk-" + "proj-abcdefghijklmnopqrstuvwx now", "use [removed: API key] now"},
		{"an AWS key", "AKIA" + "ABCDEFGHIJKLMNOP", "[removed: AWS access key]"},
		{"a GitHub token", `{"token":"ghp_` + `abcdefghijklmnopqrstuvwxyz0123456789"}`, `{"token":"[removed: GitHub token]"}`},
		{"a Slack token", "xoxb-" + "1234567890-abcdef", "[removed: Slack token]"},
		{"a Google key", "AIza" + strings.Repeat("x", 35), "[removed: Google API key]"},
		{"a token of JSON", "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0In0.c2lnbmF0dXJl", "[removed: JSON web token]"},
		{"a bearer", "Authorization: Bearer abcdefghijklmnop.qrs", "Authorization: Bearer [removed: bearer token]"},
		{"a password in a URL keeps the rest", "postgres://app:hunter2@db:5432/shop", "postgres://app:[removed: password in a URL]@db:5432/shop"},
		{"a password beside its name", `{"password": "hunter2!", "user": "ann"}`, `{"password": "[removed: password]", "user": "ann"}`},
		{"a password in JSON in JSON", `{\"db_password\":\"hunter2!\"}`, `{\"db_password\":\"[removed: password]\"}`},
		{"a private key", "a\n-----BEGIN RSA PRIVATE " + "KEY-----\nMIIE\nxx\n-----END RSA PRIVATE KEY-----\nb", "a\n[removed: private key]\nb"},
		{"a private key that is cut off", "-----BEGIN PRIVATE " + "KEY-----\nMIIE", "[removed: private key]"},
		{"two of a kind", "xoxb-" + "1234567890-a xoxb-" + "1234567890-b", "[removed: Slack token] [removed: Slack token]"},
		{"an id of a trace", "0af7651916cd43dd8448eb211c80319c", "0af7651916cd43dd8448eb211c80319c"},
		{"a digest of ours", "b_" + strings.Repeat("0a", 32), "b_" + strings.Repeat("0a", 32)},
		{"a call's id", "call_oIHazX6yQrB8hUwl4cRilFKj", "call_oIHazX6yQrB8hUwl4cRilFKj"},
		{"a URL with a port", "https://shop.example:8443/a@b", "https://shop.example:8443/a@b"},
		{"talk of passwords", "reset your password: see the page", "reset your password: see the page"},
		{"talk without a colon", "the password policy asks for twelve letters", "the password policy asks for twelve letters"},
		{"a public key", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"},
		{"what was removed before", "password: [removed: password]", "password: [removed: password]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDoor(Options{})
			if got := d.scrub(tt.text); got != tt.want {
				t.Errorf("scrub(%q) = %q, want %q", tt.text, got, tt.want)
			}
			n := 0
			for _, of := range d.removed {
				n += of
			}
			if was := strings.Count(tt.text, "[removed: "); n != strings.Count(tt.want, "[removed: ")-was {
				t.Errorf("removed %v, want as many as marks", d.removed)
			}
		})
	}
}

// TestScrubbedBeforeHashing: the secret is in none of the records of any format, and the digest is of what is kept.
func TestScrubbedBeforeHashing(t *testing.T) {
	key := "sk-" + strings.Repeat("q", 24)
	files := map[string]string{
		"otlp":     testExport(shop, testSpan("x", tool(attrs{"input.value", key, "session.id", "s"}, "the key is "+key)), retriever(doc(0, "content"), key, doc(0, "id"), key, "input.value", key)),
		"chat":     chatRun(`{"role":"tool","tool_call_id":"c1","content":"`+key+`"}`, `{"role":"assistant","content":"it is `+key+`"}`),
		"langfuse": testTrace(strings.Replace(toolObservation, "shipped", key, 1), `{"id":"o2","type":"TOOL","name":"f","startTime":"2024-01-15T21:03:48Z","level":"ERROR","statusMessage":"`+key+`"}`),
	}
	for format, file := range files {
		t.Run(format, func(t *testing.T) {
			d := decodeAs(t, format, strings.NewReader(file), Options{File: "a-shop"})
			if all := dump(t, d.items); strings.Contains(all, key) || d.removed["API key"] == 0 || len(d.items) == 0 {
				t.Errorf("removed %v, items:\n%s", d.removed, all)
			}
			for _, item := range d.items {
				for _, r := range item.Records {
					if e, ok := r.(record.Evidence); ok && record.Sum(e) != audit(t, item).Contributions[0].Source {
						t.Error("the source is not the digest of what is held")
					}
				}
			}
		})
	}
}

func TestReadMapping(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a key nobody knows", "agent = [\"a\"]\nsubjet = [\"b\"]\n", `mapping.toml:2:1: found the key "subjet", expected one of agent, subject, predicate, question, content, keep; did you mean subject?`},
		{"a key in a rule", "[[content]]\nsubject = \"a\"\nkept = \"none\"\n", `mapping.toml:3:1: found the key "content.kept"`},
		{"no TOML", "agent = [\n", "mapping.toml:"},
		{"text where a list is asked for", "agent = \"a\"\n", "mapping.toml:1:"},
		{"a policy nobody knows", "[[content]]\nsubject = \"a\"\nkeep = \"some\"\n", `content rule 1: keep: found "some", expected content, digest or none`},
		{"a glob that is none", "[[content]]\nsubject = \"a[\"\nkeep = \"none\"\n", `content rule 1: subject: found "a[", expected a glob`},
		{"a rule for no subject", "[[content]]\nkeep = \"none\"\n", `subject: found ""`},
		{"a file too long", strings.Repeat("#", maxMappingBytes+1), "found 65537 bytes, expected at most 65536"},
		{"a list too long", "agent = [" + strings.Repeat(`"a",`, maxMappingNames+1) + "]", "found 257 attributes in a list, expected at most 256"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ReadMapping([]byte(tt.text), "mapping.toml"); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestMapping: attributes that were mapped count before those we know of, in each format.
func TestMapping(t *testing.T) {
	m := mapping(t, `
agent = ["app.agent", "arguments.agent", "bot"]
subject = ["app.topic", "arguments.topic"]
predicate = ["app.field"]
question = ["app.words", "arguments.words"]
`)
	call := strings.Replace(chatRun(chatResult), `{\"order_id\":\"A7\"}`, `{\"order_id\":\"A7\",\"topic\":\"t/1\",\"words\":\"why\"}`, 1)
	files := map[string]string{
		"otlp":     testExport(shop, testSpan("x", tool(attrs{"app.agent", "bob", "app.topic", "t/1", "app.field", "status", "app.words", "why"}, "1"))),
		"chat":     strings.Replace(call, `{"messages"`, `{"bot":"bob","app.field":"status","messages"`, 1),
		"langfuse": testTrace(strings.Replace(toolObservation, `\"attributes\":{`, `\"attributes\":{\"app.agent\":\"bob\",\"app.topic\":\"t/1\",\"app.field\":\"status\",\"app.words\":\"why\",`, 1)),
	}
	for format, file := range files {
		t.Run(format, func(t *testing.T) {
			d := decodeAs(t, format, strings.NewReader(file), Options{File: "shop-agent", Mapping: m})
			if len(d.items) == 0 {
				t.Fatalf("no items, rejects %v, dropped %v", d.rejects, d.dropped)
			}
			a := audit(t, d.items[0])
			if diff := cmp.Diff([]string{"bob", "t/1", "status", "why"}, []string{a.Agent, a.Subject, a.Predicate, a.Question}); diff != "" {
				t.Errorf("agent, subject, predicate, question (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzMapping(f *testing.F) {
	for _, seed := range []string{contentRules, "agent = [\"a\"]", "subjet = 1", "[[content]]\nkeep=\"none\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ReadMapping(text, "m")
		if (m == nil) == (err == nil) {
			t.Errorf("mapping %v and error %v", m, err)
		}
		if m != nil {
			newDoor(Options{Mapping: m}).keeps("a/b")
		}
	})
}

// TestSecretKinds: what marksIn relies on, and that each kind is found by its own mark.
func TestSecretKinds(t *testing.T) {
	if len(secretKinds) > 32 {
		t.Fatalf("%d kinds, and 32 bits for them", len(secretKinds))
	}
	for k, s := range secretKinds {
		if len(s.mark) < 3 {
			t.Errorf("the mark %q has fewer than 3 bytes", s.mark)
			continue
		}
		for _, text := range []string{s.mark, "x" + s.mark, s.mark + "x", strings.Repeat(s.mark, 3)} {
			if marksIn(text)&(1<<k) == 0 {
				t.Errorf("marksIn(%q) does not know %s", text, s.kind)
			}
		}
	}
}

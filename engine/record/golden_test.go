package record

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// golden is a file of testdata: bytes spelled by hand with a comment for each field. Its second line is the id,
// computed with b3sum and not with this package.
type golden struct {
	id      string
	payload []byte
}

func readGolden(t testing.TB, name string) golden {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	return parseGolden(t, string(text))
}

func parseGolden(t testing.TB, text string) golden {
	t.Helper()
	lines := strings.SplitN(text, "\n", 3)
	if len(lines) < 3 || !strings.HasPrefix(lines[1], "# ") {
		t.Fatalf("found %q, expected a title, an id and bytes", text)
	}
	g := golden{id: strings.TrimPrefix(lines[1], "# ")}
	for line := range strings.Lines(lines[2]) {
		digits, _, _ := strings.Cut(line, "#")
		b, err := hex.DecodeString(strings.Join(strings.Fields(digits), ""))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		g.payload = append(g.payload, b...)
	}
	return g
}

func repeat(b byte) (h Hash) {
	for i := range h {
		h[i] = b
	}
	return h
}

func mustHash(s string) Hash {
	h, err := ParseHash(s)
	if err != nil {
		panic(err)
	}
	return h
}

func mustTime(s string) Time {
	t, err := ParseTime(s)
	if err != nil {
		panic(err)
	}
	return t
}

// document is the evidence of the goldens; its digest comes from b3sum.
const (
	document       = "ES256 replaces RS256.\n"
	documentDigest = "c7b11c57261a2b92e1b20c75fee7f2fa1e78af5b0c34ee8e85c46c57f8d4c2e6"
)

type namedRecord struct {
	name string
	r    Record
}

// goldens are the records that the files of testdata spell, and their lines.
func goldens() []namedRecord {
	digest := mustHash(documentDigest)
	assertion := func(change func(*Assertion)) *Assertion {
		a := &Assertion{
			Subject: "auth/jwt", Predicate: "signing_algorithm", Object: TextObject("ES256"), Confidence: 0.9666667,
			Lifecycle: Proposed, Agent: "rfc-bot", Timestamp: mustTime("2024-01-15T18:02:00Z"), Source: digest,
		}
		change(a)
		return a
	}
	return []namedRecord{
		{"evidence", Evidence(document)},
		{"source", &Source{
			Name: "security-rfc-2024.md", Digest: digest, URI: "https://docs.example/rfc", MediaType: "text/markdown",
			Authority: 0.9, Agent: "docs-sync", Timestamp: mustTime("2024-01-15T18:00:00Z"),
		}},
		{"source-least", &Source{Name: "pager", Digest: UnknownDigest("pager"), Authority: DefaultAuthority, Agent: "ops"}},
		{"assertion", assertion(func(a *Assertion) {
			a.Parents = []ID{{KindAssertion, repeat(0x33)}, {KindAudit, repeat(0x88)}}
			a.Epoch, a.Note = repeat(0x55), "from § 4"
		})},
		{"assertion-text", assertion(func(*Assertion) {})},
		{"assertion-number", assertion(func(a *Assertion) {
			a.Object, a.Confidence, a.Lifecycle = NumberObject(-0.25), 1, Approved
			a.Timestamp++
		})},
		{"assertion-bool", assertion(func(a *Assertion) {
			a.Object, a.Confidence, a.Lifecycle = BoolObject(true), 0, Unstated
		})},
		{"assertion-ref", assertion(func(a *Assertion) { a.Object = RefObject(ID{KindEpoch, repeat(0x55)}) })},
		{"vote", &Vote{Assertion: repeat(0x33), Agent: "alice", Weight: -0.5, Timestamp: mustTime("2024-01-15T19:00:00Z")}},
		{"epoch", &Epoch{
			Name: "2024", Agent: "ops", Timestamp: mustTime("2024-01-01T00:00:00Z"), Supersedes: repeat(0x55), Supersession: Temporal,
		}},
		{"epoch-least", &Epoch{Name: "2023", Agent: "ops", Timestamp: mustTime("2023-01-01T00:00:00Z")}},
		{"transition", &Transition{
			Assertion: repeat(0x33), To: Rejected, Agent: "alice", Reason: "clients cannot verify", Timestamp: mustTime("2024-01-15T22:10:00Z"),
		}},
		{"transition-least", &Transition{
			Assertion: repeat(0x33), To: UnderReview, Agent: "alice", Timestamp: mustTime("2024-01-15T22:10:00Z"),
		}},
		{"event", &Event{
			Type: Deploy, Timestamp: mustTime("2024-01-15T21:04:10Z"), Agent: "deployment-agent", Title: "auth-service config 41",
			Subject: "auth/jwt", BasedOn: []ID{{KindAudit, repeat(0x88)}}, Labels: []Label{{"deploy", "41"}, {"env", ""}},
			TraceID: "0af7651916cd43dd8448eb211c80319c", SpanID: "b7ad6b7169203331", ConversationID: "c-7",
		}},
		{"event-least", &Event{Type: Note, Timestamp: mustTime("2024-01-15T21:04:10Z"), Agent: "ops", Title: "paged"}},
		{"audit", &Audit{
			Agent: "deployment-agent", Timestamp: mustTime("2024-01-15T21:03:47Z"), Subject: "auth/jwt", Predicate: "signing_algorithm",
			Question: "which algorithm signs?", Lens: "recency", HalfLife: 12 * time.Hour, LifecycleFilter: Approved,
			AsOf: mustTime("2024-01-15T20:00:00Z"), Pinned: true, Pin: 7,
			Journal: LogID{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff},
			Value:   TextObject("ES256"), Confidence: 0.87, Share: 0.625,
			ResultHash: mustHash("d43b7cc152bfa536a73f0bd7ae0eb5511b2b99d0fc54e8040ae0e6d5bfb83aa7"), Considered: 2,
			Contributions: []Contribution{{Assertion: repeat(0x33), Source: digest, Weight: 0.9, Lifecycle: Approved}},
			Labels:        []Label{{"env", "prod"}},
			TraceID:       "0af7651916cd43dd8448eb211c80319c", SpanID: "b7ad6b7169203331", ConversationID: "c-7", ToolCallID: "call-3",
		}},
		{"audit-least", &Audit{
			Agent: "deployment-agent", Timestamp: mustTime("2024-01-15T21:03:47Z"), Subject: "auth/jwt", Predicate: "signing_algorithm",
			Lens: LensExternal, AsOf: mustTime("2024-01-15T21:03:47Z"),
			ResultHash: mustHash("2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
		}},
		{"erasure", &Erasure{
			Target: repeat(0xbb), LSN: 3, Agent: "privacy-desk", Reason: "personal data", Reference: "DSR-118",
			Timestamp: mustTime("2024-02-01T09:00:00Z"),
		}},
		{"erasure-least", &Erasure{
			Target: repeat(0xbb), LSN: 3, Agent: "privacy-desk", Reason: "personal data", Timestamp: mustTime("2024-02-01T09:00:00Z"),
		}},
	}
}

func TestGoldens(t *testing.T) {
	for _, tt := range goldens() {
		t.Run(tt.name, func(t *testing.T) {
			g := readGolden(t, tt.name)
			prefix := []byte("before")
			payload, err := Encode(prefix, tt.r)
			if err != nil {
				t.Fatal(err)
			}
			if want := append(prefix, g.payload...); !bytes.Equal(payload, want) {
				t.Errorf("Encode:\n%s\nwant\n%s", hex.Dump(payload), hex.Dump(want))
			}
			got, err := Decode(tt.r.Kind(), g.payload)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.r, got); diff != "" {
				t.Errorf("Decode (-want +got):\n%s", diff)
			}
			id, err := IDOf(tt.r)
			if err != nil || id.String() != g.id {
				t.Errorf("IDOf = %v, %v, want %s", id, err, g.id)
			}
		})
	}
}

// TestGoldensCover keeps the goldens honest: every kind, every field present somewhere, every optional one absent
// somewhere.
func TestGoldensCover(t *testing.T) {
	for kind, table := range tables {
		present := make([]int, len(table))
		total := 0
		for _, g := range goldens() {
			if g.r.Kind() != Kind(kind) || g.r.Kind() == KindEvidence {
				continue
			}
			raw, err := Parse(Kind(kind), readGolden(t, g.name).payload)
			if err != nil {
				t.Fatal(err)
			}
			total++
			for i := range table {
				if raw.at[i] != 0 {
					present[i]++
				}
			}
		}
		for i, f := range table {
			if present[i] == 0 || f.optional && present[i] == total {
				t.Errorf("%s: %s is present in %d of %d goldens", Kind(kind), f.name, present[i], total)
			}
		}
	}
}

// TestDecodeCopies shows that nothing decoded aliases the payload, whose memory the journal uses again.
func TestDecodeCopies(t *testing.T) {
	for _, tt := range goldens() {
		payload := readGolden(t, tt.name).payload
		got, err := Decode(tt.r.Kind(), payload)
		if err != nil {
			t.Fatal(err)
		}
		clear(payload)
		if diff := cmp.Diff(tt.r, got); diff != "" {
			t.Errorf("%s changed with the payload (-want +got):\n%s", tt.name, diff)
		}
	}
}

// The digests below come from b3sum.
func TestSum(t *testing.T) {
	long := make([]byte, 5000)
	for i := range long {
		long[i] = byte(i % 251)
	}
	tests := []struct {
		name    string
		payload []byte
		want    string
	}{
		{"no bytes", nil, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
		{"less than a block", []byte("abc"), "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"},
		{"several writes", long, "ee78d92070de3df1c57c37002abf0a6b1a6589acdeef4d8ffac7cf3d9e8f2836"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Sum(tt.payload).String(); got != tt.want {
				t.Errorf("Sum = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestSumAllocatesNothing(t *testing.T) {
	for _, size := range []int{0, 100, 1024, 1025, 4 << 10} {
		payload := make([]byte, size)
		Sum(payload) // fills the pool
		if n := testing.AllocsPerRun(100, func() { Sum(payload) }); n != 0 {
			t.Errorf("Sum of %d bytes allocates %g times", size, n)
		}
	}
}

// The digest comes from b3sum --derive-key 'episteme unknown source v1'.
func TestUnknownDigest(t *testing.T) {
	const want = "b50c9e8c2498e0b5191c4cac67a676c85bd0ae2d2c8f99f086011f404b5c433f"
	if got := UnknownDigest("pager").String(); got != want {
		t.Errorf("UnknownDigest = %s, want %s", got, want)
	}
	if UnknownDigest("pager") == Sum([]byte("pager")) {
		t.Error("an unknown source named pager has the digest of the document \"pager\"")
	}
}

// The digests come from b3sum over the bytes in Object's comment.
func TestObjectHash(t *testing.T) {
	tests := []struct {
		name   string
		object Object
		want   string
	}{
		{"no value", Object{}, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"},
		{"empty text is a value", TextObject(""), "48fc721fbbc172e0925fa27af1671de225ba927134802998b10a1568a188652b"},
		{"text", TextObject("ES256"), "d43b7cc152bfa536a73f0bd7ae0eb5511b2b99d0fc54e8040ae0e6d5bfb83aa7"},
		{"number", NumberObject(3), "e482b80d784d18cdc9a82dba32cc315fed0c4e01d436a7b855c197f3a8b4af2a"},
		{"false", BoolObject(false), "fd07e5b69bfa982855889ce70a028ccba18098d71529ec8d4367bb5d86c8ac98"},
		{"true", BoolObject(true), "07ebe7a47eaab849b52b90eb949cd42f6bba8faddf479ab0e7718f9e82c5476a"},
		{"reference", RefObject(ID{KindEpoch, repeat(0x55)}), "d63e6b58c59b682c466dbfcc1b3fe398a41934e21b4bf4fa5b85eea81ff3981a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.object.Hash().String(); got != tt.want {
				t.Errorf("Hash = %s, want %s", got, tt.want)
			}
		})
	}
}

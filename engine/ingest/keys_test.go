package ingest

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"episteme/engine/record"
)

// TestKeysAreAsDrawn spells the keys of the diagram out by hand.
func TestKeysAreAsDrawn(t *testing.T) {
	hash := record.Hash(bytes.Repeat([]byte{0xAB}, 32))
	ab := strings.Repeat("ab", 32)
	tests := []struct {
		name string
		key  []byte
		want string
	}{
		{"an assertion lies under H:", primaryKey(assertionID(hash)), "483a" + ab},
		{"a vote lies under V:", primaryKey(record.ID{Kind: record.KindVote, Hash: hash}), "563a" + ab},
		{"an epoch lies under E:", primaryKey(record.ID{Kind: record.KindEpoch, Hash: hash}), "453a" + ab},
		{"an audit lies under Q:", primaryKey(record.ID{Kind: record.KindAudit, Hash: hash}), "513a" + ab},
		{"candidates sort by subject, predicate, time, LSN", candidateKey(&record.Assertion{Subject: "a/b", Predicate: "p", Timestamp: 0x0102}, 3),
			"633a" + "612f62" + "0001" + "70" + "0001" + "00" + "0000000000000102" + "0000000000000003"},
		{"events sort newest first", eventKey(1, 2), "773a" + "fffffffffffffffe" + "fffffffffffffffd"},
		{"the tail of an agent's list sorts by LSN", tailKey(agentPrefix("a"), 2), "673a" + "61" + "0001" + "01" + "0000000000000002"},
		{"the packs of a subject's list sort by number", packKey(subjectPrefix("s"), 3), "733a" + "73" + "0001" + "00" + "00000003"},
		{"the spans of the list of all sort by number", spansKey(allPrefix(), 4), "743a" + "02" + "00000004"},
		{"a transaction's mark lies in its slot", flushKey(slotOf(flushSlots + 5)), "623a" + "0005"},
		{"votes and transitions sort behind them by LSN", lifeKey(topic{"a/b", "p"}, 7), "633a" + "612f62" + "0001" + "70" + "0001" + "01" + "0000000000000007"},
		{"those that wait sort by their assertion", orphanKey(hash, 7), "6f3a" + ab + "0000000000000007"},
		{"links sort by target, way, LSN", linkKey(assertionID(hash), LinkParent, 7), "723a" + "03" + ab + "06" + "0000000000000007"},
		{"the dense index sorts by LSN, 128 to a pack", denseKey(258), "6e3a" + "0000000000000102"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := hex.EncodeToString(tt.key); got != tt.want {
				t.Errorf("key = %s, want %s", got, tt.want)
			}
		})
	}
}

// FuzzText holds the text encoding to its promises: it reads back, it sorts as the texts do, and no text's encoding
// is a prefix of another's.
func FuzzText(f *testing.F) {
	f.Add("auth", "auth/jwt")
	f.Add("", "\x00")
	f.Add("a\x00", "a\x00\x01")
	f.Add("a", "a\x00\xff")
	f.Fuzz(func(t *testing.T, a, b string) {
		ea, eb := appendText(nil, a), appendText(nil, b)
		if s, rest, ok := cutText(append(bytes.Clone(ea), "rest"...)); !ok || s != a || string(rest) != "rest" {
			t.Fatalf("cutText(appendText(%q)) = %q, %q, %t", a, s, rest, ok)
		}
		if got, want := bytes.Compare(ea, eb), strings.Compare(a, b); got != want {
			t.Errorf("order of %q and %q = %d, want %d", a, b, got, want)
		}
		if a != b && bytes.HasPrefix(eb, ea) {
			t.Errorf("the key of %q is a prefix of the key of %q", a, b)
		}
		if strings.HasPrefix(b, a) != bytes.HasPrefix(eb, appendTextPrefix(nil, a)) && strings.HasPrefix(b, a) {
			t.Errorf("%q begins with %q and its key does not", b, a)
		}
	})
}

func TestNewestBounds(t *testing.T) {
	at := func(v int64) *record.Time { r := record.Time(v); return &r }
	key := func(v record.Time, lsn record.LSN) []byte { return eventKey(v, lsn) }
	tests := []struct {
		name     string
		from, to *record.Time
		time     record.Time
		want     bool
	}{
		{"the start is included", at(10), at(20), 10, true},
		{"the end is not", at(10), at(20), 20, false},
		{"just below the end is", at(10), at(20), 19, true},
		{"before the start is not", at(10), at(20), 9, false},
		{"an open start takes 1970", nil, at(20), 0, true},
		{"an open end takes 2262", at(10), nil, record.MaxTime, true},
		{"nothing is before 1970", nil, at(0), 0, false},
		{"a start at 1970 takes 1970", at(0), nil, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lower, upper := newestBounds(space(spaceEvents), tt.from, tt.to)
			for _, lsn := range []record.LSN{0, 1, 1<<64 - 1} {
				k := key(tt.time, lsn)
				got := bytes.Compare(k, lower) >= 0 && (upper == nil || bytes.Compare(k, upper) < 0)
				if got != tt.want {
					t.Errorf("time %d lsn %d in [%x, %x) = %t, want %t", tt.time, lsn, lower, upper, got, tt.want)
				}
			}
		})
	}
}

// TestKeysPageIsTrue holds the examples of docs/formats/keys.md to the code.
func TestKeysPageIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../docs/formats/keys.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range [][]byte{
		candidateKey(&record.Assertion{Subject: "a/b", Predicate: "p", Timestamp: 0x0102}, 3), eventKey(1, 2), packKey(subjectPrefix("s"), 3), denseKey(258),
	} {
		if !strings.Contains(string(page), "`"+hex.EncodeToString(key)+"`") {
			t.Errorf("docs/formats/keys.md lacks %x", key)
		}
	}
}

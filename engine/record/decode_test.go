package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
)

// put returns an edit that overwrites bytes at an offset of the payload.
func put(at int, b ...byte) func([]byte) []byte {
	return func(p []byte) []byte {
		copy(p[at:], b)
		return p
	}
}

// at finds where field begins in the payload of a golden: a variable field at its length.
func at(t *testing.T, kind Kind, payload []byte, field string) int {
	t.Helper()
	raw, err := Parse(kind, payload)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range tables[kind] {
		if f.name == field {
			return int(raw.at[i])
		}
	}
	t.Fatalf("%s has no field %s", kind, field)
	return 0
}

func u64(v uint64) []byte  { return binary.LittleEndian.AppendUint64(nil, v) }
func f32(v float32) []byte { return u64(uint64(math.Float32bits(v))) }

// TestDecodeRefuses changes one thing of a good payload. field says where edit's offset counts from, empty: from
// the start.
func TestDecodeRefuses(t *testing.T) {
	tests := []struct {
		name   string
		golden string
		field  string
		edit   func([]byte) []byte
		want   string // in the error
	}{
		// The header.
		{"no header", "vote", "", func(p []byte) []byte { return p[:0] }, "vote at byte 0: found 0 bytes, expected a header of 8"},
		{"half a header", "vote", "", func(p []byte) []byte { return p[:7] }, "found 7 bytes, expected a header of 8"},
		{"another kind", "vote", "", put(0, byte(KindEpoch)), "vote at byte 0: found kind 5, expected kind 4"},
		{"version 0 never was", "vote", "", put(1, 0), "vote at byte 1: found version 0, expected version 1"},
		{"a later version is too new, not damaged", "vote", "", put(1, 2), "newer version"},
		{"a later field is too new, not damaged", "vote", "", put(2, 0x1f), "newer version"},
		{"the last bit of the bitmap is a later field", "vote", "", put(7, 0x80), "newer version"},
		{"a required field is absent", "vote", "", put(2, 0x0d), "vote: agent at byte 2: found nothing, expected a field that every vote has"},
		{"a required field of the second bitmap byte is absent", "audit-least", "", put(3, 0xe1), "confidence at byte 3: found nothing"},
		{"longer than any record", "vote", "", func(p []byte) []byte { return append(p, make([]byte, MaxPayloadBytes)...) }, "expected at most 1048576"},

		// The layout.
		{"bytes behind the last field", "vote", "", func(p []byte) []byte { return append(p, 0) }, "vote at byte 65: found 1 bytes behind the last field"},
		{"a fixed field is cut", "vote", "", func(p []byte) []byte { return p[:41] }, "weight at byte 40: found 1 bytes left, expected 8"},
		{"a length is cut", "vote", "", func(p []byte) []byte { return p[:58] }, "agent at byte 56: found 2 bytes left"},
		{"a text is cut", "vote", "", func(p []byte) []byte { return p[:64] }, "agent at byte 56: found length 5 with 4 bytes left"},
		{"a hostile length", "vote", "agent", put(0, 0xff, 0xff, 0xff, 0xff), "length 4294967295 with 5 bytes left"},
		{"a length whose sign bit is set", "vote", "agent", put(0, 0, 0, 0, 0x80), "length 2147483648"},
		{"padding behind a float", "vote", "weight", put(4, 1), "padding 0x01"},
		{"padding behind a byte", "transition", "to", put(7, 1), "padding 0x01"},
		{"padding of a contribution", "audit", "contributing_assertions", put(4+71, 1), "padding that is not zero"},
		{"an empty text is an absent one", "transition", "reason", func(p []byte) []byte { p[0] = 0; return p[:4] }, "reason at byte 65: found an empty field, expected an absent one"},
		{"a zero optional hash is an absent one", "epoch", "supersedes", put(0, make([]byte, 32)...), "supersedes at byte 16: found a zero, expected an absent field"},
		{"a zero stage is an absent filter", "audit", "lifecycle_filter", put(0, 0), "found a zero, expected an absent field"},
		{"a zero half-life is an absent one", "audit", "half_life", put(0, u64(0)...), "found a zero, expected an absent field"},
		{"a text that is not UTF-8", "vote", "agent", put(4, 0xff), "agent at byte 60: found bytes that are not UTF-8"},
		{"a surrogate is not UTF-8", "vote", "agent", put(4, 0xed, 0xa0, 0x80), "not UTF-8"},

		// Objects.
		{"no value is an absent field", "assertion-bool", "object", put(4, 0), "found type 0 with 1 bytes"},
		{"an object of a later type", "assertion-bool", "object", put(4, 5), "found type 5 with 1 bytes"},
		{"a boolean that is neither", "assertion-bool", "object", put(5, 2), "found type 3 with 1 bytes"},
		{"a number in the length of a boolean", "assertion-bool", "object", put(4, byte(Number)), "found type 2 with 1 bytes"},
		{"a reference in the length of a boolean", "assertion-bool", "object", put(4, byte(Refers)), "found type 4 with 1 bytes"},
		{"a text object that is not UTF-8", "assertion-text", "object", put(5, 0x80), "object at byte"},
		{"a number that is none", "assertion-number", "object", put(5, u64(math.Float64bits(math.NaN()))...), "found NaN"},
		{"an infinite number", "assertion-number", "object", put(5, u64(math.Float64bits(math.Inf(-1)))...), "found -Inf"},
		{"a negative zero", "assertion-number", "object", put(5, u64(1<<63)...), "found -0, expected a finite number that is not -0"},
		{"a reference to no kind", "assertion-ref", "object", put(5, 0), "an id of no kind"},
		{"a reference to nothing", "assertion-ref", "object", put(6, make([]byte, 32)...), "expected the id of a record"},

		// Ranges.
		{"a time before 1970", "vote", "timestamp", put(7, 0x80), "timestamp: found 1679-03-30T"},
		{"a confidence above 1", "assertion", "confidence", put(0, f32(1.0000001)...), "confidence: found 1.0000001, expected a number from 0 to 1"},
		{"a confidence below 0", "assertion", "confidence", put(0, f32(-0.5)...), "confidence: found -0.5"},
		{"a confidence that is no number", "assertion", "confidence", put(0, f32(float32(math.NaN()))...), "confidence: found NaN"},
		{"a confidence of -0", "assertion", "confidence", put(0, f32(float32(math.Copysign(0, -1)))...), "confidence: found -0"},
		{"a weight below -1", "vote", "weight", put(0, f32(-1.5)...), "weight: found -1.5, expected a number from -1 to 1"},
		{"a stage that does not exist", "assertion", "lifecycle", put(0, 7), "lifecycle: found 7, expected a lifecycle stage"},
		{"a stage of 0", "assertion", "lifecycle", put(0, 0), "lifecycle: found nothing"},
		{"a supersession that does not exist", "epoch", "supersession", put(0, 4), "supersession: found 4"},
		{"an event that does not exist", "event", "type", put(0, 6), "type: found 6"},
		{"a filter that does not exist", "audit", "lifecycle_filter", put(0, 9), "lifecycle_filter: found 9"},
		{"a record without a source", "assertion", "source", put(0, make([]byte, 32)...), "source: found nothing, expected the id of a record"},
		{"an LSN of 0", "erasure", "lsn", put(0, u64(0)...), "lsn: found 0"},
		{"an LSN that JSON can't carry", "erasure", "lsn", put(0, u64(1<<53+1)...), "lsn: found 9007199254740993, expected a whole number from 0 to 2^53"},
		{"a pin that JSON can't carry", "audit", "pin", put(0, u64(1<<53+1)...), "pin: found 9007199254740993"},
		{"a count that JSON can't carry", "audit", "considered", put(0, u64(math.MaxUint64)...), "considered: found 18446744073709551615"},
		{"fewer considered than contributed", "audit", "considered", put(0, u64(0)...), "considered: found 0, expected at least the 1 that contributed"},
		{"the default half-life", "audit", "half_life", put(0, u64(uint64(DefaultHalfLife))...), "lens_params: found the default half-life"},
		{"a half-life under a second", "audit", "half_life", put(0, u64(999_999_999)...), "half_life 999.999999ms"},
		{"a negative half-life", "audit", "half_life", put(0, u64(math.MaxUint64)...), "half_life -1ns"},
		{"a half-life of another lens", "audit", "lens", put(4, 'R'), "lens_params: found a half-life, expected none"},
		{"a result hash of another value", "audit", "result_hash", put(0, 0), "result_hash: found 003b7cc"},
		{"a value of another result hash", "audit", "value", put(5, 'R'), "result_hash: found d43b7cc"},
		{"a contribution of no assertion", "audit", "contributing_assertions", put(4, make([]byte, 32)...), "contributing_assertions: found nothing"},
		{"a contribution heavier than 1", "audit", "contributing_assertions", put(4+64, f32(1.5)[:4]...), "contributing_assertions: found 1.5"},
		{"a contribution in no stage", "audit", "contributing_assertions", put(4+68, 0), "contributing_assertions: found nothing, expected a lifecycle stage"},
		{"contributions that do not fill their length", "audit", "contributing_assertions", put(0, 71), "found 71 bytes, expected 1 to 4096 items of 72"},

		// Lists.
		{"parents that do not fill their length", "assertion", "parents", put(0, 65), "found 65 bytes, expected 1 to 64 items of 33"},
		{"a parent that is a vote", "assertion", "parents", put(4, byte(KindVote)), "parents: found the id of a record of kind vote"},
		{"labels out of order", "event", "labels", put(8, 'z'), `labels: found "env" behind "zeploy"`},
		{"a label twice", "event", "labels", put(4, []byte("\x03\x00\x00\x00env\x00\x00\x00\x00\x03\x00\x00\x00env\x05\x00\x00\x00abcde")...), `labels: found "env" behind "env"`},
		{"a label's length beyond the field", "event", "labels", put(4, 0xff), "found a length beyond the field"},
		{"a label that is not UTF-8", "event", "labels", put(8, 0xff), "not UTF-8"},

		// Fields that need each other.
		{"a supersession alone", "epoch", "", func(p []byte) []byte {
			p[2] = 0x17
			return append(p[:16:16], p[48:]...)
		}, "supersession: found Temporal, expected nothing, because supersedes is absent"},
		{"a superseded epoch alone", "epoch", "", func(p []byte) []byte {
			p[2] = 0x0f
			return append(p[:48:48], p[56:]...)
		}, "supersession: found nothing"},
		{"a pin alone", "audit", "", func(p []byte) []byte {
			p[3] &^= 1 << 2
			return append(p[:48:48], p[64:]...)
		}, "journal: found nothing"},
		{"a journal alone", "audit", "", func(p []byte) []byte {
			p[3] &^= 1 << 1
			return append(p[:40:40], p[48:]...)
		}, "pin: found a pin or a journal alone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kind := kindOfGolden(t, tt.golden)
			payload := readGolden(t, tt.golden).payload
			from := 0
			if tt.field != "" {
				from = at(t, kind, payload, tt.field)
			}
			payload = append(payload[:from:from], tt.edit(bytes.Clone(payload[from:]))...)
			got, err := Decode(kind, payload)
			if err == nil {
				t.Fatalf("Decode = %+v, want an error with %q", got, tt.want)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Decode: %v, want %q in it", err, tt.want)
			}
			tooNew := tt.want == "newer version"
			if errors.Is(err, ErrTooNew) != tooNew {
				t.Errorf("Decode: %v, too new: %v, want %v", err, !tooNew, tooNew)
			}
			var layout *LayoutError
			var field *FieldError
			if !tooNew && !errors.As(err, &layout) && !errors.As(err, &field) {
				t.Errorf("Decode gave a %T", err)
			}
		})
	}
}

func kindOfGolden(t testing.TB, name string) Kind {
	t.Helper()
	for _, g := range goldens() {
		if g.name == name {
			return g.r.Kind()
		}
	}
	t.Fatalf("no golden %s", name)
	return 0
}

func TestDecodeRefusesKinds(t *testing.T) {
	if _, err := Decode(0, []byte("x")); !errors.Is(err, ErrTooNew) {
		t.Errorf("Decode of kind 0: %v, want %v", err, ErrTooNew)
	}
	if _, err := Decode(10, []byte("x")); !errors.Is(err, ErrTooNew) {
		t.Errorf("Decode of kind 10: %v, want %v", err, ErrTooNew)
	}
	if _, err := Parse(KindEvidence, []byte("x")); err == nil {
		t.Error("Parse took evidence, which has no fields")
	}
	if _, err := Decode(KindEvidence, make([]byte, MaxEvidenceBytes+1)); err == nil {
		t.Error("Decode took evidence above its limit")
	}
}

// TestEveryPrefixIsRefused: a record cut anywhere is no record.
func TestEveryPrefixIsRefused(t *testing.T) {
	for _, g := range goldens() {
		if g.r.Kind() == KindEvidence {
			continue
		}
		payload := readGolden(t, g.name).payload
		for n := range payload {
			if r, err := Decode(g.r.Kind(), payload[:n]); err == nil {
				t.Errorf("%s cut to %d bytes decodes to %+v", g.name, n, r)
			}
		}
	}
}

// TestEveryBitCounts: a payload with any bit flipped is refused, or is another record with these very bytes.
func TestEveryBitCounts(t *testing.T) {
	for _, g := range goldens() {
		payload := readGolden(t, g.name).payload
		for bit := range 8 * len(payload) {
			payload[bit/8] ^= 1 << (bit % 8)
			if r, err := Decode(g.r.Kind(), payload); err == nil {
				again, err := Encode(nil, r)
				if err != nil || !bytes.Equal(again, payload) {
					t.Errorf("%s with bit %d flipped decodes, but encodes to %x, %v", g.name, bit, again, err)
				}
			}
			payload[bit/8] ^= 1 << (bit % 8)
		}
	}
}

// TestDecodeBoundsMemory gives lengths and counts that promise gigabytes.
func TestDecodeBoundsMemory(t *testing.T) {
	for _, g := range goldens() {
		kind := g.r.Kind()
		if kind == KindEvidence {
			continue
		}
		payload := readGolden(t, g.name).payload
		raw, err := Parse(kind, payload)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range tables[kind] {
			if f.typ.size() != 0 || raw.at[i] == 0 {
				continue
			}
			for _, length := range []uint32{math.MaxUint32, math.MaxInt32, 1 << 30, 4096 * 72, 64 * 33} {
				hostile := bytes.Clone(payload)
				binary.LittleEndian.PutUint32(hostile[raw.at[i]:], length)
				if n := allocated(func() { Decode(kind, hostile) }); n > 64<<10 {
					t.Errorf("%s: length %d of %s made Decode allocate %d bytes", g.name, length, f.name, n)
				}
			}
		}
	}
}

// allocated is the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestParseAllocatesNothing(t *testing.T) {
	for _, g := range goldens() {
		if g.r.Kind() == KindEvidence {
			continue
		}
		payload := readGolden(t, g.name).payload
		if n := testing.AllocsPerRun(100, func() {
			if _, err := Parse(g.r.Kind(), payload); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("Parse of %s allocates %g times", g.name, n)
		}
	}
}

// TestReadAuditColumns reads what lists are filtered by from an audit's bytes.
func TestReadAuditColumns(t *testing.T) {
	payload := readGolden(t, "audit").payload
	var c AuditColumns
	if n := testing.AllocsPerRun(100, func() {
		var err error
		if c, err = ReadAuditColumns(payload); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("ReadAuditColumns allocates %g times", n)
	}
	if got, want := fmt.Sprintf("%s %s %s", c.Agent, c.Subject, c.Predicate), "deployment-agent auth/jwt signing_algorithm"; got != want {
		t.Errorf("ReadAuditColumns = %s, want %s", got, want)
	}
	if _, err := ReadAuditColumns(readGolden(t, "vote").payload); err == nil {
		t.Error("ReadAuditColumns took a vote")
	}
}

func FuzzDecode(f *testing.F) {
	for _, g := range goldens() {
		f.Add(uint8(g.r.Kind()), readGolden(f, g.name).payload)
	}
	f.Fuzz(func(t *testing.T, kind uint8, payload []byte) {
		r, err := Decode(Kind(kind), payload)
		if err != nil {
			if r != nil {
				t.Errorf("Decode gave a record and %v", err)
			}
			return
		}
		if r.Kind() != Kind(kind) {
			t.Fatalf("Decode of kind %d gave kind %d", kind, r.Kind())
		}
		again, err := Encode(nil, r)
		if err != nil || !bytes.Equal(again, payload) {
			t.Fatalf("Encode(Decode(%x)) = %x, %v", payload, again, err)
		}
	})
}

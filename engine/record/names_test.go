package record

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

const digits64 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

func TestParseID(t *testing.T) {
	for _, kind := range Kinds() {
		id := ID{kind, mustHash(digits64)}
		text := id.String()
		if want := string(kind.Letter()) + "_" + digits64; text != want {
			t.Errorf("String = %s, want %s", text, want)
		}
		if got, err := ParseID(text); got != id || err != nil {
			t.Errorf("ParseID(%s) = %v, %v", text, got, err)
		}
		if got := id.Short(); got != text[:10] {
			t.Errorf("Short = %s, want %s", got, text[:10])
		}
		var read ID
		if err := read.UnmarshalText([]byte(text)); read != id || err != nil {
			t.Errorf("UnmarshalText(%s) = %v, %v", text, read, err)
		}
	}
	bad := []struct{ name, in, want string }{
		{"empty", "", "expected an id such as q_"},
		{"no letter", digits64, "expected an id such as q_"},
		{"an unknown letter", "z_" + digits64, "b_ s_ a_ v_ e_ t_ w_ q_ x_"},
		{"two letters", "qq_" + digits64, "expected an id such as q_"},
		{"a prefix", "q_" + digits64[:8], "found 8 characters, expected 64 hex digits"},
		{"too long", "q_" + digits64 + "0", "found 65 characters"},
		{"upper case", "q_" + strings.ToUpper(digits64), `found 'A' at digit 21`},
		{"no hex", "q_" + digits64[:63] + "g", `found 'g' at digit 64`},
		{"an upper-case letter", "Q_" + digits64, "starts with one of"},
	}
	for _, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ParseID(tt.in); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ParseID(%q): %v, want %q in it", tt.in, err, tt.want)
			}
		})
	}
	if (ID{}).String() != "" || !(ID{}).IsZero() {
		t.Error("the zero ID is not the empty text")
	}
	var zero ID
	if err := zero.UnmarshalText(nil); err != nil || !zero.IsZero() {
		t.Errorf("UnmarshalText of nothing = %v, %v", zero, err)
	}
}

func TestParsePrefix(t *testing.T) {
	id := ID{KindAudit, mustHash(digits64)}
	tests := []struct {
		name, in string
		want     Prefix
		match    bool // id
		err      string
	}{
		{"4 digits without a letter", "0011", Prefix{0, "0011"}, true, ""},
		{"a letter restricts the kind", "q_0011", Prefix{KindAudit, "0011"}, true, ""},
		{"another letter does not match", "a_0011", Prefix{KindAssertion, "0011"}, false, ""},
		{"upper case is lowered", "Q_001122AABB", Prefix{KindAudit, "001122aabb"}, false, ""},
		{"all digits", digits64, Prefix{0, digits64}, true, ""},
		{"hex digits that look like a letter and more", "abcd", Prefix{0, "abcd"}, false, ""},
		{"3 digits", "001", Prefix{}, false, "expected 4 to 64 hex digits, found 3"},
		{"65 digits", digits64 + "0", Prefix{}, false, "found 65"},
		{"no hex", "q_00zz", Prefix{}, false, "'z' is not a hex digit"},
		{"an unknown letter", "z_0011", Prefix{}, false, "no kind of record has the letter z"},
		{"two letters", "qq_0011", Prefix{}, false, "expected one letter"},
		{"empty", "", Prefix{}, false, "found 0"},
		{"hostile", "q_\x1b[31m", Prefix{}, false, `"q_\x1b[31m" is not an id`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParsePrefix(tt.in)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("ParsePrefix(%q): %v, want %q in it", tt.in, err, tt.err)
				}
				return
			}
			if got != tt.want || err != nil {
				t.Errorf("ParsePrefix(%q) = %v, %v, want %v", tt.in, got, err, tt.want)
			}
			if got.Match(id) != tt.match {
				t.Errorf("Match = %v, want %v", !tt.match, tt.match)
			}
		})
	}
}

func TestParseLogID(t *testing.T) {
	const text = "00112233445566778899aabbccddeeff"
	if l, err := ParseLogID(text); err != nil || l.String() != text || l.IsZero() {
		t.Errorf("ParseLogID = %v, %v", l, err)
	}
	for _, bad := range []string{"", text[1:], text + "0", strings.ToUpper(text), text[:31] + "g"} {
		if _, err := ParseLogID(bad); err == nil {
			t.Errorf("ParseLogID took %q", bad)
		}
	}
}

func TestParseTime(t *testing.T) {
	tests := []struct {
		name, in, want string // want empty: refused
	}{
		{"UTC", "2024-01-15T21:03:47Z", "2024-01-15T21:03:47Z"},
		{"an offset is turned into UTC", "2024-01-15T23:03:47+02:00", "2024-01-15T21:03:47Z"},
		{"an offset into the day before", "2024-01-15T00:30:00+05:45", "2024-01-14T18:45:00Z"},
		{"an unknown offset is UTC", "2024-01-15T21:03:47-00:00", "2024-01-15T21:03:47Z"},
		{"a fraction keeps no trailing zeros", "2024-01-15T21:03:47.120Z", "2024-01-15T21:03:47.12Z"},
		{"a nanosecond", "2024-01-15T21:03:47.000000001Z", "2024-01-15T21:03:47.000000001Z"},
		{"the first instant", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
		{"the last instant", "2262-04-11T23:47:16.854775807Z", "2262-04-11T23:47:16.854775807Z"},
		{"a leap day", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
		{"before the first by its offset", "1970-01-01T00:00:00+00:01", ""},
		{"after the last by a nanosecond", "2262-04-11T23:47:16.854775808Z", ""},
		{"after the last by years", "9999-12-31T23:59:59Z", ""},
		{"before the first", "1969-12-31T23:59:59.999999999Z", ""},
		{"no leap day", "2023-02-29T00:00:00Z", ""},
		{"a 13th month", "2024-13-01T00:00:00Z", ""},
		{"month 0", "2024-00-01T00:00:00Z", ""},
		{"day 0", "2024-01-00T00:00:00Z", ""},
		{"the 31st of April", "2024-04-31T00:00:00Z", ""},
		{"hour 24", "2024-01-15T24:00:00Z", ""},
		{"minute 60", "2024-01-15T21:60:00Z", ""},
		{"a leap second", "2016-12-31T23:59:60Z", ""},
		{"10 digits behind the point", "2024-01-15T21:03:47.1234567891Z", ""},
		{"no digit behind the point", "2024-01-15T21:03:47.Z", ""},
		{"a comma", "2024-01-15T21:03:47,5Z", ""},
		{"an hour of one digit", "2024-01-15T9:03:47Z", ""},
		{"no zone", "2024-01-15T21:03:47", ""},
		{"a fraction without a zone", "2024-01-15T21:03:47.5", ""},
		{"a zone of hours", "2024-01-15T21:03:47+02", ""},
		{"a zone without a colon", "2024-01-15T21:03:47+0200", ""},
		{"a zone of 24 hours", "2024-01-15T21:03:47+24:00", ""},
		{"a zone of 60 minutes", "2024-01-15T21:03:47+01:60", ""},
		{"two zones", "2024-01-15T21:03:47ZZ", ""},
		{"lower case", "2024-01-15t21:03:47z", ""},
		{"a space", "2024-01-15 21:03:47Z", ""},
		{"a date", "2024-01-15", ""},
		{"a sign in a number", "2024-01-15T+1:03:47Z", ""},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseTime(tt.in)
			if tt.want == "" {
				if err == nil {
					t.Errorf("ParseTime(%q) = %v, want an error", tt.in, got)
				}
				return
			}
			if err != nil || got.String() != tt.want {
				t.Errorf("ParseTime(%q) = %v, %v, want %s", tt.in, got, err, tt.want)
			}
		})
	}
}

// FuzzParseTime holds ParseTime against the standard library: what it takes, time.Parse takes as the same instant.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2024-01-15T21:03:47Z", "2024-02-29T23:59:59.999999999-23:59", "2262-04-11T23:47:16.854775807Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseTime(s)
		if err != nil {
			return
		}
		std, err := time.Parse(time.RFC3339Nano, s)
		if err != nil || !std.Equal(got.Std()) {
			t.Fatalf("ParseTime(%q) = %v, time.Parse = %v, %v", s, got, std, err)
		}
		if again, err := ParseTime(got.String()); again != got || err != nil {
			t.Fatalf("ParseTime(%v) = %v, %v", got, again, err)
		}
	})
}

func TestEnums(t *testing.T) {
	for _, s := range Stages() {
		for _, text := range []string{s.String(), strings.ToLower(s.String()), strings.ToUpper(s.String())} {
			if got, err := ParseStage(text); got != s || err != nil {
				t.Errorf("ParseStage(%q) = %v, %v, want %v", text, got, err, s)
			}
		}
	}
	for _, bad := range []string{"", "under_review", "Approved ", "Propoſed"} { // the last has a long s, which folds to s
		if _, err := ParseStage(bad); err == nil || !strings.Contains(err.Error(), "a lifecycle stage: Proposed, UnderReview") {
			t.Errorf("ParseStage(%q): %v", bad, err)
		}
	}
	if got, err := ParseSupersession("INVALIDATED"); got != Invalidated || err != nil {
		t.Errorf("ParseSupersession = %v, %v", got, err)
	}
	if got, err := ParseEventType("Deploy"); got != Deploy || err != nil {
		t.Errorf("ParseEventType = %v, %v", got, err)
	}
	if Stage(0).Valid() || Stage(7).Valid() || Stage(7).String() != "lifecycle stage 7" {
		t.Error("a stage that does not exist is valid or has a name")
	}
	for _, k := range Kinds() {
		if got, ok := KindByName(k.String()); got != k || !ok {
			t.Errorf("KindByName(%s) = %v", k, got)
		}
		if got, ok := KindByLetter(k.Letter()); got != k || !ok {
			t.Errorf("KindByLetter(%c) = %v", k.Letter(), got)
		}
	}
}

func TestHalfLife(t *testing.T) {
	tests := []struct {
		in   string
		want time.Duration // 0: refused
		text string
	}{
		{"24h", 24 * time.Hour, "24h"},
		{"24h0m0s", 24 * time.Hour, "24h"},
		{"7d", 7 * 24 * time.Hour, "168h"},
		{"90m", 90 * time.Minute, "1h30m"},
		{"90s", 90 * time.Second, "1m30s"},
		{"30m", 30 * time.Minute, "30m"},
		{"20s", 20 * time.Second, "20s"},
		{"1h0m5s", time.Hour + 5*time.Second, "1h0m5s"},
		{"1.5s", 1500 * time.Millisecond, "1.5s"},
		{"1s", time.Second, "1s"},
		{"87600h", MaxHalfLife, "87600h"},
		{"3650d", MaxHalfLife, "87600h"},
		{"87600h1ns", 0, ""}, {"3651d", 0, ""}, {"999ms", 0, ""}, {"-24h", 0, ""}, {"0s", 0, ""}, {"24", 0, ""},
		{"", 0, ""}, {"1.5d", 0, ""}, {"d", 0, ""}, {"99999d", 0, ""}, {"-1d", 0, ""}, {"24 h", 0, ""},
	}
	for _, tt := range tests {
		got, err := ParseHalfLife(tt.in)
		if tt.want == 0 {
			if err == nil {
				t.Errorf("ParseHalfLife(%q) = %v, want an error", tt.in, got)
			}
			continue
		}
		if got != tt.want || err != nil {
			t.Errorf("ParseHalfLife(%q) = %v, %v, want %v", tt.in, got, err, tt.want)
		}
		if text := FormatHalfLife(got); text != tt.text {
			t.Errorf("FormatHalfLife(%v) = %s, want %s", got, text, tt.text)
		}
		if again, err := ParseHalfLife(tt.text); again != got || err != nil {
			t.Errorf("ParseHalfLife(%s) = %v, %v, want %v", tt.text, again, err, got)
		}
	}
}

// TestMarshalText: what has a text form is written in it as JSON, and read from it.
func TestMarshalText(t *testing.T) {
	when := mustTime("2024-01-15T21:03:47.5Z")
	in := []any{KindVote.Letter(), Approved, Temporal, Deploy, when, mustHash(digits64), ID{KindVote, mustHash(digits64)}, ID{}}
	const want = `[118,"Approved","Temporal","deploy","2024-01-15T21:03:47.5Z","` + digits64 + `","v_` + digits64 + `",""]`
	out, err := json.Marshal(in)
	if err != nil || string(out) != want {
		t.Errorf("Marshal = %s, %v, want %s", out, err, want)
	}
	var back struct {
		Time Time
		Hash Hash
		ID   ID
	}
	if err := json.Unmarshal([]byte(`{"Time":"2024-01-15T22:03:47.5+01:00","Hash":"`+digits64+`","ID":"v_`+digits64+`"}`), &back); err != nil {
		t.Fatal(err)
	}
	if back.Time != when || back.Hash != mustHash(digits64) || back.ID != (ID{KindVote, mustHash(digits64)}) {
		t.Errorf("Unmarshal = %+v", back)
	}
	for _, bad := range []string{`{"Time":"now"}`, `{"Hash":"00"}`, `{"ID":"v_00"}`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("Unmarshal took %s", bad)
		}
	}
	if back.Time != when || back.Hash != mustHash(digits64) {
		t.Errorf("a refused text changed the value: %+v", back)
	}
}

func TestKindLetters(t *testing.T) {
	letters, keys := "", ""
	for _, k := range Kinds() {
		letters += string(k.Letter())
		keys += string(k.KeyLetter())
	}
	if letters != "bsavetwqx" || keys != "BSHVELWQX" {
		t.Errorf("letters %s, keys %s, want bsavetwqx and BSHVELWQX", letters, keys)
	}
	if none := Kind(10); none.Valid() || none.Letter() != 0 || none.KeyLetter() != 0 || none.String() != "kind 10" {
		t.Error("kind 10 has letters")
	}
	if _, ok := KindByName("query"); ok {
		t.Error("a query is a kind of record")
	}
	if _, ok := KindByLetter('z'); ok {
		t.Error("z is the letter of a kind")
	}
	marks := ""
	for e := Deploy; e.Valid(); e++ {
		marks += e.Mark()
	}
	if marks != "DARCN" {
		t.Errorf("marks %s, want DARCN", marks)
	}
	if Supersession(0).Valid() || !Additive.Valid() || Supersession(4).Valid() {
		t.Error("Valid of a supersession")
	}
}

func TestObjectText(t *testing.T) {
	tests := []struct {
		object       Object
		text, asJSON string
	}{
		{Object{}, "—", "null"},
		{TextObject("a <b>\n"), "a <b>\n", `"a <b>\u000a"`},
		{NumberObject(0), "0", "0"},
		{NumberObject(3), "3", "3"},
		{NumberObject(-0.25), "-0.25", "-0.25"},
		{NumberObject(1 << 53), "9007199254740992", "9007199254740992"},
		{NumberObject(1<<53 + 2), "9.007199254740994e+15", "9.007199254740994e+15"},
		{NumberObject(math.MaxFloat64), "1.7976931348623157e+308", "1.7976931348623157e+308"},
		{NumberObject(1e-6), "0.000001", "0.000001"},
		{NumberObject(5e-324), "5e-324", "5e-324"},
		{BoolObject(true), "true", "true"},
		{RefObject(ID{KindVote, mustHash(digits64)}), "v_" + digits64, `{"ref":"v_` + digits64 + `"}`},
	}
	for _, tt := range tests {
		if got := tt.object.String(); got != tt.text {
			t.Errorf("String = %q, want %q", got, tt.text)
		}
		if got, err := tt.object.MarshalJSON(); string(got) != tt.asJSON || err != nil {
			t.Errorf("MarshalJSON = %s, %v, want %s", got, err, tt.asJSON)
		}
	}
}

func TestClip(t *testing.T) {
	for _, s := range []string{"", "short", strings.Repeat("x", 80)} {
		if got := clip(s); got != s {
			t.Errorf("clip(%q) = %q", s, got)
		}
	}
	if got, want := clip(strings.Repeat("€", 40)), strings.Repeat("€", 26)+"…"; got != want {
		t.Errorf("clip cuts through a character: %q, want %q", got, want)
	}
}

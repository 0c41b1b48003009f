package wal_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"episteme/engine/vfs"
	"episteme/engine/wal"
	"github.com/google/go-cmp/cmp"
	"lukechampine.com/blake3"
)

// golden is a segment with two records, spelled out. Its hashes and checksums come from an independent
// implementation of BLAKE3 and CRC-32C, not from this package.
const golden = `
45 50 49 53 57 41 4c 31  01 00 00 00  80 00 00 00   ; magic, version, header length
01 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00   ; segment 1, first lsn 1
00 20 dc f2 f8 a0 aa 17   ; created 2024-01-15T21:00:00Z
a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af   ; log id
00 00 00 00 00 00 00 00   ; flags
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00   ; chain before the first record
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
40 f7 ec b0 c2 3b f4 e7 38 a3 59 e8 a7 5a 91 35   ; BLAKE3 of bytes 0-95
e3 fa 54 4c 5b 75 ba 96 90 3d 76 cb dd 40 41 38

45 50 52 31  01  03  01 00   ; magic, version, kind 3, last of its batch
0c 00 00 00  d0 6f 6a ca   ; 12 bytes, CRC-32C
01 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00   ; lsn 1, durable 0
e8 23 dc f2 f8 a0 aa 17   ; recorded at, a microsecond later
27 07 b1 85 68 94 08 fe 5d 23 a9 c0 fe 7a 17 c4   ; BLAKE3 of the payload
05 2d 43 29 90 29 1c ab 8a 00 ea 91 d9 40 c2 7a
2a 1a ff 61 d6 4e 0e d7 f2 40 b5 8b 2a a0 48 09   ; chain
b0 d0 53 88 a5 4a a0 6a 4a e1 96 71 95 15 10 40
66 69 72 73 74 20 72 65 63 6f 72 64  00 00 00 00   ; "first record", padding

45 50 52 31  01  08  01 00   ; kind 8
0a 00 00 00  7f dc 8d 8d   ; 10 bytes
02 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00   ; lsn 2, durable 1
d0 27 dc f2 f8 a0 aa 17
1d 2e d8 08 b2 62 db 63 75 af 27 7f b7 73 dd fd
e2 8e 88 5e e0 06 10 4f 61 16 93 c1 a0 27 d0 d1
5a c3 9b 3d 65 a9 14 95 ba 91 ee 8c b1 fb 2f 87
09 64 a3 67 20 a0 72 23 9e 4e 31 8c 95 ad a9 19
74 68 65 20 73 65 63 6f 6e 64  00 00 00 00 00 00   ; "the second", padding
`

// unhex reads a dump: pairs of hex digits, and behind a semicolon what they mean.
func unhex(t *testing.T, dump string) []byte {
	t.Helper()
	var out []byte
	for _, line := range strings.Split(dump, "\n") {
		digits, _, _ := strings.Cut(line, ";")
		b, err := hex.DecodeString(strings.Join(strings.Fields(digits), ""))
		if err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		out = append(out, b...)
	}
	return out
}

var goldenEntries = []wal.Entry{{Kind: 3, Payload: []byte("first record")}, {Kind: 8, Payload: []byte("the second")}}

func TestGoldenIsWhatIsWritten(t *testing.T) {
	want := unhex(t, golden)
	m := vfs.NewMem()
	l, _ := mustOpen(t, m, options())
	for _, e := range goldenEntries {
		mustAppend(t, l, e)
	}
	got := readFile(t, m, segmentPath(1))
	if d := cmp.Diff(hex.Dump(want), hex.Dump(got[:len(want)])); d != "" {
		t.Fatal(d)
	}
	if len(bytes.Trim(got[len(want):], "\x00")) != 0 {
		t.Fatal("something follows")
	}
}

func TestGoldenIsWhatIsRead(t *testing.T) {
	checkGolden(t, unhex(t, golden))
}

func checkGolden(t *testing.T, segment []byte) {
	t.Helper()
	l, rec := mustOpen(t, withFile(t, segment), options(readOnly))
	if rec.Damage != nil || rec.TornBytes != 0 || rec.Records != 2 {
		t.Fatalf("Recovery = %+v", rec)
	}
	r := l.Reader(1)
	for i, e := range goldenEntries {
		rec, err := r.Next(bg)
		if err != nil {
			t.Fatal(err)
		}
		if rec.Kind != e.Kind || !bytes.Equal(rec.Payload, e.Payload) || rec.LSN != wal.LSN(i+1) || rec.Durable != wal.LSN(i) ||
			rec.RecordedAt != start.UnixNano()+int64(i+1)*1000 {
			t.Errorf("record %d = %+v", i+1, rec)
		}
		if len(rec.Header) != wal.HeaderBytes || !bytes.Equal(rec.Header, segment[rec.Pos.Offset:rec.Pos.Offset+wal.HeaderBytes]) {
			t.Errorf("record %d: header %x", i+1, rec.Header)
		}
	}
}

// The example of the format's page is the golden, mark and CLEAN included.
func TestFormatPageDecodes(t *testing.T) {
	page, err := os.ReadFile("../../docs/formats/wal.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```")
	var dumps [][]byte
	for i := 1; i < len(blocks); i += 2 {
		if dump, ok := strings.CutPrefix(blocks[i], "hex\n"); ok {
			dumps = append(dumps, unhex(t, dump))
		}
	}
	if len(dumps) != 3 {
		t.Fatalf("%d hex examples, want a segment, a mark and CLEAN", len(dumps))
	}
	if !bytes.Equal(dumps[0], unhex(t, golden)) {
		t.Error("the segment is not the golden")
	}
	checkGolden(t, dumps[0])
	m := withFile(t, append(dumps[0], dumps[1]...))
	writeFile(t, m, dir+"/CLEAN", dumps[2])
	l, rec := mustOpen(t, m, options())
	if !rec.Clean || rec.Records != 2 || l.Head().Offset != int64(len(dumps[0])+len(dumps[1])) {
		t.Errorf("with mark and CLEAN: Recovery = %+v", rec)
	}
}

// copyDir copies a journal of testdata into memory.
func copyDir(t *testing.T, from string) *vfs.Mem {
	t.Helper()
	m := vfs.NewMem()
	names, err := filepath.Glob(filepath.Join(from, "*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v, %v", from, names, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, m, dir+"/"+filepath.Base(name), data)
	}
	return m
}

// Version 1 is read for ever. The files were made by another program from the format's page.
func TestVersion1IsReadForEver(t *testing.T) {
	big := make([]byte, 5000)
	for i := range big {
		big[i] = byte(i * 7)
	}
	want := []string{"first record", "the second", "", string(big), "12345678", "sixth", "seventh, in the next segment"}
	kinds := []uint8{3, 8, 1, 2, 254, 9, 4}
	for _, clean := range []bool{true, false} {
		m := copyDir(t, "testdata/v1")
		if !clean {
			if err := m.Remove(dir + "/CLEAN"); err != nil {
				t.Fatal(err)
			}
		}
		l, rec := mustOpen(t, m, options())
		if rec.Clean != clean || rec.Segments != 2 || rec.Records != 7 || rec.TornBytes != 0 {
			t.Fatalf("Recovery = %+v, want clean = %v", rec, clean)
		}
		r := l.Reader(0)
		for i := range want {
			rec, err := r.Next(bg)
			if err != nil {
				t.Fatal(err)
			}
			if string(rec.Payload) != want[i] || rec.Kind != kinds[i] || rec.LSN != wal.LSN(i+1) {
				t.Errorf("record %d = kind %d, lsn %d, %.30q", i+1, rec.Kind, rec.LSN, rec.Payload)
			}
		}
		if got := mustAppend(t, l, wal.Entry{Kind: 1, Payload: []byte("and on")}); got.First != 8 {
			t.Errorf("appended as lsn %d, want 8", got.First)
		}
		mustClose(t, l)
	}
}

// special is a segment with an erased payload and, behind it, a hole in place of records 4 and 5.
func special(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/v1-erased-and-hole.wal")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestHoleMarkKeepsLaterRecords(t *testing.T) {
	l, rec := mustOpen(t, withFile(t, special(t)), options())
	if rec.Holes != 1 || rec.Records != 7 || rec.TornBytes != 0 {
		t.Fatalf("Recovery = %+v", rec)
	}
	var lsns []wal.LSN
	var missing []uint64
	r := l.Reader(3)
	for r.Ready() {
		rec, err := r.Next(bg)
		if err != nil {
			t.Fatal(err)
		}
		lsns, missing = append(lsns, rec.LSN), append(missing, rec.Missing)
	}
	if d := cmp.Diff([]wal.LSN{3, 6, 7}, lsns) + cmp.Diff([]uint64{0, 2, 0}, missing); d != "" {
		t.Fatal(d)
	}
	if _, err := l.ChainAt(4); !errors.Is(err, wal.ErrNoRecord) {
		t.Errorf("ChainAt in the hole = %v, want ErrNoRecord", err)
	}
	if got := mustAppend(t, l, wal.Entry{Kind: 1, Payload: []byte("on")}); got.First != 8 {
		t.Errorf("appended as lsn %d, want 8", got.First)
	}
	// What the hole says of the chain binds what follows it.
	bad := special(t)
	at := bytes.Index(bad, []byte("behind the hole"))
	bad[at-104+72] ^= 1 // the chain stored behind the hole
	mustRefuse(t, withFile(t, bad), options(), wal.ErrDamaged)
}

func TestErasedPayloadIsNotDamage(t *testing.T) {
	l, _ := mustOpen(t, withFile(t, special(t)), options())
	r := l.Reader(1)
	for _, want := range []struct {
		payload string
		erased  wal.LSN
	}{{"kept", 0}, {"", 3}, {"erase lsn 2: asked for", 0}} {
		rec, err := r.Next(bg)
		if err != nil {
			t.Fatal(err)
		}
		if string(rec.Payload) != want.payload || rec.Erased != want.erased {
			t.Errorf("lsn %d = %q, erased by %d, want %q, %d", rec.LSN, rec.Payload, rec.Erased, want.payload, want.erased)
		}
		again, err := l.ReadAt(rec.Pos)
		if err != nil || again.Erased != want.erased {
			t.Errorf("ReadAt(%+v) = erased by %d, %v", rec.Pos, again.Erased, err)
		}
	}
}

func TestZeroWithoutErasureIsDamage(t *testing.T) {
	data := special(t)
	clear(data[128+104 : 128+108]) // the payload of lsn 1, which nobody erased
	err := mustRefuse(t, withFile(t, data), options(), wal.ErrDamaged)
	if !strings.Contains(err.Error(), "zeros and no record of its erasure") {
		t.Error(err)
	}
}

// reheader changes the header at an offset and makes its checksum right again.
func reheader(data []byte, at int, change func([]byte)) []byte {
	data = bytes.Clone(data)
	h := data[at : at+wal.HeaderBytes]
	change(h)
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	sum.Write(testID[:])
	sum.Write(h[:12])
	sum.Write(h[16:72])
	binary.LittleEndian.PutUint32(h[12:], sum.Sum32())
	return data
}

// resegment changes a segment's header and makes its digest right again.
func resegment(data []byte, change func([]byte)) []byte {
	data = bytes.Clone(data)
	change(data)
	sum := blake3.Sum256(data[:96])
	copy(data[96:128], sum[:])
	return data
}

func TestDecodeHeaderRefuses(t *testing.T) {
	good := unhex(t, golden)
	tests := []struct {
		name  string
		bytes []byte
		want  wal.Fault
	}{
		{"too few bytes", good[128:231], wal.FaultShort},
		{"zeros", make([]byte, 104), wal.FaultMagic},
		{"kind 0", reheader(good, 128, func(h []byte) { h[5] = 0 })[128:], wal.FaultKind},
		{"a payload over the limit", reheader(good, 128, func(h []byte) { h[11] = 2 })[128:], wal.FaultLength},
		{"durable before it was written", reheader(good, 128, func(h []byte) { h[24] = 1 })[128:], wal.FaultOrder},
		{"a mark that does not end its batch", reheader(good, 128, func(h []byte) { h[5], h[6] = 255, 0 })[128:], wal.FaultOrder},
		{"an unknown flag", reheader(good, 128, func(h []byte) { h[7] = 1 })[128:], wal.FaultFlags},
		{"another version", reheader(good, 128, func(h []byte) { h[4] = 3 })[128:], wal.FaultVersion},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := wal.DecodeHeader(tt.bytes, &testID); err != tt.want {
				t.Errorf("DecodeHeader = %v, want %v", err, tt.want)
			}
		})
	}
	other := wal.LogID{1}
	if _, err := wal.DecodeHeader(good[128:], &other); err != wal.FaultChecksum {
		t.Errorf("of another log: %v, want %v", err, wal.FaultChecksum)
	}
}

func TestHeadersAllocateNothing(t *testing.T) {
	buf := make([]byte, wal.HeaderBytes)
	var prev wal.Hash
	h := &wal.Header{Kind: 1, Flags: wal.FlagLast, LSN: 1}
	if n := testing.AllocsPerRun(100, func() { prev = wal.EncodeHeader(buf, &testID, &prev, h) }); n != 0 {
		t.Errorf("EncodeHeader: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { wal.DecodeHeader(buf, &testID) }); n != 0 {
		t.Errorf("DecodeHeader: %v allocations", n)
	}
}

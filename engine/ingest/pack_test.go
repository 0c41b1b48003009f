package ingest

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/record"
	"episteme/engine/wal"
)

// FuzzPack reads any bytes as a pack: it ends, never panics, and never makes more of them than they are.
func FuzzPack(f *testing.F) {
	f.Add(appendPack(nil, []Brief{{Timestamp: 1, LSN: 2, Agent: "a", Subject: "s", Predicate: "p", Lens: "l", Annotation: []byte{1}, received: []byte("1234")}}))
	f.Add([]byte{})
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 1})
	f.Fuzz(func(t *testing.T, value []byte) {
		audits, err := unpack(value)
		if err == nil && len(audits) > len(value) {
			t.Errorf("%d audits in %d bytes", len(audits), len(value))
		}
	})
}

// TestPackReadsBack: what was packed is there again, newest first, whatever it was.
func TestPackReadsBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	texts := []string{"", "a", "auth/jwt", string([]byte{0, 255}), "ümlaut"}
	for range 300 {
		var audits []Brief
		for i := range 1 + r.IntN(packAudits) {
			b := Brief{
				Timestamp: record.Time(r.Int64N(5)), LSN: record.LSN(1000*i + r.IntN(1000)),
				Agent: texts[r.IntN(5)], Subject: texts[r.IntN(5)], Predicate: texts[r.IntN(5)], Lens: texts[r.IntN(5)],
				place: wal.Position{Segment: r.Uint64N(9), Offset: r.Int64N(1<<20) * placeAlign, Length: r.Uint32()},
			}
			if r.IntN(4) == 0 {
				b.Timestamp = []record.Time{0, record.MaxTime}[r.IntN(2)]
			}
			if r.IntN(2) == 0 {
				b.Annotation = bytes.Repeat([]byte{byte(i)}, 1+r.IntN(40))
			}
			if n := r.IntN(5); n > 0 {
				b.received = bytes.Repeat([]byte{1, 2, 3, byte(i)}, n)
			}
			audits = append(audits, b)
		}
		got, err := unpack(appendPack(nil, audits)) // sorts audits
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(audits, got, cmp.AllowUnexported(Brief{})); diff != "" {
			t.Fatalf("a pack reads back differently (-want +got):\n%s", diff)
		}
		for i := 1; i < len(got); i++ {
			if !got[i].older(&got[i-1]) {
				t.Fatalf("audit %d is not older than the one before", i)
			}
		}
	}
}

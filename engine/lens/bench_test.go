package lens

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"episteme/engine/record"
)

// benchmarkHistory has assertions of 5 values on 20 sources, each by an agent of its own so that none repeats another,
// every second one moved once, and votes by 100 agents.
func benchmarkHistory(assertions, ballots int) History {
	random := rand.New(rand.NewPCG(1, 1))
	var lsn record.LSN
	next := func(kind record.Kind) entry {
		lsn++
		e := entry{kind: kind, hash: record.Sum(fmt.Append(nil, lsn)), lsn: lsn, time: record.Time(random.IntN(1000)) * hour}
		return e
	}
	var all []entry
	for digest := range byte(20) {
		e := next(record.KindSource).from(digest)
		e.weight = random.Float32()
		all = append(all, e)
	}
	var hashes []record.Hash
	for i := range assertions {
		e := next(record.KindAssertion).from(byte(random.IntN(20))).born(record.Proposed).sure(random.Float32())
		e = e.by(fmt.Sprintf("agent-%04d", i)).says(record.TextObject(fmt.Sprintf("value-%d", random.IntN(5))))
		all, hashes = append(all, e), append(hashes, e.hash)
		if i%2 == 0 {
			m := next(record.KindTransition).born(record.Approved)
			m.of = e.hash
			all = append(all, m)
		}
	}
	for range ballots {
		v := next(record.KindVote).by(fmt.Sprintf("voter-%02d", random.IntN(100)))
		v.of, v.weight = hashes[random.IntN(len(hashes))], 2*random.Float32()-1
		all = append(all, v)
	}
	return historyOf(all)
}

var benchmarkSizes = []struct{ candidates, votes int }{{8, 20}, {64, 160}, {2000, 5000}}

func BenchmarkAdmit(b *testing.B) {
	for _, size := range benchmarkSizes {
		h := benchmarkHistory(size.candidates, size.votes)
		b.Run(fmt.Sprintf("candidates=%d/votes=%d", size.candidates, size.votes), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if candidates, _ := Admit(h, everything()); len(candidates) != size.candidates {
					b.Fatalf("%d candidates, want %d", len(candidates), size.candidates)
				}
			}
		})
	}
}

func BenchmarkResolve(b *testing.B) {
	for _, size := range benchmarkSizes {
		candidates, _ := Admit(benchmarkHistory(size.candidates, size.votes), everything())
		for _, l := range All() {
			b.Run(fmt.Sprintf("%s/candidates=%d/votes=%d", l.Name, size.candidates, size.votes), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if a := Resolve(l, Params{}, candidates); a.Considered != size.candidates {
						b.Fatalf("considered %d, want %d", a.Considered, size.candidates)
					}
				}
			})
		}
	}
}

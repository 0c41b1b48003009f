package ingest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"episteme/engine/kv"
	"episteme/engine/record"
)

// Candidate is what a lens weighs of an assertion. The rest of it lies in the journal.
type Candidate struct {
	ID         record.ID
	LSN        record.LSN
	Timestamp  record.Time
	Object     record.Object
	Confidence float32
	Birth      record.Stage
	Agent      string
	Source     record.Hash // digest of the evidence
	Epoch      record.Hash // zero: none
}

// candidateValue is
//
//	hash(32) source(32) confidence(4, IEEE 754) stage(1) epochs(1: 0 or 1) epoch(32 × epochs) uvarint length, agent; object
func candidateValue(hash record.Hash, a *record.Assertion) []byte {
	v := append(append(make([]byte, 0, 160), hash[:]...), a.Source[:]...)
	v = binary.BigEndian.AppendUint32(v, math.Float32bits(a.Confidence))
	v = append(v, byte(a.Lifecycle))
	if a.Epoch.IsZero() {
		v = append(v, 0)
	} else {
		v = append(append(v, 1), a.Epoch[:]...)
	}
	v = append(binary.AppendUvarint(v, uint64(len(a.Agent))), a.Agent...)
	return a.Object.AppendBinary(v)
}

func readCandidate(e kv.Entry) (Candidate, error) {
	in := field{rest: e.Value}
	c := Candidate{ID: assertionID(in.hash()), LSN: lastLSN(e.Key), Source: in.hash()}
	c.Timestamp = record.Time(binary.BigEndian.Uint64(e.Key[len(e.Key)-16:]))
	c.Confidence = math.Float32frombits(in.uint32())
	c.Birth = record.Stage(in.byte())
	if in.byte() == 1 {
		c.Epoch = in.hash()
	}
	c.Agent = string(in.bytes(in.uvarint()))
	object, err := record.ReadObject(in.rest)
	if in.bad || err != nil {
		return Candidate{}, &StoreError{bytes.Clone(e.Key), fmt.Sprintf("%d bytes (%v)", len(e.Value), err), "a candidate"}
	}
	c.Object = object
	return c, nil
}

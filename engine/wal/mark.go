package wal

import "encoding/binary"

// MarkType says what one of the journal's own marks is for. A mark's payload begins with its type and seven zeros.
type MarkType uint8

const (
	MarkIdle    MarkType = 1 // proves that what lies before it was durable; after idleness and on close
	MarkSeal    MarkType = 2 // ends a segment that has a successor
	MarkHole    MarkType = 3 // stands in place of what could not be read when the journal was rebuilt
	MarkErasure MarkType = 4 // announces that a payload is zeroed in place
)

func (t MarkType) String() string {
	switch t {
	case MarkIdle:
		return "idle"
	case MarkSeal:
		return "seal"
	case MarkHole:
		return "hole"
	case MarkErasure:
		return "erasure"
	}
	return "unknown mark"
}

// Mark is the payload of a mark.
//
//	idle, seal   0:1 type · 1:7 zero                                                                  8 bytes
//	hole         0:1 type · 1:7 zero · 8:8 from · 16:8 to · 24:32 chain before · 56:32 chain after   88 bytes
//	erasure      0:1 type · 1:7 zero · 8:8 erased LSN · 16:8 by LSN · 24:32 payload hash             56 bytes
type Mark struct {
	Type MarkType

	// Hole: records From to To are lost; To = From-1 when only marks are. Before is the chain in front of the hole, the
	// one the hole's own header continues. After is the first chain stored behind the hole: in the next header, or in
	// the next segment's header when nothing follows in this one. The chain is taken up from there.
	From, To      LSN
	Before, After Hash

	// Erasure: the payload of record Erased, which hashed to Hash, is zeroed in place because record By says so.
	Erased, By LSN
	Hash       Hash
}

const (
	markBytes        = 8
	holeMarkBytes    = 88
	erasureMarkBytes = 56
)

// sealFrameBytes is what a seal or idle mark takes in a segment.
const sealFrameBytes = HeaderBytes + markBytes

// AppendMark appends the payload of m to dst.
func AppendMark(dst []byte, m *Mark) []byte {
	dst = append(dst, byte(m.Type), 0, 0, 0, 0, 0, 0, 0)
	switch m.Type {
	case MarkHole:
		dst = binary.LittleEndian.AppendUint64(dst, uint64(m.From))
		dst = binary.LittleEndian.AppendUint64(dst, uint64(m.To))
		dst = append(dst, m.Before[:]...)
		dst = append(dst, m.After[:]...)
	case MarkErasure:
		dst = binary.LittleEndian.AppendUint64(dst, uint64(m.Erased))
		dst = binary.LittleEndian.AppendUint64(dst, uint64(m.By))
		dst = append(dst, m.Hash[:]...)
	}
	return dst
}

// DecodeMark reads the payload of a mark, refusing what AppendMark would not have written. The error is a Fault.
func DecodeMark(payload []byte) (Mark, error) {
	if len(payload) < markBytes {
		return Mark{}, FaultShort
	}
	m := Mark{Type: MarkType(payload[0])}
	if binary.LittleEndian.Uint64(payload)>>8 != 0 {
		return Mark{}, FaultOrder
	}
	switch m.Type {
	case MarkIdle, MarkSeal:
		return m, lengthIs(payload, markBytes)
	case MarkHole:
		return m, m.decodeHole(payload)
	case MarkErasure:
		return m, m.decodeErasure(payload)
	}
	return Mark{}, FaultMark
}

// lengthIs is a plain nil or a Fault; a typed nil would be taken for an error.
func lengthIs(payload []byte, n int) error {
	if len(payload) != n {
		return FaultLength
	}
	return nil
}

func (m *Mark) decodeHole(payload []byte) error {
	if err := lengthIs(payload, holeMarkBytes); err != nil {
		return err
	}
	m.From = LSN(binary.LittleEndian.Uint64(payload[8:]))
	m.To = LSN(binary.LittleEndian.Uint64(payload[16:]))
	m.Before, m.After = Hash(payload[24:56]), Hash(payload[56:88])
	if m.From == 0 || m.To < m.From-1 {
		return FaultOrder
	}
	return nil
}

func (m *Mark) decodeErasure(payload []byte) error {
	if err := lengthIs(payload, erasureMarkBytes); err != nil {
		return err
	}
	m.Erased = LSN(binary.LittleEndian.Uint64(payload[8:]))
	m.By = LSN(binary.LittleEndian.Uint64(payload[16:]))
	m.Hash = Hash(payload[24:56])
	if m.Erased == 0 || m.By <= m.Erased {
		return FaultOrder
	}
	return nil
}

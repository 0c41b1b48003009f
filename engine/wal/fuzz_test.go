package wal_test

import (
	"bytes"
	"errors"
	"testing"

	"episteme/engine/vfs"
	"episteme/engine/wal"
)

// Whatever is in a segment's file: no panic, one of the named errors or a log that can be read, appended to, closed
// and read again with the same contents.
func FuzzOpen(f *testing.F) {
	good := batch("good", 3, 40)
	data, _ := image(f, good[:1], good[1:])
	closed, _ := closedImage(f, good)
	f.Add(data, uint16(0), byte(0))
	f.Add(data, uint16(300), byte(1))
	f.Add(closed, uint16(180), byte(0x80))
	f.Add(closed[:200], uint16(0), byte(0))
	f.Add([]byte{}, uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, data []byte, at uint16, flip byte) {
		data = bytes.Clone(data)
		if int(at) < len(data) {
			data[at] ^= flip
		}
		m := vfs.NewMem()
		writeFile(t, m, segmentPath(1), data)
		l, rec, err := wal.Open(m, dir, options())
		if err != nil {
			if !errors.Is(err, wal.ErrDamaged) && !errors.Is(err, wal.ErrTooNew) {
				t.Fatalf("Open = %v", err)
			}
			if l, _, err := wal.Open(m, dir, options(readOnly)); err == nil {
				tryContents(l)
				l.Close()
			}
			rebuilt(t, m)
			return
		}
		if rec.Holes > 0 {
			l.Close()
			return
		}
		want := append(contents(t, l), "next")
		mustAppend(t, l, wal.Entry{Kind: 1, Payload: []byte("next")})
		mustClose(t, l)
		l, _ = mustOpen(t, m, options())
		if d := diffStrings(contents(t, l), want); d != "" {
			t.Fatal(d)
		}
		mustClose(t, l)
	})
}

// rebuilt gives up what is lost of a damaged journal. Where that is not refused, what is left is whole and opens.
func rebuilt(t *testing.T, m *vfs.Mem) {
	if r := mustVerify(t, m, wal.VerifyOptions{}); r.Whole() {
		t.Fatal("Open refuses what Verify finds whole")
	}
	_, err := wal.AcceptLoss(bg, m, dir, wal.LossOptions{Now: clock()})
	switch {
	case errors.Is(err, wal.ErrDamaged) || errors.Is(err, wal.ErrTooNew):
		return
	case err != nil:
		t.Fatalf("AcceptLoss = %v", err)
	}
	mustBeWhole(t, m)
	l, _ := mustOpen(t, m, options())
	mustAppend(t, l, wal.Entry{Kind: 1, Payload: []byte("next")})
	mustClose(t, l)
}

// What is accepted is what encoding writes, byte for byte.
func FuzzRecordDecode(f *testing.F) {
	data, _ := image(f, batch("good", 2, 40))
	f.Add(data[128:232], []byte{1, 0, 0, 0, 0, 0, 0, 0})
	f.Add(data[280:384], wal.AppendMark(nil, &wal.Mark{Type: wal.MarkHole, From: 3, To: 4}))
	f.Add(data[280:384], wal.AppendMark(nil, &wal.Mark{Type: wal.MarkErasure, Erased: 3, By: 4}))
	f.Fuzz(func(t *testing.T, header, mark []byte) {
		if m, err := wal.DecodeMark(mark); err == nil {
			if again := wal.AppendMark(nil, &m); !bytes.Equal(again, mark) {
				t.Fatalf("mark %x decodes as %+v, which encodes as %x", mark, m, again)
			}
		}
		h, err := wal.DecodeHeader(header, &testID)
		if err != nil {
			return
		}
		var prev wal.Hash
		again := make([]byte, wal.HeaderBytes)
		wal.EncodeHeader(again, &testID, &prev, &h)
		if !bytes.Equal(again[:72], header[:72]) {
			t.Fatalf("header %x decodes as %+v, which encodes as %x", header[:72], h, again[:72])
		}
	})
}

package tui

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"episteme/views"
)

// signal closes seen once what was written holds want.
type signal struct {
	want string
	seen chan struct{}
	all  bytes.Buffer
}

func (s *signal) Write(p []byte) (int, error) {
	before := s.all.Len()
	s.all.Write(p)
	if from := max(before-len(s.want), 0); s.want != "" && bytes.Contains(s.all.Bytes()[from:], []byte(s.want)) {
		s.want = ""
		close(s.seen)
	}
	return len(p), nil
}

// BenchmarkFirstPaint is from Run to the frame that holds data: the program, its renderer (a frame each 16 ms) and the
// fake evidence. Leaving the terminal, which costs bubbletea 10 ms, is not part of it.
func BenchmarkFirstPaint(b *testing.B) {
	f := incident()
	for b.Loop() {
		ctx, cancel := context.WithCancel(context.Background())
		in, keys := io.Pipe()
		out := &signal{want: "61 of 61 queries", seen: make(chan struct{})}
		over := make(chan error)
		go func() {
			over <- Run(ctx, Options{Ask: f, Title: "auth-jwt", Training: true, Input: in, Output: out, Now: func() time.Time { return ending }})
		}()
		<-out.seen
		b.StopTimer()
		cancel()
		keys.Close()
		<-over
		b.StartTimer()
	}
}

// BenchmarkFrame is one key and the whole frame as it goes to the terminal.
func BenchmarkFrame(b *testing.B) {
	m := newModel(context.Background(), Options{Ask: incident(), Title: "auth-jwt", Training: true}, newTheme(io.Discard, paletteOf("dark", ""), false, false), 120, 40)
	v := views.NewTimeline(false)
	m.frames = []frame{{1, v}}
	p := &plain{ctx: m.ctx, in: m.opts.Ask, cols: 120, rows: 36, now: clockAt(22, 32, 0)}
	p.look(v)
	p.handle(v, views.Shown{First: true})
	m.look()
	if !strings.Contains(m.View(), "61 of 61") {
		b.Fatal("no data")
	}
	bytesOut := 0
	b.ReportAllocs()
	for b.Loop() {
		m.key(keyOf("j"))
		m.key(keyOf("g"))
		bytesOut = len(m.View())
	}
	b.ReportMetric(float64(bytesOut), "bytes/frame")
}

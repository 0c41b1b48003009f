package views

import (
	"episteme/engine/record"
	"episteme/views/text"
)

// sidePane is the chain behind the selected assertion, beside the drill-down where the screen is wide enough: the
// tree, and below it the document that it ends in.
type sidePane struct {
	cols  int // of the pane with its edge; 0: there is none
	look  Look
	chain map[record.ID]*Provenance // read so far
	asked record.ID                 // whose chain was asked for last: answers are its own
}

const (
	sideFrom  = 160 // cells from which there is a pane
	sideLeft  = 100 // cells that the drill-down keeps at least: its wide layout
	sideEdge  = 3
	sideSlot  = "side"
	sideWords = 2 // lines of the pane's own: its heading and its counts
	chainsMax = 64
)

// divide takes the size of the screen and returns what is left for the drill-down.
func (s *sidePane) divide(l Look) Look {
	s.cols = 0
	if l.Cols >= sideFrom {
		s.cols = l.Cols - max(sideLeft, l.Cols*11/20)
	}
	s.look = l
	s.look.Cols, s.look.Rows = max(s.cols-sideEdge, 0), max(l.Rows-sideWords, 1)
	for _, p := range s.chain {
		p.SetLook(s.look)
	}
	l.Cols -= s.cols
	return l
}

// moved keeps the question back while a key repeats.
func (s *sidePane) moved() []Do {
	if s.cols == 0 {
		return nil
	}
	return []Do{Rest{sideSlot, restRecord}}
}

// handle takes what belongs to the pane. It reports whether m did.
func (s *sidePane) handle(m Msg, selected record.ID) ([]Do, bool) {
	slot := ""
	switch m := m.(type) {
	case Rested:
		if m.Name == sideSlot {
			return s.open(selected), true
		}
		slot = m.Name
	case Answer:
		slot = m.Slot
	case Waiting:
		slot = m.Slot
	case Stopped:
		slot = m.Slot
	}
	p := s.chain[s.asked]
	if p == nil || slot != chainSlot && slot != recordSlot {
		return nil, false
	}
	do, used := p.Handle(m)
	if a, ok := m.(Answer); ok && slot == chainSlot && !a.Part {
		p.toDocument()
	}
	return do, used
}

// open asks for the chain behind id, unless it is here. One that was still being read gives way: its question is
// cancelled by the new one, and what is there of it goes.
func (s *sidePane) open(id record.ID) []Do {
	if s.cols == 0 || id.IsZero() {
		return nil
	}
	if s.chain[id] != nil {
		return nil
	}
	if p := s.chain[s.asked]; p != nil && p.chain.running {
		delete(s.chain, s.asked)
	}
	s.asked = id
	if s.chain == nil || len(s.chain) >= chainsMax {
		s.chain = map[record.ID]*Provenance{}
	}
	p := NewProvenance(id)
	p.aside = true
	s.chain[id] = p
	p.SetLook(s.look)
	do, _ := p.Handle(Shown{First: true})
	return do
}

// again puts the question for the selected chain again, where that failed.
func (s *sidePane) again(selected record.ID) []Do {
	if !s.failed(selected) {
		return nil
	}
	delete(s.chain, selected)
	return s.open(selected)
}

func (s *sidePane) failed(selected record.ID) bool {
	p := s.chain[selected]
	return s.cols > 0 && p != nil && (p.chain.failed() || p.record.failed())
}

// beside puts the pane to the right of the drill-down's lines.
func (s *sidePane) beside(left []text.Line, look Look, selected record.ID) []text.Line {
	if s.cols == 0 {
		return left
	}
	right := s.lines(selected)
	out := make([]text.Line, len(left))
	for i := range left {
		out[i] = append(append(left[i].Fit(look.Cols), text.Space(1), text.Text(text.Dim, "│"), text.Space(1)), right[i].Cut(s.look.Cols)...)
	}
	return out
}

// lines are the pane: which chain it is, the tree and the selected record of it, and what came of the checks.
func (s *sidePane) lines(selected record.ID) []text.Line {
	cols, rows := s.look.Cols, s.look.Rows+sideWords
	if selected.IsZero() {
		return text.Block([]text.Line{text.Of(text.Text(text.Title, " PROVENANCE"), text.Text(text.Dim, "  nothing is selected"))}, cols, rows)
	}
	head := text.Of(text.Text(text.Title, " PROVENANCE"), text.Text(text.Dim, "  behind "), shortID(selected))
	p := s.chain[selected]
	switch {
	case p == nil || len(p.rows) == 0 && p.chain.line(p.look.Keymap()) == nil:
		return text.Block([]text.Line{head, text.Of(text.Space(1), text.Text(text.Dim, "…"))}, cols, rows)
	case len(p.rows) == 0:
		busy := append(text.Of(text.Space(1)), p.chain.line(p.look.Keymap())...)
		if p.chain.failed() {
			busy = append(busy, text.Text(text.Key, "  "+p.look.Keymap().Shown(Again)), text.Text(text.Plain, " tries again"))
		}
		return text.Block([]text.Line{head, busy}, cols, rows)
	}
	return text.Block(append(append([]text.Line{head}, p.Lines()...), p.Status()), cols, rows)
}

// toDocument puts the cursor on the first document of the chain: what everything else rests on.
func (p *Provenance) toDocument() {
	for i, r := range p.rows {
		if r.id.Kind == record.KindEvidence {
			p.window.To(i)
			return
		}
	}
}

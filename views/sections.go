package views

import "episteme/views/text"

// section is a heading with rows below it.
type section struct {
	head text.Line
	rows int
}

// sections is a list in sections under one cursor, which stands on rows and never on headings. Only what is in sight
// is drawn. Each section takes a line for its heading, one for each row, and a blank one unless it is tight.
type sections struct {
	list   []section
	tight  bool
	cursor Window // over all rows; its First is not used
	top    int    // first line on the screen
	rows   int    // lines on the screen
}

// fit takes new sections and a new height.
func (s *sections) fit(list []section, rows int) {
	s.list, s.rows = list, max(rows, 1)
	total := 0
	for _, sec := range list {
		total += sec.rows
	}
	s.cursor.Fit(total, max(rows, 1))
	s.follow()
}

// move does what a key asks.
func (s *sections) move(p Press) bool {
	if !s.cursor.Move(p) {
		return false
	}
	s.follow()
	return true
}

// follow keeps the row under the cursor in sight, and with the first row of a section its heading.
func (s *sections) follow() {
	sec, row := s.at(s.cursor.Cursor)
	line := s.line(sec) + 1 + row
	above := line
	if row == 0 {
		above--
	}
	switch {
	case s.cursor.Cursor == 0:
		s.top = 0
	case above < s.top:
		s.top = above - min(s.rows/2, above)
	case line >= s.top+s.rows:
		s.top = line - s.rows + 1 + s.rows/2
	}
	s.top = min(max(s.top, 0), max(s.height()-s.rows, 0))
	if line >= s.top+s.rows {
		s.top = line - s.rows + 1
	}
}

// at is the section and the row within it of a row of the whole.
func (s *sections) at(row int) (sec, within int) {
	for i, one := range s.list {
		if row < one.rows {
			return i, row
		}
		row -= one.rows
	}
	return max(len(s.list)-1, 0), 0
}

// selected is the section and row under the cursor; ok is false when there are no rows.
func (s *sections) selected() (sec, row int, ok bool) {
	if s.cursor.Len == 0 {
		return 0, 0, false
	}
	sec, row = s.at(s.cursor.Cursor)
	return sec, row, true
}

// line is where a section's heading stands.
func (s *sections) line(sec int) int {
	n := 0
	for i := 0; i < sec && i < len(s.list); i++ {
		n += s.list[i].rows + s.extra()
	}
	return n
}

// extra is how many lines a section takes beyond its rows.
func (s *sections) extra() int {
	if s.tight {
		return 1
	}
	return 2
}

// height is how many lines all sections take; the blank one behind the last is none of them.
func (s *sections) height() int { return max(s.line(len(s.list))-s.extra()+1, 0) }

// draw makes the lines in sight; row draws one row.
func (s *sections) draw(row func(sec, row int, selected bool) text.Line) []text.Line {
	out := make([]text.Line, 0, s.rows)
	cursorSec, cursorRow, some := s.selected()
	line := 0
	for i, sec := range s.list {
		if end := line + sec.rows + s.extra(); end <= s.top || line >= s.top+s.rows {
			line = end
			continue
		}
		for j := range sec.rows + s.extra() {
			if at := line + j; at < s.top || at >= s.top+s.rows {
				continue
			}
			switch j {
			case 0:
				out = append(out, sec.head)
			case sec.rows + 1:
				out = append(out, nil)
			default:
				out = append(out, row(i, j-1, some && i == cursorSec && j-1 == cursorRow))
			}
		}
		line += sec.rows + s.extra()
	}
	return out
}

// cursorCell is what stands in front of a row of a list.
func cursorCell(selected bool) text.Span {
	if selected {
		return text.Text(text.Title, " ▶ ")
	}
	return text.Space(3)
}

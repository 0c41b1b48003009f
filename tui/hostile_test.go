package tui

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// nasty is text as somebody would write it who wants to break a screen, or deceive who reads it.
const nasty = "\x1b[2J\x1b]0;owned\x07\x9b31mred\u202eevil\u2066\u200b\ttab\nnew\rline\x00 界面 e\u0301\u0301\u0301 👩‍👩‍👧‍👦 🇩🇪 \ufe0f\U000e0041 \xff\xfe"

// hostile is an incident whose every text is nasty, with an object of 64 KiB.
func hostile() *fake {
	f := &fake{verdicts: map[record.ID]ask.Verdict{}, chains: map[record.ID]ask.Provenance{}, records: map[record.ID]ask.Record{}}
	v := rootVerdict()
	long := record.TextObject(nasty + strings.Repeat("界\u0301x", record.MaxObjectBytes/6))
	question := nasty
	v.Audit.Agent, v.Audit.Subject, v.Audit.Predicate, v.Audit.Lens, v.Audit.Question = nasty, nasty, nasty, nasty, &question
	v.Audit.Result.Value = long
	v.Audit.Contributions[0].Value, v.Audit.Contributions[0].Source = long, &question
	v.LensSentence = nasty
	for _, list := range [][]ask.Weighed{v.Because, v.Against, v.NotAdmitted} {
		for i := range list {
			w := &list[i]
			w.Value, w.Agent, w.Note, w.Why, w.Arithmetic, w.Source.Name, w.Source.URI = long, nasty, nasty, nasty, nasty, nasty, nasty
			for j := range w.Life {
				w.Life[j].Agent, w.Life[j].Reason = nasty, nasty
			}
		}
	}
	v.Then[0].Title, v.Then[0].Agent, v.Then[0].Subject, v.Then[0].Timestamp = nasty, nasty, nasty, clockAt(20, 40, 0)
	v.Now.Because.Agent = nasty
	f.audits, f.events = []ask.Audit{v.Audit}, v.Then
	f.events[0].Type = record.Note // so that the cursor begins on the query
	f.verdicts[rootQuery] = v
	f.chain()
	p := f.chains[rootQuery]
	for i := range p.Nodes {
		p.Nodes[i].Title, p.Nodes[i].Agent = nasty+nasty, nasty
	}
	f.records[rootQuery] = ask.Record{ID: rootQuery, LSN: 1, Check: ask.Verified, Record: record.Evidence(nasty + long.Text)}
	return f
}

// TestHostileText looks at what is sent to the terminal: nothing of the data's own may be a control character, or
// change the direction of text, at any size and on any screen.
func TestHostileText(t *testing.T) {
	for _, keys := range [][]string{{}, {"enter"}, {"p"}, {"p", "enter"}, {"[", "enter"}, {"y"}, {"?"}} {
		t.Run(strings.Join(keys, " "), func(t *testing.T) {
			inSession(t, hostile(), 80, 24, func(s *session) {
				s.keys(keys...)
				s.wait(time.Second)
				for _, size := range [][2]int{{40, 10}, {60, 20}, {80, 24}, {120, 40}, {200, 60}} {
					s.m.cols, s.m.rows = size[0], size[1]
					s.m.look()
					checkFrame(t, s.m.lines(), size[0], size[1])
					checkClean(t, s.m.View())
				}
			})
		})
	}
}

// checkClean looks for characters that may not reach a terminal, once our own sequences are taken out.
func checkClean(t *testing.T, frame string) {
	t.Helper()
	for line := range strings.SplitSeq(frame, "\n") {
		// Our own sequences are ESC [ numbers m and nothing else; what remains is text.
		for {
			at := strings.Index(line, "\x1b[")
			if at < 0 {
				break
			}
			end := strings.IndexByte(line[at:], 'm')
			if end < 0 || strings.Trim(line[at+2:at+end], "0123456789;") != "" {
				t.Fatalf("a sequence that is not ours: %q", line[at:min(len(line), at+20)])
			}
			line = line[:at] + line[at+end+1:]
		}
		for _, r := range line {
			if record.Unsafe(r) {
				t.Fatalf("%U reached the terminal: %q", r, line)
			}
		}
		if strings.Contains(ansi.Strip(line), "\x1b") {
			t.Fatalf("an escape reached the terminal: %q", line)
		}
	}
}

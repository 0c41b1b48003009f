package views

import (
	"strings"
	"testing"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// A question about an earlier moment could see a life up to that moment: the sign stands there, among the steps in the
// order of their times, and says when it was asked.
func TestLifeOfAnEarlierMoment(t *testing.T) {
	born, rejected := record.Proposed, record.Rejected
	life := []ask.LifeStep{
		{At: at("2024-01-15T18:02:00Z"), Agent: "rfc-bot", To: &born},
		{At: at("2024-01-15T22:10:00Z"), Agent: "alice", To: &rejected, After: true},
	}
	look := Look{Cols: 120, Rows: 40}
	tests := []struct {
		name        string
		asked, asOf string
		want, hides string
	}{
		{"asked for its own time", "2024-01-15T21:03:47Z", "2024-01-15T21:03:47Z", "21:03:47Z  ▲ asked here", "as it was"},
		{"asked later about an earlier time", "2024-01-15T22:16:15Z", "2024-01-15T21:03:47Z", "21:03:47Z  ▲ as it was at, asked 22:16:15Z", "asked here"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := ask.Audit{Timestamp: at(tt.asked), AsOf: at(tt.asOf)}
			var lines []string
			for _, l := range lifeSteps(life, a, look, 1) {
				lines = append(lines, l.String())
			}
			all := strings.Join(lines, "\n")
			if len(lines) != 3 || !strings.Contains(lines[1], tt.want) || strings.Contains(all, tt.hides) {
				t.Errorf("the steps are\n%s\nwant %q between them", all, tt.want)
			}
			ruler := lifeRuler(life, a, look, 1)
			sign, r := strings.Index(ruler[1].String(), "▲"), strings.LastIndex(strings.ReplaceAll(strings.ReplaceAll(ruler[0].String(), "─", "-"), "━", "="), "R")
			if sign < 0 || sign >= r {
				t.Errorf("the sign stands behind the rejection that it could not see:\n%s\n%s", ruler[0], ruler[1])
			}
		})
	}
}

package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"episteme/engine/record"
)

// tally counts the queries that come in, by agent and by subject. Several goroutines may add.
type tally struct {
	mu       sync.Mutex
	queries  int
	agents   map[string]int
	subjects map[string]int
	others   int // queries whose agent or subject came after tallyMax different ones
}

// tallyMax bounds the names that are counted: 64 Ki of 512 bytes are 32 MiB.
const tallyMax = 64 << 10

// busiestShown is how many names a dry run shows.
const busiestShown = 10

func newTally() *tally { return &tally{agents: map[string]int{}, subjects: map[string]int{}} }

func (t *tally) add(line record.Line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if line.Query != nil {
		t.count(line.Query.Agent, line.Query.Subject)
	}
	for _, r := range line.Records {
		if a, ok := r.(*record.Audit); ok {
			t.count(a.Agent, a.Subject)
		}
	}
}

func (t *tally) count(agent, subject string) {
	t.queries++
	for _, of := range []struct {
		names map[string]int
		name  string
	}{{t.agents, agent}, {t.subjects, subject}} {
		if _, known := of.names[of.name]; known || len(of.names) < tallyMax {
			of.names[of.name]++
		} else {
			t.others++
		}
	}
}

// forecast says what would come in: how much of what was read, what not and why, and whom and what it is about.
func (r *intakeRun) forecast() {
	dropped := 0
	for _, n := range r.dropped {
		dropped += n
	}
	var read []string
	for _, name := range slices.Sorted(maps.Keys(r.units)) {
		read = append(read, grouped(r.units[name])+" "+name)
	}
	if len(read) == 0 {
		read = []string{grouped(r.total.Kept+r.total.Refused) + " lines"}
	}
	line := fmt.Sprintf("%s → %s queries; %s dropped", strings.Join(read, ", "), grouped(r.tally.queries), grouped(dropped))
	mark := ": "
	for _, reason := range byCount(r.dropped) {
		line += mark + grouped(r.dropped[reason]) + " " + record.Clean(reason)
		mark = ", "
	}
	fmt.Fprintln(r.out, line)
	r.busiest("agents", r.tally.agents)
	r.busiest("subjects", r.tally.subjects)
	if r.tally.others > 0 {
		fmt.Fprintf(r.out, "(only the first %s names of each are counted)\n", grouped(tallyMax))
	}
}

// busiest lists the names with the most queries.
func (r *intakeRun) busiest(what string, names map[string]int) {
	if len(names) == 0 {
		return
	}
	order := byCount(names)
	shown := order[:min(len(order), busiestShown)]
	fmt.Fprintf(r.out, "busiest %s (%d of %s):\n", what, len(shown), grouped(len(order)))
	for _, name := range shown {
		fmt.Fprintf(r.out, "%10s  %s\n", grouped(names[name]), record.Clean(name))
	}
}

// byCount is the names, those with the greatest numbers first.
func byCount(names map[string]int) []string {
	return slices.SortedFunc(maps.Keys(names), func(a, b string) int {
		return cmp.Or(cmp.Compare(names[b], names[a]), cmp.Compare(a, b))
	})
}

// grouped is n with commas: 9,412.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

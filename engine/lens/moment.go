package lens

import (
	"sync"
	"time"

	"episteme/engine/record"
)

// Moment is a history under a cut, for several lenses. It serves one goroutine.
type Moment struct {
	of         *Ordered
	cut        Cut
	candidates []Candidate
	admitted   bool
}

// At is the history under a cut.
func (o *Ordered) At(c Cut) *Moment { return &Moment{of: o, cut: c} }

// Candidates are those of Admit.
func (m *Moment) Candidates() []Candidate {
	if !m.admitted {
		m.candidates, _ = m.of.Admit(m.cut)
		m.admitted = true
	}
	return m.candidates
}

// Lead is Lead of the candidates. When the cut lets everything count that the history holds, which is so for questions about
// now, the answer is remembered: until something new bears on it, all who ask are told the same.
func (m *Moment) Lead(l Lens, p Params) Answer {
	return recall(m, &m.of.told.answers, telling{lens: l.Name, halfLife: p.HalfLife}, func() Answer { return Lead(l, p, m.Candidates()) })
}

// Value is what Lead answers without parameters, and the heaviest assertion behind that. It takes less memory to remember.
func (m *Moment) Value(l Lens) (record.Object, record.ID) {
	said := recall(m, &m.of.told.values, telling{lens: l.Name}, func() saidValue {
		answer := Lead(l, Params{}, m.Candidates())
		if len(answer.Contributions) == 0 {
			return saidValue{value: answer.Value}
		}
		return saidValue{answer.Value, answer.Contributions[0].ID()}
	})
	return said.value, said.heaviest
}

type saidValue struct {
	value    record.Object
	heaviest record.ID // zero: none
}

// wholeUnder reports whether all records of the history count under a cut, and how many of them supersede an epoch.
func (o *Ordered) wholeUnder(c *Cut) (superseding int, whole bool) {
	if !c.Exclude.empty() || !c.held(o.newest, o.last) {
		return 0, false
	}
	for _, list := range o.Superseding {
		superseding += len(list)
		for i := range list {
			if !c.held(list[i].Timestamp, list[i].LSN) {
				return 0, false
			}
		}
	}
	return superseding, true
}

// telling is what an answer depends on beside the records of an Ordered. Of the epochs their number is enough: none is ever
// taken back.
type telling struct {
	lens        string
	halfLife    time.Duration
	filter      record.Stage
	superseding int
}

// tellings are the answers of an Ordered that lets everything count.
type tellings struct {
	mu      sync.Mutex
	answers map[telling]Answer    // guarded by mu
	values  map[telling]saidValue // guarded by mu
}

// tellingsMax is how many of each are remembered of one history: each lens, with and without a filter. A guess.
const tellingsMax = 8

// recall is what work makes, or made before when the cut lets everything count.
func recall[T any](m *Moment, from *map[telling]T, key telling, work func() T) T {
	var whole bool
	if key.superseding, whole = m.of.wholeUnder(&m.cut); !whole {
		return work()
	}
	key.filter = m.cut.Filter
	t := m.of.told
	t.mu.Lock()
	made, ok := (*from)[key]
	t.mu.Unlock()
	if ok {
		return made
	}
	made = work()
	t.mu.Lock()
	defer t.mu.Unlock()
	if *from == nil || len(*from) >= tellingsMax {
		*from = map[telling]T{}
	}
	(*from)[key] = made
	return made
}

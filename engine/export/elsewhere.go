package export

import (
	"context"
	"errors"
	"fmt"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Limits of the search for values elsewhere in the store. Beyond them the export says that it did not look further.
const (
	elsewhereRecords = 2_000_000 // a guess: half a minute of reading
	elsewhereWords   = 200_000   // different values: some 30 MiB while they are searched for
)

// elsewhere is what was searched for beyond the records that leave: a text that leaves may name somebody, or quote
// something, that only other records of the store hold as a value.
type elsewhere struct {
	records int  // of the store, read
	cut     bool // a limit was met: there are more
}

// errEnough ends a walk over the store.
var errEnough = errors.New("enough")

// gatherElsewhere adds the values that the store knows and the records that leave don't hold: every agent of the
// store, and of the other fields those of records that touch what leaves: that are about one of its subjects, or were
// written or asked by one of its agents.
//
// All of the store would not do: somewhere a value is an everyday word, and a token in the place of each of those
// withholds records that say nothing of it.
func (g *gatherer) gatherElsewhere(ctx context.Context, from Evidence, c *Contents) (elsewhere, error) {
	var out elsewhere
	touched := touchedBy(c)
	g.beyond = true
	err := from.EachRecord(ctx, func(r ask.Record) error {
		if out.records == elsewhereRecords || len(g.words) > elsewhereWords {
			out.cut = true
			return errEnough
		}
		out.records++
		if r.Record == nil || g.r.known[r.ID] {
			return nil
		}
		g.agentsOnly = !touched.touches(r.Record)
		rewrite(r.Record, g)
		return nil
	})
	g.agentsOnly = false
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err != nil {
		return out, fmt.Errorf("look through the store for what is redacted: %w", err)
	}
	list, err := from.Agents(ctx)
	for _, a := range list { // of some it is known only that a line of theirs was refused
		if len(g.words) > elsewhereWords {
			out.cut = true
			break
		}
		g.text(Agent, a.Name)
	}
	return out, err
}

// touch is the subjects and agents of the records that leave.
type touch struct{ subjects, agents map[string]bool }

func touchedBy(c *Contents) touch {
	t := touch{map[string]bool{}, map[string]bool{}}
	for _, r := range c.Records {
		subject, agent := whatAndWho(r.Record)
		t.subjects[subject], t.agents[agent] = true, true
	}
	delete(t.subjects, "") // what is about nothing, or by nobody, touches nothing
	delete(t.agents, "")
	return t
}

func (t touch) touches(r record.Record) bool {
	subject, agent := whatAndWho(r)
	return t.subjects[subject] || t.agents[agent]
}

// whatAndWho is the subject and the agent of a record, as far as it has them.
func whatAndWho(r record.Record) (subject, agent string) {
	switch r := r.(type) {
	case *record.Source:
		return "", r.Agent
	case *record.Assertion:
		return r.Subject, r.Agent
	case *record.Vote:
		return "", r.Agent
	case *record.Epoch:
		return "", r.Agent
	case *record.Transition:
		return "", r.Agent
	case *record.Event:
		return r.Subject, r.Agent
	case *record.Audit:
		return r.Subject, r.Agent
	case *record.Erasure:
		return "", r.Agent
	}
	return "", ""
}

// SearchedFor says what of the redacted fields was looked for in all text that leaves; empty when nothing is redacted.
func (c *Contents) SearchedFor() string {
	if c.veil == nil || c.veil.elsewhere.records == 0 {
		return ""
	}
	s := "searched for in all text that leaves: every agent of the store, and the other values of records about the subjects, or by the agents, that leave; not for what only other records say, nor for other spellings"
	if c.veil.elsewhere.cut {
		s += fmt.Sprintf("; the store has more than can be searched for: the rest of it was not looked at behind the first %d records", c.veil.elsewhere.records)
	}
	return s
}

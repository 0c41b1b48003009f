package trace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"episteme/engine/ingest"
	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// The bounds of a preview. All three are guesses at what a person waits for: some seconds at the worst.
const (
	previewTopics    = 256    // pairs of subject and predicate whose questions are answered twice
	previewAudits    = 20_000 // audits read to find out what has been asked
	previewQuestions = 2_000  // questions answered
)

// Preview says which answers would be others if records were written now, together and in this order; the last is the
// one that the others go with. Looked at is every question that has been asked in this journal about a subject and
// predicate that the records bear on, and the same with the default lens: what it is told now (rule 19), and what it
// would be told. Other questions cannot change. Nothing is written. records is not empty, and each passed record.Check.
func (t *Tracer) Preview(ctx context.Context, records []record.Record) (ask.Preview, error) {
	return read(ctx, t, func(v *ingest.View) (ask.Preview, error) {
		applied := v.Applied()
		p := &preview{t: t, ctx: ctx, view: v, out: ask.Preview{
			At: t.now(), Changes: []ask.Change{}, Notes: []string{}, Complete: true, AppliedLSN: applied.LSN,
		}}
		if err := p.suppose(records, applied.LSN); err != nil {
			return ask.Preview{}, err
		}
		err := p.run()
		return p.out, err
	})
}

// supposed is a record as if it had been written.
type supposed struct {
	id     record.ID
	lsn    record.LSN
	record record.Record
}

// topic is what assertions compete about.
type topic struct{ subject, predicate string }

// standing is what tells questions about one topic apart.
type standing struct {
	lens     string
	halfLife time.Duration
	filter   record.Stage
}

// preview is one preview in the making.
type preview struct {
	t        *Tracer
	ctx      context.Context
	view     *ingest.View
	supposed []supposed // those that are not recorded yet
	audits   int        // read so far
	out      ask.Preview
}

// suppose places the records that are not here yet behind the last one of the journal.
func (p *preview) suppose(records []record.Record, last record.LSN) error {
	for _, r := range records {
		id, err := record.IDOf(r)
		if err != nil {
			return err
		}
		known, err := p.view.Has(id)
		if err != nil {
			return err
		}
		p.out.Record, p.out.Known = id, known
		if !known {
			last++
			p.supposed = append(p.supposed, supposed{id, last, r})
		}
	}
	return nil
}

func (p *preview) run() error {
	if p.out.Known {
		p.out.Notes = append(p.out.Notes, "it is recorded already")
	}
	topics, err := p.topics()
	if err != nil {
		return err
	}
	for _, about := range topics {
		if err := p.topic(about); err != nil {
			return err
		}
	}
	slices.SortStableFunc(p.out.Changes, func(a, b ask.Change) int {
		switch {
		case a.Flips && !b.Flips:
			return -1
		case b.Flips && !a.Flips:
			return 1
		}
		return cmp.Compare(a.StandingQuestion.String(), b.StandingQuestion.String())
	})
	return nil
}

func (p *preview) note(format string, values ...any) {
	if text := fmt.Sprintf(format, values...); !slices.Contains(p.out.Notes, text) {
		p.out.Notes = append(p.out.Notes, text)
	}
}

// stop notes that a limit was reached.
func (p *preview) stop(format string, values ...any) {
	p.out.Complete = false
	p.note(format, values...)
}

// topics lists what the records bear on, in the order in which they name it.
func (p *preview) topics() ([]topic, error) {
	list := &topicList{seen: map[topic]bool{}}
	for _, s := range p.supposed {
		var err error
		switch r := s.record.(type) {
		case *record.Assertion:
			p.noteFuture(r.Timestamp)
			list.add(topic{r.Subject, r.Predicate})
		case *record.Vote:
			p.noteFuture(r.Timestamp)
			err = p.topicOf(assertionID(r.Assertion), list)
		case *record.Transition:
			p.noteFuture(r.Timestamp)
			err = p.topicOf(assertionID(r.Assertion), list)
		case *record.Epoch:
			p.noteFuture(r.Timestamp)
			err = p.topicsOfAll(record.ID{Kind: record.KindEpoch, Hash: r.Supersedes}, ingest.LinkEpoch, list)
		case *record.Source:
			p.noteFuture(r.Timestamp)
			err = p.topicsOfAll(evidenceID(r.Digest), ingest.LinkSource, list)
		case *record.Event:
			p.note("no answer rests on events")
		}
		if err != nil {
			return nil, err
		}
	}
	if list.more {
		p.stop("stopped after %d subjects with a predicate", previewTopics)
	}
	return list.topics, nil
}

// noteFuture warns of a record that does not count yet.
func (p *preview) noteFuture(at record.Time) {
	if at > p.out.At {
		p.note("it counts from %s on, and now is %s", at, p.out.At)
	}
}

// topicList is topics, each once, up to the limit.
type topicList struct {
	topics []topic
	seen   map[topic]bool
	more   bool
}

func (l *topicList) add(t topic) {
	switch {
	case l.seen[t]:
	case len(l.topics) == previewTopics:
		l.more = true
	default:
		l.seen[t] = true
		l.topics = append(l.topics, t)
	}
}

// topicOf adds what an assertion is about. Of one whose bytes are not here that is not known.
func (p *preview) topicOf(id record.ID, list *topicList) error {
	for _, s := range p.supposed {
		if a, ok := s.record.(*record.Assertion); ok && s.id == id {
			list.add(topic{a.Subject, a.Predicate})
			return nil
		}
	}
	r, err := p.t.fetch(p.ctx, p.view, id)
	if err != nil {
		return err
	}
	if a, ok := r.Record.(*record.Assertion); ok {
		list.add(topic{a.Subject, a.Predicate})
		return nil
	}
	p.stop("%s is %s here: what it is about is not known", id.Short(), r.Check)
	return nil
}

// topicsOfAll adds what the assertions are about that name target in this way.
func (p *preview) topicsOfAll(target record.ID, link ingest.Link, list *topicList) error {
	for l, err := range p.view.Links(p.ctx, target, link) {
		if err != nil {
			return err
		}
		if list.more {
			return nil
		}
		if err := p.topicOf(l.ID, list); err != nil {
			return err
		}
	}
	return nil
}

// topic answers every question about it twice: with what is recorded, and with the supposed records too.
func (p *preview) topic(about topic) error {
	asked, err := p.asked(about)
	if err != nil {
		return err
	}
	list := sortedStandings(asked)
	if room := previewQuestions - p.out.Questions; len(list) > room {
		p.stop("stopped after %d questions", previewQuestions)
		list = list[:room]
	}
	h, err := history(p.ctx, p.view, about.subject, about.predicate)
	if err != nil {
		return err
	}
	now, err := p.answers(about, list, h)
	if err != nil {
		return err
	}
	if err := p.overlay(about, &h); err != nil {
		return err
	}
	with, err := p.answers(about, list, h)
	if err != nil {
		return err
	}
	for i, s := range list {
		c := ask.Change{StandingQuestion: p.question(about, s).standing(), Asked: asked[s], Now: now[i], With: with[i], Flips: now[i].Value != with[i].Value}
		if c.Now != c.With {
			p.out.Changes = append(p.out.Changes, c)
		}
	}
	p.out.Questions += len(list)
	return nil
}

// answers is what each question about a topic is told over a history.
func (p *preview) answers(about topic, list []standing, h lens.History) ([]ask.Result, error) {
	results := make([]ask.Result, len(list))
	o := lens.Order(h)
	for i, s := range list {
		if err := context.Cause(p.ctx); err != nil {
			return nil, err
		}
		results[i] = resultOf(p.question(about, s).answer(o))
	}
	return results, nil
}

// question is a standing question put now, of everything that is recorded.
func (p *preview) question(about topic, s standing) question {
	l, _ := lens.ByName(s.lens)
	return question{
		subject: about.subject, predicate: about.predicate, lens: l, params: lens.Params{HalfLife: s.halfLife},
		cut: lens.Cut{AsOf: p.out.At, Pin: lens.Everything, Filter: s.filter},
	}
}

// asked counts how often each question about a topic was asked in this journal; the default lens is among them.
func (p *preview) asked(about topic) (map[standing]int, error) {
	counts := map[standing]int{{lens: DefaultLens}: 0}
	for b, err := range p.view.BySubject(p.ctx, about.subject, nil, nil) {
		if err != nil {
			return nil, err
		}
		if p.audits == previewAudits {
			p.stop("stopped looking for questions after %d that were asked, the newest first", previewAudits)
			break
		}
		if p.audits++; b.Predicate != about.predicate {
			continue
		}
		row, err := p.view.Row(b)
		if errors.Is(err, ingest.ErrBroken) {
			p.stop("a query could not be read: `episteme verify` says more")
			continue
		}
		if err != nil {
			return nil, err
		}
		a := row.Audit
		if _, ours := lens.ByName(a.Lens); ours && p.t.stateOf(a) == ask.Pinned {
			counts[standing{a.Lens, a.HalfLife, a.LifecycleFilter}]++
		}
	}
	return counts, nil
}

// sortedStandings is what was asked, most often first, then in a fixed order.
func sortedStandings(asked map[standing]int) []standing {
	var list []standing
	for s := range asked {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b standing) int {
		return cmp.Or(cmp.Compare(asked[b], asked[a]), cmp.Compare(a.lens, b.lens), cmp.Compare(a.halfLife, b.halfLife), cmp.Compare(a.filter, b.filter))
	})
	return list
}

// overlay adds the supposed records to the history of a topic. Assertions come first: what else is supposed may be
// about them.
func (p *preview) overlay(about topic, h *lens.History) error {
	for _, s := range p.supposed {
		a, ok := s.record.(*record.Assertion)
		if !ok || about != (topic{a.Subject, a.Predicate}) {
			continue
		}
		h.Assertions = append(h.Assertions, lens.Assertion{
			Hash: s.id.Hash, LSN: s.lsn, Object: a.Object, Confidence: a.Confidence, Birth: a.Lifecycle,
			Agent: a.Agent, Timestamp: a.Timestamp, Source: a.Source, Epoch: a.Epoch,
		})
		// Votes and transitions may have come before the assertion that they speak of.
		if err := errors.Join(loadLife(p.ctx, p.view, h, s.id), loadDescriptors(p.ctx, p.view, h, a.Source), loadSuperseding(p.ctx, p.view, h, a.Epoch)); err != nil {
			return err
		}
	}
	for _, s := range p.supposed {
		switch r := s.record.(type) {
		case *record.Vote:
			h.Votes[r.Assertion] = append(h.Votes[r.Assertion], lens.Vote{Hash: s.id.Hash, LSN: s.lsn, Agent: r.Agent, Weight: r.Weight, Timestamp: r.Timestamp})
		case *record.Transition:
			h.Transitions[r.Assertion] = append(h.Transitions[r.Assertion], lens.Transition{Hash: s.id.Hash, LSN: s.lsn, To: r.To, Agent: r.Agent, Timestamp: r.Timestamp})
		case *record.Epoch:
			h.Superseding[r.Supersedes] = append(h.Superseding[r.Supersedes], lens.Epoch{Hash: s.id.Hash, LSN: s.lsn, Agent: r.Agent, Timestamp: r.Timestamp, Supersession: r.Supersession})
		case *record.Source:
			h.Descriptors[r.Digest] = append(h.Descriptors[r.Digest], lens.Descriptor{Hash: s.id.Hash, LSN: s.lsn, Name: r.Name, Authority: r.Authority, Agent: r.Agent, Timestamp: r.Timestamp})
		}
	}
	return nil
}

// standing is q as people and programs see it.
func (q question) standing() ask.StandingQuestion {
	out := ask.StandingQuestion{Subject: q.subject, Predicate: q.predicate, Lens: q.lens.Name}
	if q.params.HalfLife != 0 {
		out.LensParams.HalfLife = record.FormatHalfLife(q.params.HalfLife)
	}
	if filter := q.cut.Filter; filter != 0 {
		out.LifecycleFilter = &filter
	}
	return out
}

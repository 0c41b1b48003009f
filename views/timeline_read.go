package views

import (
	"context"
	"math"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// windowHead comes first: how much there is, and which part of it is read.
type windowHead struct {
	status ask.Status
	rng    ask.Range
	later  uint64 // queries and events that claim to be later than the window's end, at most eventRows of the latter
	newer  bool   // there are newer rows than the window's: it stayed where somebody is reading
}

// skew is how far behind the recorder's clock this one may be before a record claims to be from the future. The clock
// here is read when the minute changes and when an answer comes.
const skew = record.Time(time.Minute)

// eventsPart comes next. Without the events the queries are still worth showing, so their error is a value.
type eventsPart struct {
	list []ask.Event // newest first
	err  error
}

// reading is what somebody reads while news come: no news may take it from the screen. The zero reading is nothing.
type reading struct {
	window ask.Range
	row    record.Time // of the row under the cursor
}

// keep is the window for somebody who reads: the new one where the row is in it; else one that reaches back to the old
// one's beginning, as long as it does not grow beyond twice the span; else the old one, with newer rows behind it.
func (r reading) keep(head windowHead, span time.Duration) windowHead {
	if r.window.From == nil || head.rng.From == nil || r.row >= *head.rng.From {
		return head
	}
	if long := *head.rng.To - *r.window.From; long/2 <= record.Time(span) {
		head.rng.From = r.window.From
		return head
	}
	head.rng, head.newer = r.window, true
	return head
}

// longer is a reading of a window that was held and reaches back for span; another window is nothing to hold.
func (r reading) longer(head windowHead, span time.Duration) reading {
	if !head.newer {
		return reading{}
	}
	s := head.status
	s.Newest = nil // lies behind the window's end
	r.window = windowOf(s, *head.rng.To-1, span)
	return r
}

// readWindow reads the newest rows of the last span before now, or before the newest record when that is older.
func readWindow(now record.Time, span time.Duration, rows int, kept reading) Question {
	return func(ctx context.Context, in ask.Investigator, part func(any) bool) (any, error) {
		status, err := in.Status(ctx)
		if err != nil {
			return nil, err
		}
		head, err := headOf(ctx, in, status, now, span)
		if err != nil {
			return nil, err
		}
		head = kept.keep(head, span)
		if !part(head) {
			return nil, ctx.Err()
		}
		events, err := in.Events(ctx, head.rng, eventRows)
		if ctx.Err() != nil || !part(eventsPart{events, err}) {
			return nil, ctx.Err()
		}
		return in.Audits(ctx, ask.AuditFilter{Range: head.rng, Limit: rows, Buckets: stripParts})
	}
}

// headOf is the window to read. Records that claim to be later than now are counted and do not move it: one wrong
// clock would hide everything else. Only where there is nothing else it ends with them.
func headOf(ctx context.Context, in ask.Investigator, s ask.Status, now record.Time, span time.Duration) (windowHead, error) {
	head := windowHead{status: s}
	if s.Newest == nil || *s.Newest <= now || *s.Newest-now <= skew {
		head.rng = windowOf(s, now, span)
		return head, nil
	}
	after := now + 1
	past, err := in.Audits(ctx, ask.AuditFilter{Range: ask.Range{To: &after}, Limit: 1})
	if err != nil {
		return head, err
	}
	happened, err := in.Events(ctx, ask.Range{To: &after}, 1)
	if err != nil {
		happened = nil // the window's own events will say so
	}
	s.Newest = nil
	for _, t := range append(timesOf(past.Queries), eventTimes(happened)...) {
		if s.Newest == nil || t > *s.Newest {
			s.Newest = &t
		}
	}
	if s.Newest == nil {
		head.rng = windowOf(head.status, now, span)
		return head, nil
	}
	head.rng = windowOf(s, now, span)
	future, err := in.Audits(ctx, ask.AuditFilter{Range: ask.Range{From: &after}, Limit: 1})
	if err != nil {
		return head, err
	}
	announced, err := in.Events(ctx, ask.Range{From: &after}, eventRows)
	if err != nil {
		announced = nil
	}
	head.later = future.Total + uint64(len(announced))
	return head, nil
}

func timesOf(list []ask.Audit) []record.Time {
	out := make([]record.Time, len(list))
	for i := range list {
		out[i] = list[i].Timestamp
	}
	return out
}

func eventTimes(list []ask.Event) []record.Time {
	out := make([]record.Time, len(list))
	for i := range list {
		out[i] = list[i].Timestamp
	}
	return out
}

// longer is a window four times as long, as far as times reach.
func longer(span time.Duration) time.Duration {
	if span > math.MaxInt64/4 {
		return math.MaxInt64
	}
	return 4 * span
}

// windowOf is the window that ends now (or at the newest record, when nothing is within span of now) and begins at a
// full minute, at the oldest record at the earliest.
func windowOf(s ask.Status, now record.Time, span time.Duration) ask.Range {
	end := now
	if n := s.Newest; n != nil && (*n > now || *n < now-record.Time(span)) {
		end = *n
	}
	from := max(end-record.Time(span), 0)
	if s.Oldest != nil {
		from = max(from, *s.Oldest)
	}
	from -= from % record.Time(time.Minute)
	if end < record.MaxTime {
		end++ // a range ends before its To, and end itself belongs to it
	}
	return ask.Range{From: &from, To: &end}
}

// readOlder reads pages from cursor on, handing each over as it comes, until it has read rows of them or all.
func readOlder(rng ask.Range, cursor string, rows int) Question {
	return func(ctx context.Context, in ask.Investigator, part func(any) bool) (any, error) {
		for {
			page, err := in.Audits(ctx, ask.AuditFilter{Range: rng, Limit: pageRows, Cursor: cursor})
			if err != nil {
				return nil, err
			}
			rows -= len(page.Queries)
			if page.NextCursor == nil || rows <= 0 || len(page.Queries) == 0 {
				return page, nil
			}
			cursor = *page.NextCursor
			if !part(page) {
				return nil, ctx.Err()
			}
		}
	}
}

// nextNews plans the next look for news, once nothing of this window is under way any more.
func (t *Timeline) nextNews() []Do {
	if !t.follow || t.held || t.awaits || t.load.running || t.news.running {
		return nil
	}
	t.awaits = true
	return []Do{Rest{newsSlot, newsEvery}}
}

func (t *Timeline) askNews() Do {
	t.awaits = false
	return t.news.ask(Ask{Slot: newsSlot, Doing: "looking for news", Budget: TraceBudget, Quiet: true,
		Run: func(ctx context.Context, in ask.Investigator, _ func(any) bool) (any, error) {
			ctx, cancel := context.WithTimeout(ctx, newsWait) // nobody watches this one: it gives up by itself
			defer cancel()
			return in.Status(ctx)
		}})
}

// heard reads the window again when something new has been applied. What was said of the selected query stays until
// it has been weighed again.
func (t *Timeline) heard(s ask.Status) []Do {
	if s.AppliedLSN == t.trace.AppliedLSN && s.LastLSN == t.head.status.LastLSN || t.load.running || t.older.running {
		return nil
	}
	selected := t.at(t.window.Cursor).id()
	v, known := t.verdicts[selected]
	clear(t.verdicts)
	if known {
		t.verdicts[selected], t.stale = v, selected
	}
	return []Do{t.readKept(t.reads())}
}

// reads is what the cursor stands on; nothing at the last of all rows, where it follows what comes.
func (t *Timeline) reads() reading {
	if t.window.Cursor >= t.len()-1 && t.filter.empty() && !t.head.newer || t.len() == 0 {
		return reading{}
	}
	return reading{t.head.rng, t.at(t.window.Cursor).time()}
}

// Live says whether news is taken in as it comes; false while a look for it is overdue or has failed, and while nothing
// is known.
// Newest is the time of the newest record; nil when there is none, or when it claims to be later than now.
func (t *Timeline) Live() (newest *record.Time, live bool) {
	if t.head.later == 0 {
		newest = t.head.status.Newest
	}
	return newest, t.follow && !t.held && t.load.known && t.load.err == nil && t.news.err == nil && !t.news.wait.Late
}

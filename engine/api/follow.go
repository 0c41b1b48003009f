package api

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

const (
	followEvery = 250 * time.Millisecond // how often it is looked for something new: at once for a person, little work
	followAlive = 15 * time.Second       // between signs of life, for proxies that close what is quiet
	followPage  = 256                    // queries read at a time
	followMax   = 10_000                 // queries looked through for those behind a Last-Event-ID
)

// follow sends the queries that pass a filter as they become visible, as server-sent events: the id of each is its LSN,
// so that a reader that lost its connection goes on where it was (Last-Event-ID). It ends with its reader, or the server.
func (c *call) follow(f ask.AuditFilter) error {
	if why := c.s.takeStream(c.grant); why != "" {
		return &RequestError{Failure{Name: "too-many-streams", Status: http.StatusServiceUnavailable, Title: "Too many follow live", Retry: 10 * time.Second}, why}
	}
	defer c.s.giveStream(c.grant)
	l := &liveList{c: c, f: f}
	l.f.Limit, l.f.Cursor, l.f.Buckets = followPage, "", 0
	if err := l.begin(); err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", "text/event-stream")
	c.w.WriteHeader(http.StatusOK)
	return l.run()
}

// takeStream takes one of the places of those that follow live, or says why there is none: one token takes at most half of
// them, so that a dashboard which forgets to hang up keeps nobody else out.
func (s *Server) takeStream(g Grant) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, each := s.o.Limits.Streams, (s.o.Limits.Streams+1)/2
	following := 0
	for _, n := range s.following {
		following += n
	}
	switch {
	case following >= all:
		return fmt.Sprintf("%d follow live already, which is the limit; try again later", all)
	case s.following[g.Name] >= each && !g.Machine:
		return fmt.Sprintf("%s follows live %d times already, which is the limit for one; end one of them", g.Name, each)
	}
	s.following[g.Name]++
	s.metrics.streams.Inc()
	return ""
}

func (s *Server) giveStream(g Grant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.following[g.Name]--; s.following[g.Name] == 0 {
		delete(s.following, g.Name)
	}
	s.metrics.streams.Dec()
}

// liveList is a list that grows.
type liveList struct {
	c       *call
	f       ask.AuditFilter
	sent    record.LSN // the newest query that was sent, or need not be
	applied record.LSN // of the store when it was last looked at
	total   uint64     // matches then
	counted bool       // total counts
}

// begin finds where the list begins: behind Last-Event-ID, else at what is there now.
func (l *liveList) begin() error {
	if text := l.c.r.Header.Get("Last-Event-ID"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return &ask.UsageError{Field: "Last-Event-ID", Found: clip(text), Expected: "the id of an event that was received"}
		}
		l.sent = record.LSN(n)
		return nil
	}
	t, err := l.page("")
	l.sent, l.applied, l.total, l.counted = t.AppliedLSN, t.AppliedLSN, t.Total, true
	return err
}

func (l *liveList) page(cursor string) (ask.Trace, error) {
	f := l.f
	f.Cursor = cursor
	return l.c.evidence.Audits(l.c.ctx, f)
}

func (l *liveList) run() error {
	look, alive := time.NewTimer(followEvery), time.NewTicker(followAlive)
	defer look.Stop()
	defer alive.Stop()
	if _, err := fmt.Fprint(l.c.w, ": following\n\n"); err != nil {
		return err
	}
	for {
		started := time.Now()
		if err := l.news(); err != nil {
			return err
		}
		// Looking takes at most a fifth of the time, however long a list is.
		look.Reset(max(followEvery, 4*time.Since(started)))
		if err := l.c.w.flush(); err != nil {
			return err
		}
		select {
		case <-l.c.ctx.Done():
			return nil // its reader has gone
		case <-l.c.s.ending.Done():
			return nil
		case <-alive.C:
			if _, err := fmt.Fprint(l.c.w, ": alive\n\n"); err != nil {
				return err
			}
		case <-look.C:
		}
		if !l.c.stillGranted() {
			return nil // who asks again is told why
		}
	}
}

// stillGranted reports whether whoever asks may still do what it could when it asked: a stream outlives a token that is
// taken out, or given other subjects.
func (c *call) stillGranted() bool {
	g, err := c.s.grantOf(c.r, c.trust, c.route)
	return err == nil && reflect.DeepEqual(g, c.grant)
}

// news sends what is behind the last that was sent, in the order of the journal. What was recorded is looked for among
// all that the filter lets through: a query that was imported may be older than those before it.
func (l *liveList) news() error {
	applied := l.c.s.held.Progress().Applied
	if applied == l.applied {
		return nil
	}
	fresh, upTo, err := l.fresh()
	if err != nil {
		return err
	}
	slices.SortFunc(fresh, func(a, b ask.Audit) int { return int(int64(a.LSN) - int64(b.LSN)) })
	for _, a := range fresh {
		line, err := jsonLine(a)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(l.c.w, "id: %d\nevent: query\ndata: %s\n", a.LSN, line); err != nil {
			return err
		}
	}
	l.sent, l.applied = max(l.sent, upTo), upTo
	return nil
}

// fresh reads pages until it has as many as the list grew by; where that is not known, until followMax were looked at.
func (l *liveList) fresh() (list []ask.Audit, upTo record.LSN, err error) {
	cursor, looked, grown := "", 0, uint64(0)
	defer func() { l.counted = true }()
	for {
		t, err := l.page(cursor)
		if err != nil {
			return nil, 0, err
		}
		if cursor == "" {
			upTo, grown = t.AppliedLSN, t.Total-min(l.total, t.Total)
			l.total = t.Total
		}
		for _, a := range t.Queries {
			if a.LSN > l.sent && a.LSN <= upTo {
				list = append(list, a)
			}
		}
		looked += len(t.Queries)
		if t.NextCursor == nil || looked >= followMax || l.counted && uint64(len(list)) >= grown {
			return list, upTo, nil
		}
		cursor = *t.NextCursor
	}
}

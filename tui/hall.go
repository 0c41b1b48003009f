package tui

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"episteme/views/text"
)

// Hall is where the sessions of a server meet: who shows a screen, and who follows it. Nobody is in it who did not ask
// to be. Safe for use by several goroutines; the zero Hall is empty.
type Hall struct {
	mu    sync.Mutex
	shows map[string]*show // guarded by mu; by the presenter's name
}

// Person is somebody who may show a screen or follow one.
type Person struct {
	Name     string
	Values   bool     // sees what was answered, and not only who asked
	Subjects []string // globs of what may be seen; none: everything
}

// mayFollow reports whether p may see all that other may. Globs are compared as they are written: whether one covers
// another is not looked into, and who is turned away by that can be given the same ones.
func (p Person) mayFollow(other Person) bool {
	if other.Values && !p.Values {
		return false
	}
	if len(p.Subjects) == 0 {
		return true
	}
	return len(other.Subjects) > 0 && !slices.ContainsFunc(other.Subjects, func(g string) bool { return !slices.Contains(p.Subjects, g) })
}

// picture is what stands on a screen.
type picture struct {
	cols, rows int
	lines      []text.Line
}

// show is a screen that is shown to others.
type show struct {
	hall *Hall
	by   Person

	changed chan struct{} // there is something in it when others follow than before
	over    chan struct{} // closed when it ends

	// Guarded by hall.mu.
	newest picture
	seats  []*seat
	ended  bool
}

// seat is somebody's place at a show. Whoever looks at it seldom sees the newest picture and misses those before.
type seat struct {
	show *show
	who  Person
	news chan struct{} // there is something in it when there is a newer picture, or none any more
}

// ShowError says that a show cannot begin or be followed.
type ShowError struct{ Err string }

func (e *ShowError) Error() string { return e.Err }

// present begins a show.
func (h *Hall) present(by Person) (*show, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.shows[by.Name] != nil {
		return nil, &ShowError{"Another session of " + by.Name + " presents already; stop it there first."}
	}
	if h.shows == nil {
		h.shows = map[string]*show{}
	}
	s := &show{hall: h, by: by, changed: make(chan struct{}, 1), over: make(chan struct{})}
	h.shows[by.Name] = s
	return s, nil
}

// follow takes a seat at somebody's show. Who may not see it is told the same as who asks for one that there is not.
func (h *Hall) follow(who Person, name string) (*seat, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.shows[name]
	if s == nil || !who.mayFollow(s.by) {
		var open []string
		for other, s := range h.shows {
			if who.mayFollow(s.by) {
				open = append(open, other)
			}
		}
		slices.Sort(open)
		said := "nobody does at the moment"
		if len(open) > 0 {
			said = "those who do: " + strings.Join(open, ", ")
		}
		return nil, &ShowError{fmt.Sprintf("%.64s presents no screen that you may see; %s (:present begins it)", name, said)}
	}
	seat := &seat{show: s, who: who, news: make(chan struct{}, 1)}
	s.seats = append(s.seats, seat)
	ring(s.changed)
	ring(seat.news)
	return seat, nil
}

// ring puts something into a channel that has room for one, unless it is there already. It never waits.
func ring(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put shows another picture. It never waits for those who follow. The lines are copied.
func (s *show) put(p picture) {
	lines := make([]text.Line, len(p.lines))
	for i, l := range p.lines {
		lines[i] = slices.Clone(l)
	}
	p.lines = lines
	s.hall.mu.Lock()
	defer s.hall.mu.Unlock()
	s.newest = p
	for _, seat := range s.seats {
		ring(seat.news)
	}
}

// followers are the names of those who follow, in the order in which they came.
func (s *show) followers() []string {
	s.hall.mu.Lock()
	defer s.hall.mu.Unlock()
	var names []string
	for _, seat := range s.seats {
		names = append(names, seat.who.Name)
	}
	return names
}

// end ends the show for all who follow. It may be called again.
func (s *show) end() {
	s.hall.mu.Lock()
	defer s.hall.mu.Unlock()
	if s.ended {
		return
	}
	s.ended, s.newest = true, picture{}
	delete(s.hall.shows, s.by.Name)
	close(s.over)
	for _, seat := range s.seats {
		ring(seat.news)
	}
}

// look is the newest picture; on is false when the show is over.
func (s *seat) look() (p picture, on bool) {
	s.show.hall.mu.Lock()
	defer s.show.hall.mu.Unlock()
	return s.show.newest, !s.show.ended
}

// leave gives the seat up.
func (s *seat) leave() {
	s.show.hall.mu.Lock()
	defer s.show.hall.mu.Unlock()
	s.show.seats = slices.DeleteFunc(s.show.seats, func(other *seat) bool { return other == s })
	ring(s.show.changed)
}

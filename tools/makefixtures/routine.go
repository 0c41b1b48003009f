package main

import "time"

// topic is something that agents ask about on any day.
type topic struct{ subject, predicate string }

// routine is what an agent does every so often: it asks about the next of its topics.
type routine struct {
	agent, lens, stage string
	every, jitter      time.Duration
	topics             []topic
	questions          []string // in the words of whoever it asks for, by topic; "" for none
}

// run adds the questions of a routine between two times: at a pace that wavers as a scheduler's does, by the dice of
// the scene. A topic that was asked in the same second by the same agent does not occur: paces are over a second.
func (s *scene) run(from, to string, r routine) {
	end := clock(to)
	n := s.rng.IntN(len(r.topics)) // not everybody begins at the top of a list
	for t := clock(from).Add(s.wait(r.jitter)); t.Before(end); t = t.Add(r.every + s.wait(r.jitter)) {
		about := r.topics[n%len(r.topics)]
		var options []option
		if r.stage != "" {
			options = append(options, filter(r.stage))
		}
		if len(r.questions) > 0 && r.questions[n%len(r.questions)] != "" {
			options = append(options, question(r.questions[n%len(r.questions)]))
		}
		s.ask(t.Format(clockForm), r.agent, about.subject, about.predicate, r.lens, options...)
		n++
	}
}

// wait is whole seconds, from 0 to under most.
func (s *scene) wait(most time.Duration) time.Duration {
	return time.Duration(s.rng.IntN(int(most/time.Second))) * time.Second
}

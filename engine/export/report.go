package export

import (
	"fmt"
	"slices"

	"episteme/engine/cases"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// report is a postmortem as a page, whatever its format: sections of items and tables, everything clean.
type report struct {
	Title    string
	Chosen   string
	Facts    []pageFact
	Sections []reportSection
}

type reportSection struct {
	Title string
	Note  string // under the title: what stands here, or what a person should write
	Items []reportItem
	Head  []string // of the table
	Rows  [][]pagePart
}

// reportItem is a claim, and the commands with which anybody can check it.
type reportItem struct {
	Parts    []pagePart
	Commands []string
}

// Classes of parts that Markdown sets apart, too.
const (
	mono   = "mono"
	strong = "value"
)

func (p *Postmortem) report() report {
	c := p.Contents
	r := report{Title: "Postmortem " + record.Clean(p.Case.Name), Chosen: c.said(c.Chosen)}
	for _, f := range c.facts() {
		r.Facts = append(r.Facts, pageFact{Name: f.name, Value: f.value})
	}
	if zero := p.Case.Zero(); zero != nil {
		r.Facts = append(r.Facts, pageFact{Name: "incident began (t0)", Value: zero.String()})
	}
	r.Sections = []reportSection{
		{Title: "Summary", Note: "(Fill in: what happened, whom it hurt, from when to when, what ended it.)"},
		p.timeline(), p.told(), p.why(), p.others(), p.changed(), p.unknown(), p.notes(), p.open(), p.checks(),
	}
	return r
}

// say makes a part of text from data.
func (p *Postmortem) say(s, class string) pagePart { return pagePart{p.Contents.said(s), class} }

func (p *Postmortem) timeline() reportSection {
	s := reportSection{Title: "Timeline (UTC)", Head: []string{"time", "", "what", "by", "id"}}
	zero := p.Case.Zero()
	for _, m := range p.moments() {
		mark := m.mark
		if zero != nil && m.at >= *zero {
			s.Rows = append(s.Rows, []pagePart{p.say(zero.String(), mono), {"▶", strong}, {"the incident begins (t0)", strong}, {}, {}})
			zero = nil
		}
		s.Rows = append(s.Rows, []pagePart{p.say(m.at.String(), mono), {mark, ""}, p.say(cut(record.Clean(m.what), 200), ""), p.say(m.by, ""), p.say(m.id.Short(), mono)})
	}
	return s
}

func (p *Postmortem) told() reportSection {
	s := reportSection{Title: "What the agent was told"}
	for _, q := range p.Contents.Queries {
		a := q.Verdict.Audit
		item := reportItem{Parts: []pagePart{p.say(a.Timestamp.String()+" "+q.Verdict.Headline()+" and was told ", ""), p.say(told(a.Result), strong),
			p.say(fmt.Sprintf(" (confidence %s, lens %s, %s)", ask.Decimal(a.Result.Confidence), a.Lens, recomputed(q.Verdict)), "dim")},
			Commands: []string{"episteme show " + a.ID.String()}}
		s.Items = append(s.Items, item)
		for _, e := range q.Verdict.Then {
			s.Items = append(s.Items, reportItem{Parts: []pagePart{p.say(fmt.Sprintf("then %s %s %s by %s, based on this", e.Timestamp, e.Type, e.Title, e.Agent), "")},
				Commands: []string{"episteme show " + e.ID.String()}})
		}
	}
	return s
}

func (p *Postmortem) why() reportSection {
	s := reportSection{Title: "Why"}
	for _, q := range p.Contents.Queries {
		id := q.Verdict.Audit.ID
		for _, l := range q.Verdict.Lines() {
			switch l.Label {
			case "BECAUSE", "AGAINST", "LENS", "WITHOUT", "":
				s.Items = append(s.Items, reportItem{Parts: []pagePart{{l.Label + " ", strong}, p.say(p.Contents.line(l), "")}})
			}
		}
		for _, f := range q.Verdict.Audit.Findings {
			s.Items = append(s.Items, reportItem{Parts: []pagePart{p.say(f.Code.Word()+": ", strong), p.say(f.Code.Plain(), "")}})
		}
		if n := len(s.Items); n > 0 {
			s.Items[n-1].Commands = []string{"episteme provenance " + id.String()}
			if q.Verdict.Recomputed == ask.Same {
				s.Items[n-1].Commands = append(s.Items[n-1].Commands, "episteme whatif "+id.String())
			}
		}
	}
	return s
}

// others are the queries of other times and agents that the same assertions reached.
func (p *Postmortem) others() reportSection {
	s := reportSection{Title: "Who else was told it"}
	own := map[record.ID]bool{}
	for _, q := range p.Contents.Queries {
		own[q.Verdict.Audit.ID] = true
	}
	for _, r := range p.reached {
		shown, left := 0, 0
		for _, q := range r.impact.Queries {
			switch {
			case own[q.Query]:
			case shown == postmortemOthers:
				left++
			default:
				shown++
				s.Items = append(s.Items, reportItem{Parts: []pagePart{
					p.say(fmt.Sprintf("%s %s asked %s %s and was told ", q.Timestamp, q.Agent, q.Subject, q.Predicate), ""), p.say(q.Value.String(), strong),
					p.say(" ("+q.Words()+")", "dim")}})
			}
		}
		if left > 0 {
			s.Items = append(s.Items, reportItem{Parts: []pagePart{{fmt.Sprintf("and %d more", left), "dim"}}})
		}
		if shown == 0 {
			s.Items = append(s.Items, reportItem{Parts: []pagePart{p.say("Nobody else was told what rests on "+r.of.Short()+".", "")}})
		}
		s.Items[len(s.Items)-1].Commands = []string{"episteme impact " + r.of.String()}
	}
	return s
}

// changed is what holds now, and what happened to the claims after they had answered.
func (p *Postmortem) changed() reportSection {
	s := reportSection{Title: "What changed since"}
	for _, q := range p.Contents.Queries {
		v := q.Verdict
		switch {
		case v.Now == nil:
			s.Items = append(s.Items, reportItem{Parts: []pagePart{p.say(v.Headline()+": what holds now cannot be computed here.", "warn")}})
		case v.Now.Changed:
			s.Items = append(s.Items, reportItem{Parts: []pagePart{p.say(v.Headline()+": now the answer is ", ""), p.say(told(v.Now.Result), strong), p.say(" and was "+told(v.Audit.Result)+".", "")}})
		default:
			s.Items = append(s.Items, reportItem{Parts: []pagePart{p.say(v.Headline()+": the answer is still ", ""), p.say(told(v.Audit.Result), strong), {".", ""}}})
		}
		for _, w := range v.Because {
			for _, step := range w.Life {
				if step.After {
					m := lifeMoment(w, step)
					s.Items = append(s.Items, reportItem{Parts: []pagePart{p.say(fmt.Sprintf("%s %s, by %s", m.at, m.what, m.by), "")}})
				}
			}
		}
		s.Items[len(s.Items)-1].Commands = []string{"episteme find " + quoteShell(v.Audit.Subject), "episteme show " + v.Audit.ID.String()}
	}
	return s
}

// unknown is where knowledge ends.
func (p *Postmortem) unknown() reportSection {
	s := reportSection{Title: "What is not known"}
	add := func(text string) {
		s.Items = append(s.Items, reportItem{Parts: []pagePart{p.say(text, "")}})
	}
	for _, m := range p.missing {
		add(m)
	}
	for _, a := range p.Contents.Absent {
		add(fmt.Sprintf("%s is named by a record and not included: %s.", a.ID, a.Why))
	}
	for _, q := range p.Contents.Queries {
		switch q.Verdict.Recomputed {
		case ask.NotPossible:
			add(q.Verdict.Headline() + ": as told by its sender; it cannot be recomputed here, nor what spoke against it.")
		case ask.Differs:
			add(q.Verdict.Headline() + ": recomputing gives another answer. Trust nothing that follows from it before `episteme verify` has run.")
		}
	}
	if n := p.Case.Skipped; n > 0 {
		add(fmt.Sprintf("%d %s of the case could not be read and %s left out.", n, plural(n, "line", "lines"), plural(n, "is", "are")))
	}
	add("What agents did with the answers beyond the events that name them; what nobody recorded; whether clocks that set the times agreed.")
	return s
}

func (p *Postmortem) notes() reportSection {
	s := reportSection{Title: "Notes", Note: "In the words of those who wrote them; a note is no evidence."}
	for _, l := range p.Case.Lines {
		if l.Note == "" {
			continue
		}
		item := reportItem{Parts: []pagePart{p.say(l.By, strong), p.say(" "+l.At.String(), "dim")}}
		if l.Kind == cases.Bookmark {
			item.Parts = append(item.Parts, pagePart{" on ", "dim"}, p.say(l.ID.Short(), mono))
		}
		s.Items = append(s.Items, reportItem{Parts: append(item.Parts, p.say(": "+l.Note, ""))})
	}
	return s
}

func (p *Postmortem) open() reportSection {
	s := reportSection{Title: "Open questions", Note: "Notes that end with a question mark. (Add: who answers which, until when.)"}
	for _, l := range p.questions() {
		s.Items = append(s.Items, reportItem{Parts: []pagePart{p.say(l.Note, ""), p.say(" ("+l.By+")", "dim")}})
	}
	return s
}

// checks are the commands that check the whole.
func (p *Postmortem) checks() reportSection {
	s := reportSection{Title: "How to check all of this", Note: "Each claim above has its command below it. These check the ground they stand on."}
	commands := []string{"episteme verify"}
	bundle := "episteme export --format json --out bundle.json"
	for _, q := range p.Contents.Queries {
		bundle += " --query " + q.Verdict.Audit.ID.String()
	}
	if len(p.Contents.Queries) > 0 {
		commands = append(commands, bundle, "episteme verify bundle.json")
	}
	s.Items = []reportItem{{Parts: []pagePart{{"The journal is whole, and the records are those named here.", ""}}, Commands: commands}}
	for _, sentence := range p.Contents.proof() {
		s.Items = append(s.Items, reportItem{Parts: withCode(sentence)})
	}
	return s
}

// quoteShell is s as one word of a POSIX shell. Control characters do not survive cleaning; quotes do.
func quoteShell(s string) string {
	s = record.Clean(s)
	plain := func(r rune) bool {
		return r == '/' || r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if s != "" && s[0] != '-' && !slices.ContainsFunc([]rune(s), func(r rune) bool { return !plain(r) }) {
		return s
	}
	out := "'"
	for _, r := range s {
		if r == '\'' {
			out += `'\''`
			continue
		}
		out += string(r)
	}
	return out + "'"
}

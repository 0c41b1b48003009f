package tui

import (
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"episteme/engine/cases"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/engine/when"
	"episteme/views"
	"episteme/views/text"
)

// command is something that can be done by its name behind a colon.
type command struct {
	name     string
	argument string // how it is shown: TIME; empty: it takes none
	optional bool   // the argument may be left out
	sentence string
	values   func(*model) []string // what the argument may be; nil: anything
	run      func(*model, string) tea.Cmd
}

// commands is the one list of commands, in the order in which they are offered.
func commands() []command {
	return []command{
		{"as-of", "TIME", true, "everything as it was at a time; without one as it is now", nil, (*model).asOfTyped},
		{"t0", "TIME", false, "the moment from which T+ counts; kept in the open case", nil, (*model).zeroTyped},
		{"trace", "FILTER", true, "the timeline with this filter", nil, (*model).traceTyped},
		{"show", "ID", false, "a record, by any unique beginning of its id", nil, func(m *model, id string) tea.Cmd { return m.find(linkSlot, id) }},
		{"impact", "ID", false, "the chain ahead of a record, or of agent:NAME", nil, (*model).impactTyped},
		{"findings", "", false, "the queries that deserve a look", nil, func(m *model, _ string) tea.Cmd { return m.investigate(m.top(), views.Suspects) }},
		{"case", "NAME", true, "open a case; without a name list what the open one keeps", nil, (*model).caseTyped},
		{"note", "TEXT", false, "keep a thought in the open case", nil, func(m *model, s string) tea.Cmd { return m.keep(cases.Line{Kind: cases.Note, Note: s}) }},
		{"save", "NAME", false, "keep the timeline's filter in the open case", savedNames, (*model).saveTyped},
		{"view", "NAME", false, "the timeline with a filter that the case keeps", savedNames, (*model).viewTyped},
		{"export", "FILE", true, "write what the cursor stands on: .md, .html, .json or .prov", nil, (*model).exportTyped},
		{"theme", "NAME", false, "other colours", func(*model) []string { return Themes() }, (*model).themeTyped},
		{"zone", "NAME", false, "another zone for local times", func(*model) []string {
			return []string{"UTC", "Local", "Europe/Berlin", "America/New_York", "Asia/Tokyo"}
		}, (*model).zoneTyped},
		{"share", "", false, "for a screen that others see, and back", nil, func(m *model, _ string) tea.Cmd { return m.toggleShare() }},
		{"present", "", false, "show this screen to those who may see as much (over SSH), and stop", nil, func(m *model, _ string) tea.Cmd { return m.togglePresent() }},
		{"messages", "", false, "what was said so far", nil, func(m *model, _ string) tea.Cmd { return m.investigate(m.top(), views.Messages) }},
		{"help", "", false, "keys, and the words of this screen", nil, func(m *model, _ string) tea.Cmd { return m.press(m.top(), views.Press{Action: views.Help}) }},
		{"q", "", false, "quit", nil, func(*model, string) tea.Cmd { return tea.Quit }},
		{"quit", "", false, "quit", nil, func(*model, string) tea.Cmd { return tea.Quit }},
	}
}

// Names of the prompts.
const (
	promptCommand = "command"
	promptAsOf    = "as it was at"
	promptNote    = "note"
	promptExport  = "export"
)

// historyMax bounds how many commands are remembered.
const historyMax = 100

// askCommand opens the command line.
func (m *model) askCommand() tea.Cmd {
	return m.push(views.NewPrompt(views.PromptOf{Name: promptCommand, Label: ":", History: m.typed, Complete: m.completions, Echo: m.echoCommand,
		Target: m.top().view.Selected(), Help: "tab completes, ↑ brings back, enter does it"}))
}

// completions are the lines that what was typed may become.
func (m *model) completions(line string) []views.Completion {
	name, argument, hasArgument := strings.Cut(strings.TrimLeft(line, " "), " ")
	var out []views.Completion
	for _, c := range commands() {
		switch {
		case !hasArgument && strings.HasPrefix(c.name, name):
			full := c.name
			if c.argument != "" {
				full += " "
			}
			out = append(out, views.Completion{Line: full, Shown: strings.TrimSpace(c.name + " " + c.argument), Sentence: c.sentence})
		case hasArgument && c.name == name && c.values != nil:
			for _, v := range c.values(m) {
				if strings.HasPrefix(strings.ToLower(v), strings.ToLower(argument)) {
					out = append(out, views.Completion{Line: c.name + " " + v, Shown: v})
				}
			}
		}
	}
	return out
}

// echoCommand says how a time is understood while it is typed, and which command was probably meant.
func (m *model) echoCommand(line string) text.Line {
	name, argument, hasArgument := strings.Cut(strings.TrimSpace(line), " ")
	if hasArgument && (name == "as-of" || name == "t0") {
		return m.echoTime(argument)
	}
	if name != "" && len(m.completions(line)) == 0 && !slices.ContainsFunc(commands(), func(c command) bool { return c.name == name }) {
		return text.Of(text.Text(text.Warn, "! "+unknownCommand(name)))
	}
	return nil
}

func unknownCommand(name string) string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	if near := views.Nearest(name, names); near != "" {
		return "There is no command :" + name + ". :" + near + "?"
	}
	return "There is no command :" + name + ". tab lists them."
}

// submitted takes what was typed into a prompt.
func (m *model) submitted(s views.Submit) tea.Cmd {
	typed := strings.TrimSpace(s.Text)
	switch s.Prompt.Name() {
	case promptAsOf:
		return m.asOfTyped(typed)
	case promptNote:
		return m.keep(cases.Line{Kind: cases.Bookmark, ID: s.Prompt.Target().ID, Note: typed})
	case promptExport:
		return m.export(s.Prompt.Target(), typed)
	}
	return m.command(typed)
}

// command does what a line says.
func (m *model) command(line string) tea.Cmd {
	line = strings.TrimSpace(strings.TrimPrefix(line, ":"))
	if line == "" {
		return nil
	}
	if n := len(m.typed); n == 0 || m.typed[n-1] != line {
		m.typed = append(slices.Clone(m.typed[max(n-historyMax+1, 0):]), line)
	}
	name, argument, _ := strings.Cut(line, " ")
	argument = strings.TrimSpace(argument)
	for _, c := range commands() {
		switch {
		case c.name != name:
			continue
		case c.argument == "" && argument != "":
			m.say(text.Warn, "! :"+name+" takes nothing behind it; found "+argument)
			return nil
		case c.argument != "" && argument == "" && !c.optional:
			m.say(text.Warn, "! :"+name+" needs "+c.argument+": "+c.sentence)
			return nil
		}
		return c.run(m, argument)
	}
	m.say(text.Warn, "! "+unknownCommand(name))
	return nil
}

// clock reads times as they are typed: in the zone shown, from now.
func (m *model) clock() when.Clock {
	c := when.Clock{Now: m.opts.Now()}
	if m.times.Mode == views.Local {
		c.Zone = m.times.Zone
	}
	return c
}

// readTime reads a time as it is typed, T+ of the incident among the ways.
func (m *model) readTime(typed string) (record.Time, error) {
	if t, ok, err := m.fromZero(typed); ok {
		return t, err
	}
	t, err := m.clock().Instant(typed)
	if err != nil {
		return 0, err
	}
	return record.TimeOf(t)
}

// fromZero reads T+00:12:07 and T-00:05; ok is false for what is no such time, or when nothing starts a T+.
func (m *model) fromZero(typed string) (at record.Time, ok bool, err error) {
	rest, plus := strings.CutPrefix(strings.ToUpper(typed), "T+")
	if !plus {
		var minus bool
		if rest, minus = strings.CutPrefix(rest, "T-"); !minus {
			return 0, false, nil
		}
	}
	if m.times.Zero == nil {
		return 0, true, &when.Error{Text: typed, Column: 1, Found: "T", Expected: "another time: nothing in sight starts a T+"}
	}
	var d time.Duration
	unit := time.Hour
	for field := range strings.SplitSeq(rest, ":") {
		n, err := time.ParseDuration(field + "s")
		if err != nil || n < 0 || n > 1_000_000*time.Second || unit < time.Second {
			return 0, true, &when.Error{Text: typed, Column: 3, Found: rest, Expected: "hours:minutes:seconds"}
		}
		d += n / time.Second * unit
		unit /= 60
	}
	zero := m.times.Zero.Std()
	if !plus {
		d = -d
	}
	at, err = record.TimeOf(zero.Add(d))
	return at, true, err
}

// echoTime is a time as it was understood, in UTC and locally.
func (m *model) echoTime(typed string) text.Line {
	if strings.TrimSpace(typed) == "" {
		return nil
	}
	t, err := m.readTime(typed)
	if err != nil {
		return text.Of(text.Text(text.Warn, "! "+err.Error()))
	}
	l := text.Of(text.Text(text.OK, views.Times{}.Full(t)))
	if zone := m.times.Zone; zone != nil && zone != time.UTC {
		l = append(l, text.Text(text.Plain, "   "+views.Times{Mode: views.Local, Zone: zone}.Full(t)+" "+zone.String()))
	}
	if m.times.Zero != nil {
		l = append(l, text.Text(text.Dim, "   "+views.Since(*m.times.Zero, t)))
	}
	return l
}

func (m *model) zeroTyped(typed string) tea.Cmd {
	t, err := m.readTime(typed)
	if err != nil {
		m.say(text.Bad, "✗ "+err.Error())
		return nil
	}
	m.times.Zero = &t
	m.look()
	m.say(text.Plain, "T+ counts from "+views.Times{}.Full(t)+".")
	if m.kase == nil {
		return nil
	}
	return m.keep(cases.Line{Kind: cases.Zero, Zero: t})
}

// root is the timeline.
func (m *model) root() (*views.Timeline, bool) {
	t, ok := m.frames[0].view.(*views.Timeline)
	return t, ok
}

// toRoot goes back to the first screen.
func (m *model) toRoot() {
	for len(m.frames) > 1 {
		m.leaveFrame(m.top())
		m.frames = m.frames[:len(m.frames)-1]
	}
	m.visit()
	m.look()
}

func (m *model) traceTyped(filter string) tea.Cmd {
	t, ok := m.root()
	if !ok {
		return nil
	}
	m.toRoot()
	return m.do(m.frames[0].id, t.Refilter(filter))
}

func savedNames(m *model) []string {
	var names []string
	for _, v := range m.kept.Views() {
		names = append(names, v.Name)
	}
	return names
}

func (m *model) saveTyped(name string) tea.Cmd {
	t, ok := m.root()
	if !ok || t.Filtered() == "" {
		m.say(text.Plain, "The timeline has no filter that could be kept.")
		return nil
	}
	return m.keep(cases.Line{Kind: cases.View, Name: name, Filter: t.Filtered()})
}

func (m *model) viewTyped(name string) tea.Cmd {
	for _, v := range m.kept.Views() {
		if v.Name == name {
			return m.traceTyped(v.Filter)
		}
	}
	names := savedNames(m)
	said := "The case keeps no view " + name + "."
	if near := views.Nearest(name, names); near != "" {
		said += " " + near + "?"
	}
	m.say(text.Warn, "! "+said)
	return nil
}

func (m *model) caseTyped(name string) tea.Cmd {
	switch {
	case name == "":
		return m.bookmarks()
	case m.opts.OpenCase == nil:
		m.say(text.Warn, "! Cases cannot be kept here.")
		return nil
	}
	c, err := m.opts.OpenCase(name)
	if err != nil {
		m.say(text.Bad, "✗ "+err.Error())
		return nil
	}
	return m.openCase(c)
}

func (m *model) impactTyped(id string) tea.Cmd {
	if name, ok := strings.CutPrefix(id, "agent:"); ok {
		return m.push(views.NewImpact(ask.Target{Agent: name}))
	}
	return m.find(impactSlot, id)
}

func (m *model) themeTyped(name string) tea.Cmd {
	if !slices.Contains(Themes(), name) {
		near := views.Nearest(name, Themes())
		if near != "" {
			near = " " + near + "?"
		}
		m.say(text.Warn, "! There is no theme "+name+"."+near+" ("+strings.Join(Themes(), ", ")+")")
		return nil
	}
	m.theme = newTheme(m.opts.Output, paletteOf(name, m.opts.ColorFGBG), m.opts.NoColor, m.theme.ascii)
	return nil
}

func (m *model) zoneTyped(name string) tea.Cmd {
	zone, err := time.LoadLocation(name)
	if err != nil {
		m.say(text.Warn, "! There is no zone "+name+"; zones are called UTC, Local, Europe/Berlin.")
		return nil
	}
	m.times.Zone = zone
	if zone == time.UTC {
		m.times.Mode = views.UTC
	} else {
		m.times.Mode = views.Local
	}
	m.look()
	return nil
}

package tui

import (
	"context"
	"errors"
	"testing"
	"time"

	"episteme/engine/cases"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// stateScenes are states of screens that are waiting, empty, partial or failed and that no other list has.
func stateScenes() []scene {
	during := func(method string, err error) func() *fake {
		return func() *fake {
			f := incident()
			f.before = func(ctx context.Context, m string) error {
				if m == method && err == nil {
					<-ctx.Done()
					return ctx.Err()
				}
				if m == method {
					return err
				}
				return nil
			}
			return f
		}
	}
	unanswered := func() *fake { // the root query found nothing that it could have rested on
		f := incident()
		v := rootVerdict()
		v.Because, v.Against, v.NotAdmitted, v.Without, v.Then = nil, nil, nil, nil, nil
		v.Audit.Contributions, v.Audit.Result, v.Audit.Findings, v.Audit.Considered = nil, ask.Result{}, []ask.Finding{{Code: ask.NoAnswer}}, 0
		v.Now = &ask.Present{At: clockAt(22, 32, 0)}
		f.verdicts[rootQuery] = v
		for i := range f.audits {
			if f.audits[i].ID == rootQuery {
				f.audits[i] = v.Audit
			}
		}
		f.chains = map[record.ID]ask.Provenance{}
		f.probe.whatIf = func(ask.WhatIfChange) (ask.WhatIf, error) {
			flips, margin := false, float32(0)
			return ask.WhatIf{Query: rootQuery, Reproduced: true, Recomputed: &ask.Result{}, Flips: &flips, Margin: &margin, Searched: "nothing: it had no contributions"}, nil
		}
		return f
	}
	keys := func(names ...string) func(*session) {
		return func(s *session) { s.toRoot(); s.keys(names...); s.wait(400 * time.Millisecond) }
	}
	emptied := func() *fake {
		f := incident()
		r := f.records[rfcBytes]
		r.Record = record.Evidence("")
		f.records[rfcBytes] = r
		return f
	}
	return []scene{
		{"contributions-loading", during("Verdict", nil), keys("enter")},
		{"contributions-none", unanswered, keys("enter")},
		{"provenance-none", unanswered, keys("p")},
		{"what-if-none", unanswered, keys("x")},
		{"record-loading", during("Record", nil), keys("p", "enter")},
		{"record-failed", during("Record", errors.New("read /var/ep/kv/000012.vlog at byte 8192: disk is gone")), keys("p", "enter")},
		{"record-empty", emptied, keys("p", "j", "j", "j", "enter")},
		{"case-none", incident, func(s *session) {
			s.run(s.m.openCase(&Case{Name: "inc-2", Author: "dana", Add: func(cases.Line) error { return nil },
				Read: func(context.Context, ask.Investigator) (cases.Case, error) { return cases.Case{Name: "inc-2"}, nil }}))
			s.settle()
			s.typed(":case")
		}},
	}
}

// Every screen that asks has four designed states: waiting for the answer, nothing there, a part of it, failed. Each
// says which it is, and failed says what to press.
func TestFourStatesOfEveryScreen(t *testing.T) {
	all := map[string]scene{}
	for _, sc := range scenes() {
		all[sc.name] = sc
	}
	tests := []struct {
		screen, scene string
		want          []string
	}{
		{"timeline", "timeline-loading", []string{"reading the timeline"}},
		{"timeline", "timeline-empty", []string{"Nothing has been recorded here yet.", "episteme ingest FILE"}},
		{"timeline", "timeline-partial", []string{"✗ events could not be read", "r try again", "61 of 61 queries"}},
		{"timeline", "timeline-failed", []string{"The timeline could not be read.", "checksum 1b2c", "try again"}},
		{"the verdict below it", "timeline-weighing", []string{"TOLD", "weighing again"}},
		{"the verdict below it", "timeline-no-verdict", []string{"TOLD", "could not be read", "r try again"}},
		{"contributions", "contributions-loading", []string{"BECAUSE", "weighing again"}},
		{"contributions", "contributions-none", []string{"no value: nothing was known", "0 contributed", "nothing competed"}},
		{"contributions", "contributions-lost", []string{"AGAINST", "RS256"}},
		{"contributions", "contributions-failed", []string{"BECAUSE", "checksum 1b2c", "r try again"}},
		{"provenance", "provenance-loading", []string{"following the chain"}},
		{"provenance", "provenance-none", []string{"1 link"}},
		{"provenance", "provenance-partial", []string{"2 links", "following it", "ES256"}},
		{"provenance", "provenance-failed", []string{"could not be followed", "try again"}},
		{"a record", "record-loading", []string{"reading the record"}},
		{"a record", "record-empty", []string{"0 bytes"}},
		{"a record", "record-not-here", []string{"no record", "✗"}},
		{"a record", "record-failed", []string{"disk is gone", "r try again"}},
		{"impact", "impact-loading", []string{"esc stops it"}},
		{"impact", "impact-nobody", []string{"nobody was told anything because of it"}},
		{"impact", "impact-partial", []string{"12,345", "only the newest 10,000 queries were recomputed"}},
		{"impact", "impact-failed", []string{"checksum 1b2c", "try again"}},
		{"what if", "what-if-loading", []string{"weighing again"}},
		{"what if", "what-if-none", []string{"no answer", "   BECAUSE", "nothing contributed"}},
		{"what if", "what-if-stale", []string{"RECORDED", "ES256", "RECOMPUTED"}},
		{"what if", "what-if-failed", []string{"checksum 1b2c", "try again"}},
		{"diff", "diff-loading", []string{"comparing"}},
		{"diff", "diff-none", []string{"Nobody had asked this before."}},
		{"diff", "diff-picked", []string{"different things"}},
		{"diff", "diff-failed", []string{"checksum 1b2c", "try again"}},
		{"findings", "findings-loading", []string{"looking for what deserves a look"}},
		{"findings", "findings-none", []string{"61 of 61"}},
		{"findings", "findings", []string{"searched 40 of 61"}},
		{"findings", "findings-failed", []string{"checksum 1b2c", "try again"}},
		{"the case", "case-none", []string{"Nothing is kept yet"}},
		{"the case", "case", []string{"! 1 more could not be read", "2 lines"}},
	}
	for _, tt := range tests {
		t.Run(tt.scene, func(t *testing.T) {
			sc, ok := all[tt.scene]
			if !ok {
				t.Fatalf("there is no scene %s", tt.scene)
			}
			inSession(t, sc.in(), 120, 40, func(s *session) {
				sc.to(s)
				s.shows(tt.want...)
			})
		})
	}
}

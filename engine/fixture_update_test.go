package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"episteme/engine"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/fixtures"
)

// computedFrom is the line of expected.json from which on -update writes. What is above is by hand.
const computedFrom = "  \"counts\": "

// rewriteExpected writes what every query was told, and its findings, into expected.json.
func rewriteExpected(t *testing.T, e *engine.Engine, ids map[string]record.ID, f fixtures.Fixture) {
	t.Helper()
	path := "../fixtures/" + f.Name + "/expected.json"
	byHand, _, ok := strings.Cut(string(f.Expected()), computedFrom)
	if !ok {
		t.Fatalf("%s has no line that begins with %q; end what is written by hand with it", path, computedFrom)
	}
	names := map[record.ID]string{}
	for label, id := range ids {
		names[id] = label
	}
	var out bytes.Buffer
	out.WriteString(byHand)
	counts := map[string]int{}
	var flips, findings, later, answers []string
	for _, line := range bytes.Split(bytes.TrimSpace(f.Events()), []byte("\n")) {
		var l struct{ Kind, ID string }
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		counts[l.Kind]++
		if l.Kind != "query" && l.Kind != "audit" {
			continue
		}
		label := "@" + l.ID
		v, err := e.Verdict(t.Context(), ids[label])
		if err != nil {
			t.Fatal(err)
		}
		var fixed, computed []ask.Code
		for _, code := range codesOf(v.Audit) {
			switch {
			case code.Computed():
				computed = append(computed, code)
			default:
				fixed = append(fixed, code)
			}
			if code == ask.Flip {
				flips = append(flips, label)
			}
		}
		findings = append(findings, fmt.Sprintf("    %q: %s", label, compact(t, fixed)))
		if len(computed) > 0 {
			later = append(later, fmt.Sprintf("    %q: %s", label, compact(t, computed)))
		}
		answers = append(answers, fmt.Sprintf("    %q: %s", label, answerLine(t, v, names)))
	}
	fmt.Fprintf(&out, "%s%s,\n  \"flips\": %s,\n", computedFrom, compact(t, counts), compact(t, flips))
	for i, part := range []struct {
		name  string
		lines []string
	}{{"findings", findings}, {"findings_later", later}, {"answers", answers}} {
		fmt.Fprintf(&out, "  %q: {\n%s\n  }%s\n", part.name, strings.Join(part.lines, ",\n"), []string{",", ",", ""}[i])
	}
	out.WriteString("}\n")
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func answerLine(t *testing.T, v ask.Verdict, names map[record.ID]string) string {
	a := v.Audit
	var parts []string
	for _, c := range a.Contributions {
		name, ok := names[c.Assertion]
		if !ok {
			name = c.Assertion.String()
		}
		parts = append(parts, fmt.Sprintf(`%q: {"weight": %s, "lifecycle": %q}`, name, compact(t, round6(c.Weight)), c.Lifecycle))
	}
	state, now := "", ""
	if a.State != ask.Pinned {
		state = fmt.Sprintf(`"state": %q, `, a.State)
	} else {
		now = `, "now": ` + compact(t, v.Now.Result.Value)
	}
	return fmt.Sprintf(`{%s"value": %s, "confidence": %s, "share": %s, "considered": %d, "contributions": {%s}%s}`, state, compact(t, a.Result.Value),
		compact(t, round6(a.Result.Confidence)), compact(t, round6(a.Result.Share)), a.Considered, strings.Join(parts, ", "), now)
}

func round6(f float32) float64 { return math.Round(float64(f)*1e6) / 1e6 }

// compact is JSON on one line with a space behind commas and colons of lists, [] for an empty one.
func compact(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) == "null" {
		if _, list := v.([]ask.Code); list {
			return "[]"
		}
		if _, list := v.([]string); list {
			return "[]"
		}
	}
	switch v.(type) {
	case []ask.Code, []string, map[string]int:
		return strings.NewReplacer(`","`, `", "`, `":`, `": `, `,"`, `, "`).Replace(string(text))
	}
	return string(text)
}

package export_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"html"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"episteme/engine/export"
	"episteme/engine/record"
)

// hostile is text that is markup, a command or a trick to somebody: each piece has tried it on a real program.
const hostile = "\x1b[2J\x1b]0;x\x07 \u202egnp.exe\u202c \u2066x\u2069 \u200f \x9b31m a\u200bb \u2028 " +
	"</style></title></pre></text></svg><script>alert(1)</script><img src=x onerror=alert(2)> \" ' onload=\"alert(3) " +
	"{{.Title}} ${x} <!-- ]]> ![x](https://evil.example/x.png) [x](javascript:alert(4)) `` ``` | # **x** <https://evil.example>"

// hostileIncident has that text in every field that takes text.
func hostileIncident(t testing.TB) []byte {
	t.Helper()
	q := func(s string) string { return string(record.AppendText(nil, s)) }
	h, lines := q(hostile), q("a\n```\n# b\r\n<script>alert(5)</script>"+hostile)
	return []byte(`{"kind":"epoch","id":"e1","name":` + h + `,"agent":` + h + `,"timestamp":"2023-01-01T00:00:00Z"}
{"kind":"source","id":"s","name":` + h + `,"uri":` + q("javascript:alert(6)//"+hostile) + `,"media_type":` + h + `,"authority":0.9,"agent":` + h + `,"timestamp":"2024-01-01T00:00:00Z","content":` + lines + `}
{"kind":"source","id":"s2","name":"b","uri":"javascript:alert(7)","authority":0.4,"agent":"x","timestamp":"2024-01-01T00:00:00Z","content":"x"}
{"kind":"assertion","id":"a","subject":` + h + `,"predicate":` + h + `,"object":` + lines + `,"confidence":0.9,"agent":` + h + `,"timestamp":"2024-01-01T00:01:00Z","source":"@s","epoch":"@e1","note":` + h + `}
{"kind":"assertion","id":"b","subject":` + h + `,"predicate":` + h + `,"object":"b","confidence":0.9,"agent":` + h + `,"timestamp":"2024-01-01T00:01:00Z","source":"@s2"}
{"kind":"vote","assertion":"@a","agent":` + h + `,"weight":1,"timestamp":"2024-01-01T00:02:00Z"}
{"kind":"query","id":"q","agent":` + h + `,"subject":` + h + `,"predicate":` + h + `,"lens":"authority","lifecycle_filter":null,"timestamp":"2024-01-01T00:03:00Z","question":` + lines + `,"labels":{` + h + `:` + h + `},"trace_id":` + h + `}
{"kind":"event","type":"deploy","timestamp":"2024-01-01T00:04:00Z","agent":` + h + `,"title":` + h + `,"subject":` + h + `,"based_on":["@q"],"labels":{` + h + `:` + h + `}}
{"kind":"transition","assertion":"@a","to":"Rejected","agent":` + h + `,"reason":` + h + `,"timestamp":"2024-01-01T00:05:00Z"}
`)
}

// TestHostileText: whatever data says, it is text in every format, and shows its control characters.
func TestHostileText(t *testing.T) {
	e, _ := take(t, hostileIncident(t))
	c := collect(t, e, export.Selection{})
	for _, format := range export.Formats() {
		t.Run(string(format), func(t *testing.T) {
			text := written(t, format, c)
			for i, r := range text {
				if r != '\n' && record.Unsafe(r) && !(invisible(r) && (format == export.Bundle || format == export.Prov)) {
					t.Fatalf("%U at byte %d: …%q…", r, i, text[max(0, i-40):min(len(text), i+20)])
				}
			}
			switch format {
			case export.HTML:
				checkPage(t, text)
			case export.Markdown:
				checkMarkdown(t, text)
			case export.Bundle:
				if r := verify(t, text); !r.Whole() {
					t.Errorf("the bundle has problems: %v", r.Problems)
				}
			case export.Prov:
				checkProv(t, text)
			}
		})
	}
}

// invisible are characters that take no room and turn nothing round: JSON keeps them, so that a value reads back as it
// was.
func invisible(r rune) bool { return r == 0x200b }

// elements are all that a page is made of, with the attributes that each may have.
var elements = map[string]string{
	"html": "lang", "head": "", "meta": "charset http-equiv content name", "title": "", "style": "", "body": "", "main": "", "header": "",
	"p": "class", "h1": "", "h2": "", "h3": "", "dl": "class", "dt": "", "dd": "class", "ol": "class", "ul": "class", "li": "class",
	"a": "href rel", "span": "class", "article": "id", "br": "", "blockquote": "", "b": "", "table": "", "thead": "", "tbody": "", "tr": "",
	"th": "", "td": "class", "small": "class", "section": "", "div": "class", "pre": "", "g": "",
	"svg": "class width height viewBox preserveAspectRatio aria-hidden aria-label role", "path": "d",
	"rect": "class x y width height rx transform", "circle": "class cx cy r", "text": "class x y text-anchor",
}

// checkPage reads a page element by element: it must be well formed as XML is, which leaves a browser nothing to mend,
// made of known parts alone, and refer to nothing outside.
func checkPage(t *testing.T, page string) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(page, "<!DOCTYPE html>")))
	dec.Entity = xml.HTMLEntity
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		allowed, known := elements[start.Name.Local]
		if !known {
			t.Errorf("element %s", start.Name.Local)
		}
		for _, a := range start.Attr {
			if !slices.Contains(strings.Fields(allowed), a.Name.Local) {
				t.Errorf("attribute %s=%q of %s", a.Name.Local, a.Value, start.Name.Local)
			}
			if a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#") && !strings.HasPrefix(a.Value, "https://") && !strings.HasPrefix(a.Value, "http://") {
				t.Errorf("a link to %q", a.Value)
			}
		}
	}
	_, style, _ := strings.Cut(page, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
	if policy == nil || html.UnescapeString(policy[1]) != want {
		t.Errorf("policy %q, want %q", policy, want)
	}
	if strings.Contains(style, "url(") || strings.Contains(style, "@import") {
		t.Error("the style refers to something outside")
	}
}

// checkMarkdown looks for markup that is not ours: outside of blocks of code every < and & is an entity, every bracket
// is escaped; and no line of data ends such a block.
func checkMarkdown(t *testing.T, text string) {
	t.Helper()
	fences, inside := 0, false
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "```") {
			fences++
			inside = !inside
			if line != "```" && line != "```text" {
				t.Errorf("a fence %q", line)
			}
			continue
		}
		if inside {
			if strings.Contains(line, "```") {
				t.Errorf("a fence within a line of code: %q", line)
			}
			continue
		}
		bare := regexp.MustCompile(`\\[[:punct:]]`).ReplaceAllString(line, "")
		for _, live := range []string{"<", "](", "![", "``", "**x"} {
			if strings.Contains(bare, live) {
				t.Errorf("%q is live in %q", live, line)
			}
		}
	}
	if inside || fences != 2 {
		t.Errorf("%d fences, want those of one chain", fences)
	}
}

func checkProv(t *testing.T, text string) {
	t.Helper()
	var doc map[string]map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`^(ep|agent|_):[A-Za-z0-9_.~%!$&'()*+,;=:@-]+$`)
	for kind, members := range doc {
		for id := range members {
			if kind != "prefix" && !name.MatchString(id) {
				t.Errorf("%s %q is no qualified name", kind, id)
			}
		}
	}
}

// TestClickable: a uri from data is a link only when nobody can mistake where it leads.
func TestClickable(t *testing.T) {
	tests := []struct {
		uri  string
		link bool
	}{
		{"https://docs.example/rfc", true},
		{"http://docs.example/a?b=c&d=%20#e", true},
		{"HTTPS://docs.example/", true},
		{"javascript:alert(1)", false},
		{"JavaScript:alert(1)//https://x", false},
		{"java\tscript:alert(1)", false},
		{"data:text/html,x", false},
		{"file:///etc/passwd", false},
		{"//evil.example/x", false},
		{"/x", false},
		{"https:evil.example", false},
		{"https://user:secret@evil.example/", false},
		{"https://good.example\\@evil.example/", false},
		{"https://exаmple.org/", false}, // a Cyrillic а
		{"https://x/\u202ex", false},
		{"https://x y/", false},
		{"", false},
	}
	for _, tt := range tests {
		t.Run(tt.uri, func(t *testing.T) {
			line := `{"kind":"source","id":"doc","name":"pager.md",`
			uri := ""
			if tt.uri != "" {
				uri = `"uri":` + string(record.AppendText(nil, tt.uri)) + ","
			}
			events := strings.Replace(strings.Replace(string(tiny), `"uri":"https://docs.example/pager",`, "", 1), line, line+uri, 1)
			e, _ := take(t, []byte(events))
			page := written(t, export.HTML, collect(t, e, export.Selection{}))
			checkPage(t, page)
			if got := strings.Contains(page, `rel="noopener noreferrer nofollow"`); got != tt.link {
				t.Errorf("%q is a link: %t, want %t", tt.uri, got, tt.link)
			}
		})
	}
}

// TestPagesOfTheIncident: the pages of the whole fixture, plain and redacted, are well formed and refer to nothing.
func TestPagesOfTheIncident(t *testing.T) {
	e, _ := incident(t)
	c := collect(t, e, export.Selection{})
	checkPage(t, written(t, export.HTML, c))
	checkPage(t, written(t, export.HTML, redact(t, e, c, 1, "agent", "value", "content")))
	checkProv(t, written(t, export.Prov, c))
	checkProv(t, written(t, export.Prov, redact(t, e, c, 1, "agent", "value", "content")))
}

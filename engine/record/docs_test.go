package record

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func formatPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "formats", "record.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// section is the page's text about a kind.
func section(t *testing.T, page string, kind Kind) string {
	t.Helper()
	_, text, found := strings.Cut(page, "\n### "+kind.String()+"\n")
	if !found {
		t.Fatalf("the page has no section on %s", kind)
	}
	text, _, _ = strings.Cut(text, "\n### ")
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

func fenced(text, language string) (blocks []string) {
	parts := strings.Split(text, "\n```"+language+"\n")
	for _, part := range parts[1:] {
		block, _, _ := strings.Cut(part, "\n```")
		blocks = append(blocks, block+"\n")
	}
	return blocks
}

// TestPageExamples decodes the hex example of each kind, as somebody would who has only the page.
func TestPageExamples(t *testing.T) {
	page := formatPage(t)
	for _, kind := range Kinds() {
		blocks := fenced(section(t, page, kind), "hex")
		if len(blocks) != 1 {
			t.Errorf("%s has %d hex examples, want 1", kind, len(blocks))
			continue
		}
		g := parseGolden(t, blocks[0])
		r, err := Decode(kind, g.payload)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if again, err := Encode(nil, r); err != nil || !bytes.Equal(again, g.payload) {
			t.Errorf("%s encodes to %x, %v, want %x", kind, again, err, g.payload)
		}
		if id, err := IDOf(r); err != nil || id.String() != g.id {
			t.Errorf("%s: id %v, %v, want %s", kind, id, err, g.id)
		}
		file, err := os.ReadFile(filepath.Join("testdata", kind.String()+".hex"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(file), blocks[0]); diff != "" {
			t.Errorf("the example of %s is not its golden (-golden +page):\n%s", kind, diff)
		}
	}
}

var pageTypes = map[string]fieldType{
	"u8": fixedU8, "f32": fixedF32, "u64": fixed64, "log id": fixed128, "hash": fixed256, "text": text, "object": object,
	"ids": ids, "labels": labels, "contributions": contributions,
}

// TestPageTables compares the page's tables with the code's: names, bits, types, what may be absent.
func TestPageTables(t *testing.T) {
	page := formatPage(t)
	row := regexp.MustCompile("(?m)^\\| (\\d+) \\| `(\\w+)` \\| ([\\w ]+) \\| (optional)? *\\|")
	for _, kind := range Kinds()[1:] {
		var got []field
		for _, m := range row.FindAllStringSubmatch(section(t, page, kind), -1) {
			typ, ok := pageTypes[m[3]]
			if !ok {
				t.Errorf("%s: %s has the type %q", kind, m[2], m[3])
			}
			got = append(got, field{name: m[2], typ: typ, optional: m[4] != "", zero: m[2] == "pin"})
		}
		if diff := cmp.Diff(tables[kind], got, cmp.AllowUnexported(field{})); diff != "" {
			t.Errorf("the table of %s (-code +page):\n%s", kind, diff)
		}
	}
}

// TestPageOffsets reads the offsets over the diagrams and compares them with where a full record has its fields.
func TestPageOffsets(t *testing.T) {
	page := formatPage(t)
	cell := regexp.MustCompile(`\| (\w+) *`)
	for _, kind := range Kinds()[1:] {
		raw, err := Parse(kind, readGolden(t, kind.String()).payload)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(fenced(section(t, page, kind), "")[0], "\n")
		found := 0
		for n := 2; n < len(lines); n++ {
			if !strings.HasPrefix(lines[n], " |") {
				continue
			}
			offsets := strings.Fields(lines[n-2])
			for c, m := range cell.FindAllStringSubmatch(lines[n], -1) {
				for i, f := range tables[kind] {
					if f.name != m[1] {
						continue
					}
					found++
					if want := at(t, kind, raw.buf, f.name); offsets[c] != strconv.Itoa(want) {
						t.Errorf("%s: %s is drawn at %s, but is at %d (bit %d)", kind, f.name, offsets[c], want, i)
					}
				}
			}
		}
		fixed := 0
		for _, f := range tables[kind] {
			if f.typ.size() > 0 {
				fixed++
			}
		}
		if found != fixed {
			t.Errorf("%s: %d fixed fields are drawn, want %d", kind, found, fixed)
		}
	}
}

// TestPageLines reads the page's lines.
func TestPageLines(t *testing.T) {
	blocks := fenced(formatPage(t), "json")
	if len(blocks) != 1 {
		t.Fatalf("%d examples of lines, want 1", len(blocks))
	}
	lines, rejects := readAll(t, NewReader(strings.NewReader(blocks[0]), "record.md", nil), map[string]ID{"q1": {KindAudit, repeat(1)}})
	for _, reject := range rejects {
		t.Error(reject)
	}
	if len(lines) != 8 {
		t.Errorf("%d lines, want 8", len(lines))
	}
}

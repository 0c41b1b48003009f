package export

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Problem is something in a bundle that is not as it must be.
type Problem struct {
	Record   string `json:"record"` // the id as the bundle has it; empty: the bundle as a whole
	Field    string `json:"field"`
	Found    string `json:"found"`
	Expected string `json:"expected"`
}

func (p Problem) String() string {
	who := p.Record
	if who == "" {
		who = "the bundle"
	}
	return fmt.Sprintf("%s: %s: found %s, expected %s", who, p.Field, p.Found, p.Expected)
}

// Report is what came of checking a bundle.
type Report struct {
	Made     record.Time
	Log      string     // of the journal it was taken from, as the bundle says
	Last     record.LSN // of that journal then
	Chain    string     // of the record at Last; empty: withheld, or not known
	Queries  int
	Records  int
	Verified int // records whose bytes are those their id names
	Redacted int // records that can't be verified, because they were redacted
	Links    int // between records, each proved by the bytes of the one that names
	Absent   int // named by a record, and not in the bundle
	Problems []Problem
	More     int // problems beyond those
}

// Whole reports whether nothing wrong was found.
func (r Report) Whole() bool { return len(r.Problems) == 0 }

// problemsMax is how many problems are kept: one that was tampered with throughout has one a record.
const problemsMax = 100

// Proves says in sentences what a whole report proves, and Leaves what it does not.
func (r Report) Proves() []string {
	if r.Verified == 0 {
		return []string{"That records and links agree with each other, and nothing more: every record was redacted."}
	}
	s := []string{
		fmt.Sprintf("Each of %d records is, byte for byte, the one that its id names, and names the records that the bundle says it names.", r.Verified),
		"Each answer with its value, its contributions, their weights and their stages is the one in its query's bytes, and so are the lines TOLD, BECAUSE and LENS.",
	}
	if r.Redacted > 0 {
		s[1] = "Each answer whose query was not redacted is the one in its query's bytes, and so are its lines TOLD, BECAUSE and LENS."
	}
	return s
}

// Leaves says what verifying a bundle cannot prove.
func (r Report) Leaves() []string {
	s := []string{
		"That the records were ever in that journal: whoever writes a bundle can write records. The journal itself, at the head named here, can prove it.",
		"That nothing was left out: other queries, votes or transitions may exist.",
		"When anything was recorded, or exported: LSN, recorded_at and made_at are what the exporter states. The journal can prove the first two.",
		"What came of putting the questions again (recomputed), the lines AGAINST, WITHOUT, NOW and THEN, and the findings: they follow from the whole journal.",
		"How the queries were chosen (chosen), and why records are absent.",
		"Which of several names of a source a line BECAUSE had to show; and what it says of an assertion that is not included.",
	}
	if r.Redacted > 0 {
		s = append(s, fmt.Sprintf("Anything about %d redacted records: their bytes were withheld.", r.Redacted))
	}
	if r.Absent > 0 {
		s = append(s, fmt.Sprintf("Anything about %d records that are named and not included.", r.Absent))
	}
	return s
}

// Verify checks a bundle again, record by record and link by link, with nothing but its bytes.
//
// Errors: *NotBundleError, ErrTooNew, and those of r. What is wrong inside of a bundle is no error but in Problems.
func Verify(r io.Reader) (Report, error) {
	b, err := readBundle(r)
	if err != nil {
		return Report{}, err
	}
	v := &verifier{b: b, byID: map[string]*checked{}, absent: map[string]bool{}, named: map[string]bool{}}
	v.run()
	if v.tooNew && v.out.Whole() {
		return Report{}, ErrTooNew
	}
	return v.out, nil
}

// verifier is one verification.
type verifier struct {
	b      *bundle
	byID   map[string]*checked
	absent map[string]bool
	named  map[string]bool // by some record
	tooNew bool            // a payload has its hash, and a form of a later version

	sources []*record.Source // those here; nil: one that was redacted
	out     Report
}

// checked is a record of the bundle and what its bytes say; nil when they were withheld or are wrong.
type checked struct {
	in  *bundleRecord
	rec record.Record
}

func (v *verifier) wrong(id, field, found, expected string) {
	if len(v.out.Problems) == problemsMax {
		v.out.More++
		return
	}
	v.out.Problems = append(v.out.Problems, Problem{clip(id), field, clip(found), clip(expected)})
}

// clip shortens what a hostile bundle holds in place of an id.
func clip(s string) string {
	const most = 200 // an id and a sentence around it
	if len(s) <= most {
		return s
	}
	return string([]rune(s[:most])) + "…"
}

func (v *verifier) run() {
	v.head()
	for i := range v.b.Records {
		v.record(i)
	}
	for _, a := range v.b.Absent {
		if v.byID[a.ID] != nil || v.absent[a.ID] {
			v.wrong(a.ID, "absent", "a record that is here, or listed twice", "only what is named and not here")
		}
		v.absent[a.ID] = true
	}
	for i := range v.b.Records {
		v.links(v.byID[v.b.Records[i].ID], &v.b.Records[i])
	}
	for _, a := range v.b.Absent {
		if !v.named[a.ID] {
			v.wrong(a.ID, "absent", "a name that no record here has in its bytes", "only what is named and not here")
		}
	}
	for i := range v.b.Queries {
		v.query(&v.b.Queries[i])
	}
}

func (v *verifier) head() {
	b := v.b
	v.out.Made, v.out.Log, v.out.Last = b.Made, b.Journal.Log, b.Journal.LSN
	v.out.Queries, v.out.Records, v.out.Absent = len(b.Queries), len(b.Records), len(b.Absent)
	if _, err := record.ParseLogID(b.Journal.Log); err != nil {
		v.wrong("", "journal.log", fmt.Sprintf("%.80q", b.Journal.Log), "32 lower-case hex digits")
	}
	if b.Journal.Chain != nil {
		v.out.Chain = *b.Journal.Chain
		if _, err := record.ParseHash(*b.Journal.Chain); err != nil {
			v.wrong("", "journal.chain", fmt.Sprintf("%.80q", *b.Journal.Chain), "64 lower-case hex digits, or null")
		}
	}
	if len(b.Queries) == 0 {
		v.wrong("", "queries", "none", "one or more")
	}
}

// record checks one record by itself and its place in the order.
func (v *verifier) record(i int) {
	r := &v.b.Records[i]
	if v.byID[r.ID] != nil {
		v.wrong(r.ID, "id", "a second record of this id", "each once")
		return
	}
	c := &checked{in: r}
	v.byID[r.ID] = c
	if before := i - 1; r.LSN == 0 || r.LSN > v.b.Journal.LSN {
		v.wrong(r.ID, "lsn", fmt.Sprint(r.LSN), fmt.Sprintf("1 to %d, the head of the journal", v.b.Journal.LSN))
	} else if before >= 0 && v.b.Records[before].LSN >= r.LSN {
		v.wrong(r.ID, "lsn", fmt.Sprintf("%d behind %d", r.LSN, v.b.Records[before].LSN), "records in the order of the journal")
	}
	if r.Payload == nil {
		if r.Kind == record.KindSource.String() {
			v.sources = append(v.sources, nil)
		}
		v.withheld(r)
		return
	}
	c.rec = v.payload(r)
	if s, ok := c.rec.(*record.Source); ok {
		v.sources = append(v.sources, s)
	}
}

// withheld checks the little that can be checked of a redacted record.
func (v *verifier) withheld(r *bundleRecord) {
	switch {
	case len(v.b.Redacted) == 0:
		v.wrong(r.ID, "payload", "none", "the record's bytes, since the bundle says that nothing is redacted")
	case r.Redacted == nil:
		v.wrong(r.ID, "redacted", "neither payload nor redacted", "one of them")
	case !isToken(r.ID):
		v.wrong(r.ID, "id", "an id without the bytes that it names", "a token such as [assertion 4f2a91c03be2]")
	default:
		v.out.Redacted++
	}
}

// payload checks that the bytes are those the id names, and decodes them; nil when they are not.
func (v *verifier) payload(r *bundleRecord) record.Record {
	id, err := record.ParseID(r.ID)
	if err != nil {
		v.wrong(r.ID, "id", fmt.Sprintf("%.80q", r.ID), "a letter, an underscore and 64 lower-case hex digits")
		return nil
	}
	if r.Kind != id.Kind.String() {
		v.wrong(r.ID, "kind", fmt.Sprintf("%.40q", r.Kind), id.Kind.String())
	}
	if r.Redacted != nil {
		v.wrong(r.ID, "redacted", "both payload and redacted", "one of them")
	}
	payload, err := base64.StdEncoding.Strict().DecodeString(*r.Payload)
	if err != nil || base64.StdEncoding.EncodeToString(payload) != *r.Payload {
		v.wrong(r.ID, "payload", "no base64, or more than one form of it", "standard base64 with padding and no line ends")
		return nil
	}
	if got := record.Sum(payload); got != id.Hash {
		v.wrong(r.ID, "payload", "bytes with the hash "+got.String(), "bytes with the hash "+id.Hash.String())
		return nil
	}
	rec, err := record.Decode(id.Kind, payload)
	if errors.Is(err, record.ErrTooNew) {
		v.tooNew = true
		return nil
	}
	if err != nil {
		v.wrong(r.ID, "payload", err.Error(), "the canonical encoding of a record")
		return nil
	}
	v.out.Verified++
	return rec
}

// links compares the links that are listed with those in the bytes, and looks for the records at their ends.
func (v *verifier) links(c *checked, r *bundleRecord) {
	if c == nil || c.in != r {
		return // a second one of its id, told already
	}
	if c.rec != nil {
		v.sameLinks(c)
	}
	for _, l := range r.Links {
		v.named[l.To] = true
		if v.byID[l.To] == nil && !v.absent[l.To] {
			v.wrong(l.To, "record", "nothing", "the record, or its name among the absent: "+r.ID+" names it ("+l.Type+")")
		}
	}
}

func (v *verifier) sameLinks(c *checked) {
	want := linksOf(c.rec)
	if len(want) != len(c.in.Links) {
		v.wrong(c.in.ID, "links", fmt.Sprintf("%d of them", len(c.in.Links)), fmt.Sprintf("the %d in its bytes", len(want)))
		return
	}
	for i, l := range c.in.Links {
		w := bundleLink{want[i].to.String(), string(want[i].typ), want[i].weight}
		if l.To != w.To || l.Type != w.Type || !sameWeight(l.Weight, w.Weight) {
			v.wrong(c.in.ID, fmt.Sprintf("link %d", i+1), l.String(), w.String()+", as in its bytes")
			return
		}
		v.out.Links++
	}
}

func (l bundleLink) String() string {
	if l.Weight == nil {
		return l.Type + " " + l.To
	}
	return fmt.Sprintf("%s %s with weight %v", l.Type, l.To, *l.Weight)
}

func sameWeight(a, b *float32) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// query checks that the answer is the one in the query's bytes, and that its contributions can be what it says.
func (v *verifier) query(q *bundleQuery) {
	c := v.byID[q.ID]
	if c == nil || c.in.Kind != record.KindAudit.String() {
		v.wrong(q.ID, "query", "no such query among the records", "its record")
		return
	}
	want := []byte(c.in.Redacted)
	if c.rec != nil {
		want = record.AppendJSON(nil, c.rec)
	}
	if want != nil && !sameJSON(q.Answer, want) {
		v.wrong(q.ID, "answer", "other values than in its record", "those of its record: "+firstDifference(q.Answer, want))
	}
	if a, ok := c.rec.(*record.Audit); ok {
		v.answer(c.in, a, q.State)
		v.verdict(q, a)
	}
}

// sameJSON compares two values, whatever the order of their members.
func sameJSON(a, b []byte) bool {
	x, xErr := canonical(a)
	y, yErr := canonical(b)
	return xErr == nil && yErr == nil && bytes.Equal(x, y)
}

// canonical is a JSON value with its members sorted, and numbers as they were written.
func canonical(text []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// firstDifference names the first member that differs.
func firstDifference(found, want []byte) string {
	var f, w map[string]json.RawMessage
	if json.Unmarshal(found, &f) != nil || json.Unmarshal(want, &w) != nil {
		return "an object"
	}
	for _, name := range slices.Sorted(maps.Keys(w)) {
		if !sameJSON(f[name], w[name]) {
			return name + " " + string(w[name])
		}
	}
	return "nothing more"
}

// answer checks what an answer must have in common with its contributions, if it was given by the journal that the
// bundle was taken from: an imported one is as told.
func (v *verifier) answer(r *bundleRecord, a *record.Audit, state string) {
	if want := v.state(a); state != want {
		v.wrong(r.ID, "state", fmt.Sprintf("%.40q", state), want)
	}
	if a.Value.Hash() != a.ResultHash {
		v.wrong(r.ID, "result_hash", a.ResultHash.String(), a.Value.Hash().String()+", the hash of its value")
	}
	if v.state(a) != string(ask.Pinned) {
		return
	}
	if a.Pin >= r.LSN {
		v.wrong(r.ID, "lsn", fmt.Sprint(r.LSN), fmt.Sprintf("one above its pin %d", a.Pin))
	}
	for _, x := range a.Contributions {
		id := record.ID{Kind: record.KindAssertion, Hash: x.Assertion}.String()
		c := v.byID[id]
		if c == nil {
			continue // missing, and told by links; or absent
		}
		if s, ok := c.rec.(*record.Assertion); ok {
			v.contribution(r.ID, a, x, c.in, s)
		}
	}
}

func (v *verifier) state(a *record.Audit) string {
	switch {
	case !a.Pinned:
		return string(ask.Imported)
	case a.Journal.String() != v.b.Journal.Log:
		return string(ask.Foreign)
	}
	return string(ask.Pinned)
}

// contribution checks what a lens lets in: the same question, no later than as_of and the pin, the value told.
func (v *verifier) contribution(query string, a *record.Audit, x record.Contribution, at *bundleRecord, s *record.Assertion) {
	of := "contribution " + at.ID
	switch {
	case s.Subject != a.Subject || s.Predicate != a.Predicate:
		v.wrong(query, of, "an assertion about something else", "one about what was asked")
	case s.Timestamp > a.AsOf:
		v.wrong(query, of, "timestamp "+s.Timestamp.String(), "no later than as_of "+a.AsOf.String())
	case at.LSN > a.Pin:
		v.wrong(query, of, fmt.Sprintf("lsn %d", at.LSN), fmt.Sprintf("at most its pin %d", a.Pin))
	case x.Source != s.Source:
		v.wrong(query, of, "source "+x.Source.String(), s.Source.String()+", as the assertion says")
	case a.Value.Type != record.NoValue && a.Value != s.Object:
		v.wrong(query, of, "another value than was told", "the value that was told")
	}
}

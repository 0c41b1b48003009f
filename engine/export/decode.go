package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"episteme/engine/record"
)

// NotBundleError says that a file is no bundle, or not one that can be read safely.
type NotBundleError struct {
	Found    string
	Expected string
}

func (e *NotBundleError) Error() string {
	return fmt.Sprintf("this is no episteme bundle: found %s, expected %s; `episteme export --format json` writes one", e.Found, e.Expected)
}

// ErrTooNew is what a bundle gets that a later version wrote: it may be sound, this program can't say.
var ErrTooNew = errors.New("the bundle was written by a newer version of episteme; upgrade to verify it")

// Limits of a bundle's shape beside those of an export.
const (
	maxDepth   = 8                                                 // ours have 6: record, redacted, result, value, ref
	maxLinks   = 2*record.MaxContributions + record.MaxParents + 2 // an audit's: assertions, their sources, its value
	maxMembers = 2 * (record.MaxContributions + MaxRecords)        // of one object or list
)

// readBundle reads all of r and checks its form: size, depth, counts, no key twice, none unknown.
func readBundle(r io.Reader) (*bundle, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBundleBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the bundle: %w", err)
	}
	if len(data) > MaxBundleBytes {
		return nil, &NotBundleError{fmt.Sprintf("more than %d MiB", MaxBundleBytes>>20), "at most that"}
	}
	if at := notUTF8(data); at >= 0 {
		return nil, &NotBundleError{fmt.Sprintf("bytes at %d that are no UTF-8", at), "UTF-8 throughout"}
	}
	if err := isBundle(data); err != nil {
		return nil, err
	}
	if err := checkForm(data); err != nil {
		return nil, &NotBundleError{err.Error(), "JSON as an export writes it"}
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var b bundle
	if err := dec.Decode(&b); err != nil {
		return nil, &NotBundleError{strings.TrimPrefix(err.Error(), "json: "), "the members that docs/formats/bundle.md lists"}
	}
	return &b, b.checkCounts()
}

// notUTF8 is where data stops to be UTF-8; -1: it does not. encoding/json puts a character of its own in the place of
// such bytes, and would compare that.
func notUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	at := 0
	for {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
}

// isBundle looks at format and version alone, so that a bundle of a later version is not called malformed.
func isBundle(data []byte) error {
	var head struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return &NotBundleError{strings.TrimPrefix(err.Error(), "json: "), "one JSON object"}
	}
	switch {
	case head.Format != bundleFormat:
		return &NotBundleError{fmt.Sprintf("format %.40q", head.Format), fmt.Sprintf("format %q", bundleFormat)}
	case head.Version > bundleVersion:
		return ErrTooNew
	case head.Version != bundleVersion:
		return &NotBundleError{fmt.Sprintf("version %d", head.Version), fmt.Sprintf("version %d", bundleVersion)}
	}
	return nil
}

// checkForm walks the tokens once. encoding/json takes the last of two equal keys, and any case of letters: whoever
// reads the file with another program would see another bundle than the one that was verified.
func checkForm(data []byte) error {
	f := &former{dec: json.NewDecoder(bytes.NewReader(data))}
	f.dec.UseNumber()
	if err := f.value(0, false); err != nil {
		return err
	}
	if _, err := f.dec.Token(); err != io.EOF {
		return fmt.Errorf("something behind the object at byte %d", f.dec.InputOffset())
	}
	return nil
}

type former struct{ dec *json.Decoder }

// value reads one value. free says that the keys of an object come from data: those of labels.
func (f *former) value(depth int, free bool) error {
	token, err := f.dec.Token()
	if err != nil {
		return fmt.Errorf("%s at byte %d", err, f.dec.InputOffset())
	}
	delim, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	if depth == maxDepth {
		return fmt.Errorf("more than %d levels at byte %d", maxDepth, f.dec.InputOffset())
	}
	if delim == '[' {
		err = f.list(depth)
	} else {
		err = f.object(depth, free)
	}
	if err != nil {
		return err
	}
	_, err = f.dec.Token() // the end
	return err
}

func (f *former) list(depth int) error {
	for n := 0; f.dec.More(); n++ {
		if n == maxMembers {
			return fmt.Errorf("a list of more than %d at byte %d", maxMembers, f.dec.InputOffset())
		}
		if err := f.value(depth+1, false); err != nil {
			return err
		}
	}
	return nil
}

func (f *former) object(depth int, free bool) error {
	seen := map[string]bool{}
	for f.dec.More() {
		token, err := f.dec.Token()
		if err != nil {
			return fmt.Errorf("%s at byte %d", err, f.dec.InputOffset())
		}
		key, _ := token.(string)
		switch {
		case seen[key]:
			return fmt.Errorf("%.40q twice in an object at byte %d", key, f.dec.InputOffset())
		case !free && !plainKey(key):
			return fmt.Errorf("%.40q as a name at byte %d", key, f.dec.InputOffset())
		case len(seen) == maxMembers:
			return fmt.Errorf("an object of more than %d at byte %d", maxMembers, f.dec.InputOffset())
		}
		seen[key] = true
		if err := f.value(depth+1, key == "labels"); err != nil {
			return err
		}
	}
	return nil
}

func plainKey(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return s != ""
}

func (b *bundle) checkCounts() error {
	for _, n := range []struct {
		what       string
		found, max int
	}{{"queries", len(b.Queries), MaxQueries}, {"records", len(b.Records), MaxRecords}, {"absent records", len(b.Absent), maxMembers}} {
		if n.found > n.max {
			return &NotBundleError{fmt.Sprintf("%d %s", n.found, n.what), fmt.Sprintf("at most %d", n.max)}
		}
	}
	for _, r := range b.Records {
		if len(r.Links) > maxLinks {
			return &NotBundleError{fmt.Sprintf("%d links of %.80q", len(r.Links), r.ID), fmt.Sprintf("at most %d", maxLinks)}
		}
	}
	return nil
}

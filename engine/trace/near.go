package trace

import (
	"context"
	"slices"
	"strings"

	"episteme/engine/ingest"
	"episteme/engine/lens"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// LensNames lists the lenses that answer questions, in the order people see them.
func LensNames() []string {
	var names []string
	for _, l := range lens.All() {
		names = append(names, l.Name)
	}
	return names
}

// oneOf says which names exist, and which of them was probably meant.
func oneOf(typed string, names []string) string {
	list := "one of " + strings.Join(names, ", ")
	if near := record.Nearest(typed, names); near != "" {
		list += "; did you mean " + near + "?"
	}
	return list
}

const (
	nearMax  = 3      // subjects that are offered
	nearScan = 10_000 // subjects that are looked at: tens of milliseconds. A guess
)

// NearSubjects finds what may have been meant by a subject that nobody has asserted anything about: a slip of the
// finger, else what lies beside it or above.
func (t *Tracer) NearSubjects(ctx context.Context, subject string) (ask.Near, error) {
	return read(ctx, t, func(v *ingest.View) (ask.Near, error) {
		for s, err := range v.Subjects(ctx, subject) {
			if err != nil {
				return ask.Near{}, err
			}
			if s == subject {
				return ask.Near{Asserted: true}, nil
			}
			break
		}
		known, err := subjectsFrom(ctx, v, "")
		if err != nil {
			return ask.Near{}, err
		}
		if path := above(subject); len(known) == nearScan && path != "" {
			// There are many: its neighbours are looked at from where they begin, so that the others do not hide them.
			beside, err := subjectsFrom(ctx, v, path)
			if err != nil {
				return ask.Near{}, err
			}
			known = slices.Compact(slices.Sorted(slices.Values(append(known, beside...))))
		}
		return ask.Near{Subjects: nearest(subject, known)}, nil
	})
}

func subjectsFrom(ctx context.Context, v *ingest.View, start string) (list []string, err error) {
	for s, err := range v.Subjects(ctx, start) {
		if err != nil {
			return nil, err
		}
		if list = append(list, s); len(list) == nearScan {
			break
		}
	}
	return list, nil
}

// above is the path that a subject lies in, with its slash: auth/ for auth/jwt; empty for a subject of one part.
func above(subject string) string {
	return subject[:strings.LastIndexByte(subject, '/')+1]
}

// nearest are the few of known that are near to subject: first those that look alike, then what lies in the same path.
// It changes known.
func nearest(subject string, known []string) []string {
	var near []string
	for len(near) < nearMax {
		found := record.Nearest(subject, known)
		if found == "" {
			break
		}
		near = append(near, found)
		known = slices.DeleteFunc(known, func(s string) bool { return s == found })
	}
	path := above(subject)
	for _, s := range known {
		if path != "" && len(near) < nearMax && strings.HasPrefix(s, path) {
			near = append(near, s)
		}
	}
	return near
}

// SourceOf says what is held of a source, by the digest of its bytes. For a digest that nobody has described and whose
// bytes are not here, Descriptor is zero and Bytes is not ask.HeldBytes.
func (t *Tracer) SourceOf(ctx context.Context, digest record.Hash) (ask.SourceOf, error) {
	return read(ctx, t, func(v *ingest.View) (ask.SourceOf, error) {
		return (&judge{t: t, ctx: ctx, view: v}).source(digest)
	})
}

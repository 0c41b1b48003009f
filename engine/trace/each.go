package trace

import (
	"context"

	"episteme/engine/ingest"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// EachRecord calls f with every record that is held but documents, in the order of the journal, decoded and its bytes
// checked, until f returns an error, which it returns. Records that were erased or are broken have no Record. All of
// the store is read: it polls ctx, and f may end it.
func (t *Tracer) EachRecord(ctx context.Context, f func(ask.Record) error) error {
	_, err := read(ctx, t, func(v *ingest.View) (struct{}, error) {
		for held, err := range v.Dense(ctx) {
			if err == nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				return struct{}{}, err
			}
			if held.ID.Kind == record.KindEvidence {
				continue
			}
			r, err := t.fetch(ctx, v, held.ID)
			if err == nil {
				err = f(r)
			}
			if err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	return err
}

package ingest

import (
	"context"
	"sync"

	"episteme/engine/record"
)

// shared is the store at one moment, for all that ask before the worker applies more: taking a snapshot, and reading how far
// the store has come in it, is a good part of a short question. While nothing is applied a snapshot that stays open keeps
// nothing that would go without it.
type shared struct {
	view  *View
	users int // guarded by Index.sharedMu
}

// View is the store as the last batch left it. Close it soon.
func (x *Index) View() (*View, error) {
	x.views.Add(1)
	x.sharedMu.Lock()
	defer x.sharedMu.Unlock()
	if x.shared == nil {
		v, err := x.take()
		if err != nil {
			return nil, err
		}
		x.shared = &shared{view: v}
	}
	x.shared.users++
	v := *x.shared.view
	v.shared = x.shared
	return &v, nil
}

// take takes a snapshot.
func (x *Index) take() (*View, error) {
	snap, err := x.store.Snapshot()
	if err != nil {
		return nil, err
	}
	v := &View{snap: snap, index: x}
	v.anyErased = v.lookOnce(space(record.KindErasure.KeyLetter()))
	v.anyOrphans = v.lookOnce(space(spaceOrphans))
	if v.applied, err = appliedIn(snap); err != nil {
		snap.Close()
		return nil, err
	}
	return v, nil
}

// lookOnce looks whether there is any key with a prefix until that is known.
func (v *View) lookOnce(prefix []byte) func() (bool, error) {
	var mu sync.Mutex
	var known, found bool
	return func() (_ bool, err error) {
		mu.Lock()
		defer mu.Unlock()
		if !known {
			found, err = v.any(context.Background(), prefix)
			known = err == nil
		}
		return found, err
	}
}

// renew makes sure that who asks from now on sees what was applied before it.
func (x *Index) renew() {
	x.sharedMu.Lock()
	old := x.shared
	x.shared = nil
	unused := old != nil && old.users == 0
	x.sharedMu.Unlock()
	if unused {
		old.view.snap.Close()
	}
}

// Close gives the snapshot up when nobody else has it and nobody can get it any more. Closing again does nothing.
func (v *View) Close() error {
	x := v.index
	x.sharedMu.Lock()
	s := v.shared
	v.shared = nil
	if s != nil {
		s.users--
	}
	unused := s != nil && s.users == 0 && x.shared != s
	x.sharedMu.Unlock()
	if !unused {
		return nil
	}
	return s.view.snap.Close()
}

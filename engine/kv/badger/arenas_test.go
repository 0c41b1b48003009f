package badger

import "testing"

// TestArenas says that badger's pool is where we look for it, and that release leaves nothing in it. A new version of badger
// that fails here has moved it.
func TestArenas(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	s.stopTrimming() // so that it happens here only
	a := arenasOf(s.db)
	if a.pool == nil {
		t.Fatal("badger has no allocPool any more")
	}
	const size = 1 << 20
	for range 3 {
		a.pool.Return(a.pool.Get(size, "test"))
	}
	if found := a.pool.Get(512, "test"); found.Allocated() < size {
		t.Fatalf("the pool gave %d bytes after %d were returned: the test has lost its teeth", found.Allocated(), size)
	} else {
		a.pool.Return(found)
	}
	a.release()
	if found := a.pool.Get(512, "test"); found.Allocated() >= size {
		t.Errorf("%d bytes are still in the pool", found.Allocated())
	}
	mustPut(t, s, "k", []byte("v")) // and the store goes on
}

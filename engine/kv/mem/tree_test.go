package mem

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"episteme/engine/kv"
)

func TestLimitedStoreRefusesABatchAndChangesNothing(t *testing.T) {
	s := NewLimited(4)
	var b kv.Batch
	b.Put([]byte("ab"), []byte("cd"))
	if err := s.Apply(&b); err != nil {
		t.Fatalf("Apply of 4 bytes where 4 are allowed: %v", err)
	}
	b.Put([]byte("x"), nil)
	if err := s.Apply(&b); !errors.Is(err, kv.ErrBatchTooBig) {
		t.Errorf("Apply of 5 bytes where 4 are allowed: %v, want ErrBatchTooBig", err)
	}
	if got := s.SizeBytes(); got != 4 {
		t.Errorf("SizeBytes = %d, want 4", got)
	}
}

// TestTreeKeepsItsShape checks what mem.go draws, after each of many applies that grow the tree, thin it out and empty
// it: pages are sorted, hold 1 to pageMax entries, and lie one above the other.
func TestTreeKeepsItsShape(t *testing.T) {
	const keys = 10 * pageMax
	tr := &tree{}
	step := func(what string, b *kv.Batch, want int) {
		t.Helper()
		tr = tr.apply(b)
		if got := checkShape(t, tr); got != want {
			t.Fatalf("after %s the tree holds %d entries, want %d", what, got, want)
		}
	}
	var b kv.Batch
	key := func(i int) []byte { return fmt.Appendf(nil, "%06d", (i*769)%keys) } // 769 is prime: all keys, out of order
	for i := range keys {
		b.Reset()
		b.Put(key(i), key(i))
		step("a put", &b, i+1)
	}
	b.Reset()
	for i := range keys {
		if i%3 != 0 {
			b.Delete(key(i))
		}
	}
	left := keys - b.Len()
	step("deletes", &b, left)
	b.Reset()
	for i := range keys {
		b.Put(fmt.Appendf(nil, "a%06d", i), nil) // all above the last page
	}
	step("puts at the end", &b, left+keys)
	b.Reset()
	for e := range tr.from(nil) {
		b.Delete(e.key)
	}
	step("deleting everything", &b, 0)
	if len(tr.pages) != 0 || tr.sizeBytes != 0 {
		t.Errorf("an empty tree has %d pages and %d bytes", len(tr.pages), tr.sizeBytes)
	}
}

func checkShape(t *testing.T, tr *tree) (entries int) {
	t.Helper()
	var last []byte
	var sizeBytes int64
	for p, page := range tr.pages {
		if len(page) == 0 || len(page) > pageMax {
			t.Fatalf("page %d of %d has %d entries, want 1 to %d", p, len(tr.pages), len(page), pageMax)
		}
		for _, e := range page {
			if last != nil && bytes.Compare(e.key, last) <= 0 {
				t.Fatalf("page %d: key %q follows %q", p, e.key, last)
			}
			last = e.key
			entries++
			sizeBytes += int64(len(e.key) + len(e.value))
		}
	}
	if sizeBytes != tr.sizeBytes {
		t.Fatalf("sizeBytes = %d, want %d", tr.sizeBytes, sizeBytes)
	}
	return entries
}

package mem

import (
	"bytes"
	"iter"
	"slices"
	"sort"

	"episteme/engine/kv"
)

// pageMax is the most entries in a page. An apply of one put copies a page (48 bytes an entry) and the list of pages
// (24 bytes a page); at 10,000 keys 128 keeps both near 4 KiB. BenchmarkMem/apply/1x100B has the figures.
const pageMax = 128

type entry struct{ key, value []byte }

// tree is immutable, and so is everything it points to.
type tree struct {
	pages     [][]entry // no page is empty
	sizeBytes int64
}

// seek finds the first entry whose key is at or above key. Where there is none, page is len(t.pages).
func (t *tree) seek(key []byte) (page, i int) {
	page = sort.Search(len(t.pages), func(p int) bool {
		last := t.pages[p][len(t.pages[p])-1]
		return bytes.Compare(last.key, key) >= 0
	})
	if page == len(t.pages) {
		return page, 0
	}
	return page, searchPage(t.pages[page], key)
}

// searchPage is the index of the first entry whose key is at or above key.
func searchPage(page []entry, key []byte) int {
	return sort.Search(len(page), func(i int) bool { return bytes.Compare(page[i].key, key) >= 0 })
}

// from yields the entries at or above lower, ascending.
func (t *tree) from(lower []byte) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		page, i := t.seek(lower)
		for ; page < len(t.pages); page, i = page+1, 0 {
			for _, e := range t.pages[page][i:] {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// change is what a batch does to one key.
type change struct {
	entry
	deletes bool
}

// apply returns the tree after b, and leaves t as it is.
func (t *tree) apply(b *kv.Batch) *tree {
	next := &tree{pages: make([][]entry, 0, len(t.pages)+1+b.Len()/pageMax), sizeBytes: t.sizeBytes}
	changes := lastByKey(b)
	for p, page := range t.pages {
		// A change belongs to the first page whose last key is not below it, and to the last page where there is
		// none: the place seek would look in.
		mine := len(changes)
		if p < len(t.pages)-1 {
			last := page[len(page)-1].key
			mine = sort.Search(len(changes), func(i int) bool { return bytes.Compare(changes[i].key, last) > 0 })
		}
		if mine == 0 {
			next.pages = append(next.pages, page)
			continue
		}
		next.sizeBytes -= sizeBytes(page)
		next.addPages(merge(page, changes[:mine]))
		changes = changes[mine:]
	}
	next.addPages(merge(nil, changes)) // only where t was empty
	return next
}

func sizeBytes(entries []entry) (sum int64) {
	for _, e := range entries {
		sum += int64(len(e.key) + len(e.value))
	}
	return sum
}

// lastByKey returns the last operation on each key of b, ascending by key.
func lastByKey(b *kv.Batch) []change {
	changes := make([]change, 0, b.Len())
	for o := range b.Ops() {
		changes = append(changes, change{entry{o.Key, o.Value}, o.Delete})
	}
	slices.SortStableFunc(changes, func(x, y change) int { return bytes.Compare(x.key, y.key) })
	kept := changes[:0]
	for i, c := range changes {
		if i+1 < len(changes) && bytes.Equal(c.key, changes[i+1].key) {
			continue // a later operation on the same key follows
		}
		kept = append(kept, c)
	}
	return kept
}

// merge returns the entries of page after changes, both ascending, with copies of what the changes put.
func merge(page []entry, changes []change) []entry {
	out := make([]entry, 0, len(page)+len(changes))
	for _, c := range changes {
		i := searchPage(page, c.key)
		out = append(out, page[:i]...)
		page = page[i:]
		if len(page) > 0 && bytes.Equal(page[0].key, c.key) {
			page = page[1:]
		}
		if !c.deletes {
			out = append(out, cloned(c.entry))
		}
	}
	return append(out, page...)
}

// cloned copies e into memory of its own. An arena for the whole batch would be fewer allocations, but one small key
// that stays would then keep everything that ever came with it.
func cloned(e entry) entry {
	buf := make([]byte, 0, len(e.key)+len(e.value))
	buf = append(append(buf, e.key...), e.value...)
	k := len(e.key)
	return entry{buf[:k:k], buf[k:]}
}

// addPages appends entries in pages of at most pageMax, of even length.
func (t *tree) addPages(entries []entry) {
	t.sizeBytes += sizeBytes(entries)
	for n := (len(entries) + pageMax - 1) / pageMax; n > 0; n-- {
		take := (len(entries) + n - 1) / n
		t.pages = append(t.pages, entries[:take:take])
		entries = entries[take:]
	}
}

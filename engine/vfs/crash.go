package vfs

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Pending is one thing that a crash may keep or lose, each independently of all others: disks and file systems
// reorder what was not synced as they like.
type Pending struct {
	Kind   PendingKind
	Path   string // of the file or directory, for people; a file that was renamed shows one of its names
	Sector int64  // PendingSector: number of the 512-byte sector
	What   string // PendingName: the operation, such as "rename a to b"
}

// PendingKind says what kind of thing was not synced.
type PendingKind uint8

const (
	PendingName   PendingKind = iota + 1 // a change of names in a directory
	PendingSize                          // a file's new size
	PendingSector                        // the contents of one sector
)

func (p Pending) String() string {
	switch p.Kind {
	case PendingName:
		return p.What
	case PendingSize:
		return fmt.Sprintf("size of %s", p.Path)
	default:
		return fmt.Sprintf("sector %d of %s", p.Sector, p.Path)
	}
}

// Choice says whether the i-th pending thing reached the disk before the power went.
type Choice func(i int, p Pending) bool

// KeepAll keeps everything: the process was killed, the machine lives.
func KeepAll(int, Pending) bool { return true }

// KeepNone loses everything that was not synced.
func KeepNone(int, Pending) bool { return false }

// KeepBits keeps the i-th when bit i of mask is set: counting mask upward enumerates every subset of up to 64.
func KeepBits(mask uint64) Choice {
	return func(i int, _ Pending) bool { return i < 64 && mask&(1<<i) != 0 }
}

// KeepFirst keeps the first n.
func KeepFirst(n int) Choice { return func(i int, _ Pending) bool { return i < n } }

// KeepSeeded tosses a coin for each; equal seeds keep equal things.
func KeepSeeded(seed uint64) Choice {
	r := rand.New(rand.NewPCG(seed, 0x6b656570))
	return func(int, Pending) bool { return r.Uint64()&1 == 0 }
}

// Pending lists what a crash might lose, always in the same order: changes of names in the order they were made,
// then files by age, each its size before its sectors.
func (m *Mem) Pending() []Pending {
	var all []Pending
	m.Crash(func(_ int, p Pending) bool {
		all = append(all, p)
		return false
	})
	return all
}

// Crash returns a file system that holds what was durable and, of the rest, what keep chooses; what it holds is
// durable there. Locks are gone. The Mem it is called on is untouched and can be crashed again. A file that only an
// unchosen name led to is gone.
func (m *Mem) Crash(keep Choice) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := crash{keep: keep, copies: map[*node]*node{}, names: map[*node]map[string]*node{}, paths: map[*node]string{}}
	c.walk(m.root, "")
	after := NewMem()
	c.chooseNames()
	c.chooseContents(after)
	after.root = c.rebuild(after, m.root)
	return after
}

// crash is the state of one Crash.
type crash struct {
	keep   Choice
	i      int
	dirs   []*node
	files  []*node
	paths  map[*node]string           // one path of each node
	names  map[*node]map[string]*node // what each directory holds afterwards, in terms of the old nodes
	copies map[*node]*node            // old node to new
}

// walk finds every node that may exist afterwards.
func (c *crash) walk(n *node, path string) {
	if _, seen := c.paths[n]; seen {
		return
	}
	c.paths[n] = path
	if n.file != nil {
		c.files = append(c.files, n)
		return
	}
	c.dirs = append(c.dirs, n)
	under := func(name string, child *node) { c.walk(child, path+"/"+name) }
	for name, child := range n.entries {
		under(name, child)
	}
	for name, child := range n.disk {
		under(name, child)
	}
	for _, op := range n.pending {
		for _, s := range op.sets {
			if s.to != nil {
				under(s.name, s.to)
			}
		}
	}
}

func (c *crash) choose(p Pending) bool {
	c.i++
	return c.keep(c.i-1, p)
}

func (c *crash) chooseNames() {
	byAge := func(a, b *node) int { return cmp.Compare(a.id, b.id) }
	slices.SortFunc(c.dirs, byAge)
	slices.SortFunc(c.files, byAge)
	for _, dir := range c.dirs {
		names := make(map[string]*node, len(dir.disk))
		for name, child := range dir.disk {
			names[name] = child
		}
		c.names[dir] = names
	}
	decided := map[*dirOp]bool{}
	for _, dir := range c.dirs {
		for _, op := range dir.pending {
			if decided[op] {
				continue
			}
			decided[op] = true
			if !c.choose(Pending{Kind: PendingName, Path: c.paths[dir], What: op.what}) {
				continue
			}
			for _, s := range op.sets {
				s.apply(c.names[s.dir])
			}
		}
	}
}

func (c *crash) chooseContents(after *Mem) {
	for _, old := range c.files {
		n := after.newFile()
		c.copies[old] = n
		c.chooseFile(old.file, n.file, c.paths[old])
	}
}

func (c *crash) chooseFile(old, kept *inode, path string) {
	old.mu.Lock() // not RLock: the list of dirty pages is sorted in place
	defer old.mu.Unlock()
	size := old.diskSize
	if old.size != old.diskSize && c.choose(Pending{Kind: PendingSize, Path: path}) {
		size = old.size
	}
	for i, pg := range old.disk {
		if pg != nil {
			clone := *pg
			kept.pages = put(kept.pages, i, &clone)
		}
	}
	slices.Sort(old.dirtyPages)
	for _, i := range old.dirtyPages {
		for s := range pageBytes / SectorBytes {
			if old.dirty[i]&(1<<s) == 0 || sameSector(pageAt(old.pages, i), pageAt(old.disk, i), s) {
				continue
			}
			if c.choose(Pending{Kind: PendingSector, Path: path, Sector: int64(i*(pageBytes/SectorBytes) + s)}) {
				kept.pages = copySector(kept.pages, i, s, pageAt(old.pages, i))
			}
		}
	}
	kept.size = int64(len(kept.pages)) * pageBytes
	if kept.size > size {
		kept.truncate(size)
	}
	kept.size = size
	for i := range kept.pages {
		if kept.pages[i] != nil {
			kept.markDirty(i, 0, pageBytes)
		}
	}
	kept.sync()
}

func sameSector(a, b *page, sector int) bool {
	if a == nil {
		a = &zeroPage
	}
	if b == nil {
		b = &zeroPage
	}
	at := sector * SectorBytes
	return [SectorBytes]byte(a[at:at+SectorBytes]) == [SectorBytes]byte(b[at:at+SectorBytes])
}

// rebuild makes the tree below an old directory out of what was chosen.
func (c *crash) rebuild(after *Mem, old *node) *node {
	n := after.newDir()
	for name, child := range c.names[old] {
		made := c.copies[child]
		if child.file == nil {
			made = c.rebuild(after, child)
		}
		n.entries[name], n.disk[name] = made, made
	}
	return n
}

package badger

import (
	"sync"
	"sync/atomic"
	"time"

	badgerdb "github.com/dgraph-io/badger/v4"
)

// Badger maps its tables and writes new ones through their mappings. So each page that was written or read counts as
// memory of the process for as long as its table lives, and filling a store ends with all of it resident. The kernel
// would take the pages back when it runs short; people and the limits of containers look at the figure before that.
// A keeper watches it and gives the pages of tables back when they have become many. They stay in the kernel's cache
// of files: who touches one again waits some µs for it and not for the disk.
//
// Only Linux tells which file is mapped where. Elsewhere nothing is given back.

const (
	// trimEvery is how often the figure is read, at some 5 µs. Badger's compactors wake up as often.
	trimEvery = 50 * time.Millisecond

	// trimSoon is how soon it is read again after it grew by growing: a compaction can fill 1 GB/s.
	trimSoon = 10 * time.Millisecond
	growing  = 1 << 20

	// trimBytes is by how much the figure may grow before pages are given back. A working set of that size comes
	// back in about a millisecond.
	trimBytes = 8 << 20
)

// startTrimming starts the keeper. stopTrimming ends it, and must be called before the database is closed.
func (s *Store) startTrimming() {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		keepTrimmed(s.db, s.dir, stop)
	}()
	s.stopTrimming = sync.OnceFunc(func() {
		close(stop)
		<-done
	})
}

// keepTrimmed runs until stop is closed, or ends at once where the system does not let it work.
func keepTrimmed(db *badgerdb.DB, dir string, stop <-chan struct{}) {
	figure, err := openFigure()
	if err != nil {
		return
	}
	defer figure.close()
	held := newLease(db)
	defer held.end()
	look := time.NewTimer(trimEvery)
	defer look.Stop()
	var floor, last int64 // the least the figure was since the last trim, and what it was the last time
	for {
		select {
		case <-stop:
			return
		case <-look.C:
		}
		held.takeNext()
		now, err := figure.fileBytes()
		if err != nil {
			return
		}
		if now > last+growing {
			look.Reset(trimSoon)
		} else {
			look.Reset(trimEvery)
		}
		last = now
		if floor = min(floor, now); now < floor+trimBytes {
			continue
		}
		trim(db, dir, held)
		held.askNext()
		if floor, err = figure.fileBytes(); err != nil {
			return
		}
		last = floor
	}
}

// lease is a transaction to make iterators with. Beginning one waits for what is being written, and writing may wait
// for a compaction, which is when pages become many. So the next one is begun on the side.
type lease struct {
	db        *badgerdb.DB
	txn       *badgerdb.Txn
	next      chan *badgerdb.Txn // nil: not asked for
	iterators atomic.Int64       // of txn, not closed yet
	closing   sync.WaitGroup
}

func newLease(db *badgerdb.DB) *lease { return &lease{db: db, txn: db.NewTransaction(false)} }

// askNext lets the lease be renewed. An old one keeps old versions of what is overwritten.
func (l *lease) askNext() {
	if l.next != nil {
		return
	}
	next := make(chan *badgerdb.Txn, 1)
	l.next = next
	go func() { next <- l.db.NewTransaction(false) }()
}

func (l *lease) takeNext() {
	if l.iterators.Load() > 0 {
		return // badger panics when a transaction ends before its iterators
	}
	select {
	case txn := <-l.next: // never while next is nil
		l.txn.Discard()
		l.txn, l.next = txn, nil
	default:
	}
}

// iterator refers to all tables of this moment until it is closed by close.
func (l *lease) iterator() *badgerdb.Iterator {
	l.iterators.Add(1)
	return l.txn.NewIterator(badgerdb.IteratorOptions{})
}

// close closes an iterator on the side: the last one that refers to a table removes its file, which takes its time.
func (l *lease) close(it *badgerdb.Iterator) {
	l.closing.Go(func() {
		it.Close()
		l.iterators.Add(-1)
	})
}

func (l *lease) end() {
	l.closing.Wait()
	l.txn.Discard()
	if l.next != nil {
		(<-l.next).Discard()
	}
}

// trim gives back the pages of the store's files, at no cost those of all tables that readers see.
//
// Between finding out where a table is mapped and giving its pages back, the mapping must not go away: whatever came
// to lie there instead would lose its content. Badger unmaps a table when nobody refers to it any more, and an
// iterator refers to all tables of the moment it was made in. A table belongs to one level all its life, so one that
// was there before that moment and after it was there in it.
func trim(db *badgerdb.DB, dir string, held *lease) {
	before := tableIDs(db)
	holding := held.iterator()
	defer held.close(holding)
	after := tableIDs(db)
	giveBack(dir, func(id uint64) bool { return before[id] && after[id] })
}

func tableIDs(db *badgerdb.DB) map[uint64]bool {
	ids := make(map[uint64]bool)
	for _, t := range db.Tables() {
		ids[t.ID] = true
	}
	return ids
}

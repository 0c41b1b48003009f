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

	// trimSoon is how soon it is read again for trimAwake after something was written or the figure grew by growing
	// bytes: when a compaction begins, 75 MiB came within 50 ms (400 MB of JSON lines, two processors). How long trimAwake
	// and growing should be was not measured.
	trimSoon  = 5 * time.Millisecond
	trimAwake = time.Second
	growing   = 1 << 20

	// trimBytes is by how much the figure may grow before pages are given back. A working set of that size comes
	// back in about a millisecond.
	trimBytes = 4 << 20

	// roomy is how large the whole process may be with its working set left alone while there is something to do.
	// Giving pages back and waiting for them again was a third of the time of a chain of 15,000 records.
	roomy = 160 << 20
)

// startTrimming starts the keeper. stopTrimming ends it, and must be called before the database is closed.
func (s *Store) startTrimming() {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		s.keepTrimmed(stop)
	}()
	s.stopTrimming = sync.OnceFunc(func() {
		close(stop)
		<-done
	})
}

// keepTrimmed runs until stop is closed. Where the system does not tell the figure, it looks after arenas alone.
func (s *Store) keepTrimmed(stop <-chan struct{}) {
	building := arenasOf(s.db)
	pages, err := openTrimmer(s.db, s.dir)
	if err == nil {
		defer pages.close()
	}
	look := time.NewTimer(trimEvery)
	defer look.Stop()
	var written int64         // s.applies, the last time
	var awake, next time.Time // until when it is looked soon; when arenas are given up next
	for {
		var now time.Time
		select {
		case <-stop:
			return
		case now = <-look.C:
		}
		if !now.Before(next) {
			building.release()
			next = now.Add(trimEvery)
		}
		grows := err == nil && pages.look(now.Before(awake))
		if n := s.applies.Load(); n != written || grows {
			written, awake = n, now.Add(trimAwake)
		}
		if err == nil && now.Before(awake) {
			look.Reset(trimSoon)
		} else {
			look.Reset(trimEvery)
		}
	}
}

// trimmer watches the figure.
type trimmer struct {
	db     *badgerdb.DB
	dir    string
	figure figure
	held   *lease
	floor  int64 // the least the figure was since the last trim
	last   int64 // what it was the last time
}

func openTrimmer(db *badgerdb.DB, dir string) (*trimmer, error) {
	f, err := openFigure()
	if err != nil {
		return nil, err
	}
	return &trimmer{db: db, dir: dir, figure: f, held: newLease(db)}, nil
}

func (t *trimmer) close() {
	t.held.end()
	t.figure.close()
}

// look reads the figure, gives pages back when they have become many, and says whether they become more. While there is
// something to do they may be as many as there is room for. A figure that cannot be read is as it was.
func (t *trimmer) look(busy bool) (grows bool) {
	t.held.takeNext()
	all, now, err := t.figure.read()
	if err != nil {
		return false
	}
	grows, t.last = now > t.last+growing, now
	if t.floor = min(t.floor, now); now < t.floor+trimBytes || busy && all < roomy {
		return grows
	}
	trim(t.db, t.dir, t.held)
	t.held.askNext()
	if _, now, err = t.figure.read(); err == nil {
		t.floor, t.last = now, now
	}
	return grows
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

package wal

import (
	"crypto/rand"
	"fmt"
	"io"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"episteme/engine/vfs"
)

// Entry is what is appended: a kind from 1 to 254, which the journal carries and does not understand, and a payload of
// at most MaxPayloadBytes.
type Entry struct {
	Kind    uint8
	Payload []byte
}

// Receipt says where a batch went. Its records have consecutive LSNs.
type Receipt struct {
	First, Last LSN
	RecordedAt  int64 // ns UTC
}

// Position is where a record lies, for reading it again without searching.
type Position struct {
	Segment uint64 // number, from 1
	Offset  int64  // of the header in the segment's file, in bytes
	Length  uint32 // of the payload, in bytes
}

// Record is one record as read. Every check was made.
type Record struct {
	LSN         LSN
	Kind        uint8
	RecordedAt  int64 // ns UTC
	Durable     LSN   // everything up to here was durable before this record was written
	Hash, Chain Hash
	Header      []byte // the 104 bytes as stored
	Payload     []byte // Header and Payload are valid until the reader's next step
	Pos         Position

	// Erased is the LSN of the record by whose order the payload was zeroed; Payload is then nil. 0: it is all there.
	Erased LSN
	// Missing is how many records in front of this one are lost in a hole that a rebuild left.
	Missing uint64
}

// Witness is what the store says it has seen of the journal: recovery rule 4. The zero Log means that there is no
// store. Chain is the Chain of the record at Applied; zero, which no record has: not known, so not compared.
type Witness struct {
	Log     LogID
	Applied LSN
	Chain   Hash
}

// Options are how a journal is opened. The zero value is right for a server.
type Options struct {
	SegmentBytes int64         // a segment is rolled before it grows past this, unless one batch alone does; at most and by default 64 MiB
	ReserveBytes int64         // appends stop when less is free; default 512 MiB, negative: none
	IdleMark     time.Duration // a mark is written after this long without an append; default 50 ms, negative: none
	Now          func() time.Time
	NewLogID     func() LogID
	Witness      Witness
	ReadOnly     bool // writes nothing at all, takes no lock, reads what a damaged journal still has
}

const (
	defaultReserveBytes = 512 << 20
	defaultIdleMark     = 50 * time.Millisecond // from the format's design; long beside a group commit, short beside a person
)

func (o Options) withDefaults() (Options, error) {
	if o.SegmentBytes < 0 || o.SegmentBytes > MaxSegmentBytes {
		return o, fmt.Errorf("wal: open: found segment size %d, expected 0 to %d bytes", o.SegmentBytes, MaxSegmentBytes)
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = MaxSegmentBytes
	}
	if o.ReserveBytes == 0 {
		o.ReserveBytes = defaultReserveBytes
	}
	if o.IdleMark == 0 {
		o.IdleMark = defaultIdleMark
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewLogID == nil {
		o.NewLogID = randomLogID
	}
	return o, nil
}

func randomLogID() LogID {
	var id LogID
	rand.Read(id[:]) // never fails since Go 1.24: the program ends instead
	return id
}

// Log is an open journal. All methods are safe for use by several goroutines.
type Log struct {
	fsys vfs.FS
	dir  string
	opts Options
	id   LogID
	lock io.Closer // nil when read-only

	queue queue
	out   writer // belongs to whoever leads, see queue
	idle  idleTimer
	view  view
	files fileCache

	erasures erasures
	syncs    syncTimes

	// life is held for reading while files are used outside the leader, for writing by Close.
	life   sync.RWMutex
	closed atomic.Bool
}

// Head says where a journal stands.
type Head struct {
	Log      LogID
	Last     LSN  // the last record that readers get; 0: none
	Durable  LSN  // the last record known to be durable: Last, except read-only after an unclean end
	Chain    Hash // of record Last; zero when there is none. Marks do not move it, so it is the same however long one waited
	Segment  uint64
	Offset   int64 // where the next header goes
	Clean    bool  // the journal was closed properly and nothing was appended since
	ReadOnly bool
	Latched  error // *LatchedError once writing has failed
	Damage   error // why reading ends at Last, in a journal opened read-only; else nil
}

// Head is a snapshot of where the journal stands.
func (l *Log) Head() Head {
	h := l.view.head()
	h.Log, h.ReadOnly, h.Latched = l.id, l.opts.ReadOnly, l.queue.latched()
	return h
}

// point is a place between two headers of a segment: all that a cursor needs to go on from there.
type point struct {
	number uint64
	place
}

// firstPoint is the place behind a segment's header.
func firstPoint(h *SegmentHeader) point {
	return point{h.Number, place{off: SegmentHeaderBytes, lsn: h.FirstLSN - 1, chain: h.Chain}}
}

// segment is one file of the journal, as readers know it.
type segment struct {
	header SegmentHeader
	path   string
	end    int64   // size of the file; of the last segment it grows, see view.end
	index  []point // every indexBytes or so, ascending; never of a place that is not durable
}

// indexBytes is how far points of a segment's index are apart: finding a place reads at most this much, 1 ms, and the
// index of a full segment takes 5 KiB.
const indexBytes = 1 << 20

// view is what readers may see. It only ever grows, and only by what is durable.
type view struct {
	durable atomic.Uint64 // = last, for asking without the lock

	mu       sync.Mutex
	segments []*segment           // never empty; a segment's header and path never change
	end      point                // of what may be read
	last     LSN                  // the last record that may be read: end.lsn, or less where the journal ends in a hole
	proven   LSN                  // Head.Durable
	told     Head                 // Chain and Clean
	damage   error                // what a reader gets at the end instead of waiting
	readers  map[*Reader]struct{} // that are open
	waiting  []*Reader            // at the end
	spare    []*Reader            // the list before, to be used again
	closed   bool
}

func (v *view) head() Head {
	v.mu.Lock()
	defer v.mu.Unlock()
	h := v.told
	h.Last, h.Durable, h.Segment, h.Offset, h.Damage = v.last, min(v.proven, v.last), v.end.number, v.end.off, v.damage
	return h
}

// publish moves the end to what has just become durable. last is the last record, head its chain.
func (v *view) publish(end point, last LSN, head Hash) {
	v.mu.Lock()
	seg := v.segments[len(v.segments)-1]
	if seg.header.Number == end.number {
		seg.end = end.off
		seg.note(end)
	}
	v.end, v.last, v.proven = end, last, last
	v.told.Chain, v.told.Clean = head, false
	v.durable.Store(uint64(last))
	v.wake()
	v.mu.Unlock()
}

// note adds p to the index when it is far enough behind the last point.
func (s *segment) note(p point) {
	last := int64(SegmentHeaderBytes)
	if n := len(s.index); n > 0 {
		last = s.index[n-1].off
	}
	if p.off-last >= indexBytes {
		s.index = append(s.index, p)
	}
}

// wake lets every waiting reader look again.
func (v *view) wake() {
	list := v.waiting
	v.waiting, v.spare = v.spare[:0], list
	for i, r := range list {
		r.queued = false
		select {
		case r.wake <- struct{}{}:
		default:
		}
		list[i] = nil
	}
}

// roll adds a segment. It holds nothing yet, so the end moves to just behind its header.
func (v *view) roll(sealedEnd int64, next *segment) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.segments[len(v.segments)-1].end = sealedEnd
	v.segments = append(v.segments, next)
	v.end = firstPoint(&next.header)
}

// segment is the segment of a number, where reading it has to stop for now, and whether another follows. Nil: there is
// no such segment.
func (v *view) segment(number uint64) (s *segment, limit int64, more bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if number == 0 || number > uint64(len(v.segments)) {
		return nil, 0, false
	}
	s = v.segments[number-1]
	if number == v.end.number {
		return s, v.end.off, false
	}
	return s, s.end, true
}

// locate is the best known place in front of record lsn: the end when it is not there yet.
func (v *view) locate(lsn LSN) (s *segment, at point, limit int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if lsn > v.end.lsn {
		return v.segments[len(v.segments)-1], v.end, v.end.off
	}
	i := sort.Search(len(v.segments), func(i int) bool { return v.segments[i].header.FirstLSN > lsn })
	s = v.segments[max(i, 1)-1]
	at, limit = firstPoint(&s.header), s.end
	if s.header.Number == v.end.number {
		limit = v.end.off
	}
	if i := sort.Search(len(s.index), func(i int) bool { return s.index[i].lsn >= lsn }); i > 0 {
		at = s.index[i-1]
	}
	return s, at, limit
}

// learn keeps a place that a cursor came by.
func (v *view) learn(p point) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.segments[p.number-1].note(p)
}

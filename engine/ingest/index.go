package ingest

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"episteme/engine/kv"
	"episteme/engine/record"
)

// Index is a store with the journal that it was made from. It hands out Views, and remembers between them what many of
// them ask for. Safe for use by several goroutines.
//
// What is remembered cannot be wrong. A record is named by its hash, so it never changes; a View that is older than the
// record does not see it. What names a record only grows: a list of it is good until the worker applies another one.
type Index struct {
	store    kv.Store
	evidence Evidence
	views    atomic.Uint64 // how many were taken
	places   places

	sharedMu sync.Mutex
	shared   *shared // guarded by sharedMu; nil: to be taken

	mu     sync.Mutex
	claims generations[record.Hash, heldClaim] // guarded by mu
	links  generations[linked, heldLinks]      // guarded by mu
	grown  [grownBuckets]record.LSN            // guarded by mu; newest LSN of a link to a target in each bucket

	topics     generations[topicKey, heldTopic] // guarded by mu
	topicCost  int                              // guarded by mu; of the young ones
	topicGrown [grownBuckets]record.LSN         // guarded by mu; newest LSN of what bears on a topic in each bucket
	linksGrown record.LSN                       // guarded by mu; newest LSN of any link that is remembered
	seed       maphash.Seed
}

// How much is remembered: an assertion takes some 400 bytes, a list of links some 300.
const (
	claimsRemembered = 1 << 14
	linksRemembered  = 1 << 14
	grownBuckets     = 1 << 12
)

// claimBytesMax is the largest assertion that is remembered.
const claimBytesMax = 2 << 10

// linksCachedMax is the longest list of links that is remembered. Longer ones are read each time.
const linksCachedMax = 64

type heldClaim struct {
	lsn   record.LSN
	claim *record.Assertion
}

type linked struct {
	target record.ID
	link   Link
}

// heldLinks are all links up to an LSN.
type heldLinks struct {
	upTo record.LSN
	list []Linked
}

// NewIndex makes an Index of a store that is made from the journal that evidence reads.
func NewIndex(store kv.Store, evidence Evidence) *Index {
	return &Index{
		store: store, evidence: evidence, seed: maphash.MakeSeed(),
		topics: newGenerations[topicKey, heldTopic](1 << 30), // they turn by cost
		claims: newGenerations[record.Hash, heldClaim](claimsRemembered), links: newGenerations[linked, heldLinks](linksRemembered),
	}
}

// Views is how many Views were taken so far: it changes while somebody asks, or the worker works.
func (x *Index) Views() uint64 { return x.views.Load() }

// Has reports whether a record is here, for who asks that of record after record and nothing else.
func (x *Index) Has(id record.ID) (bool, error) {
	v, err := x.View()
	if err != nil {
		return false, err
	}
	defer v.Close()
	return v.Has(id)
}

func bucketOf(target record.ID) int { return int(target.Hash[0])<<4 | int(target.Hash[1])>>4 }

// grows is told before a link becomes visible, so that no list without it is taken for whole.
func (x *Index) grows(target record.ID, lsn record.LSN) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.grown[bucketOf(target)] = lsn
	x.linksGrown = lsn
}

// arrives is told before the bytes of a document become visible, so that nobody goes on taking them for absent.
func (x *Index) arrives(document record.ID, lsn record.LSN) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.grown[bucketOf(document)] = lsn
}

// recall is a list of links as it was remembered, nil when there is none, or it may lack some that v sees.
func (x *Index) recall(v *View, key linked) ([]Linked, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	held, ok := x.links.get(key)
	if !ok || x.grown[bucketOf(key.target)] > held.upTo {
		return nil, false
	}
	list := held.list
	for len(list) > 0 && list[len(list)-1].LSN > v.applied.LSN {
		list = list[:len(list)-1]
	}
	return list, true
}

func (x *Index) remember(v *View, key linked, list []Linked) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.links.put(key, heldLinks{v.applied.LSN, list})
}

// Claim is an assertion, as Get and Decode give it. It is shared: do not change it. Its bytes were checked when it was
// first read, which may be a while ago.
func (v *View) Claim(assertion record.Hash) (*record.Assertion, record.LSN, error) {
	x := v.index
	x.mu.Lock()
	held, ok := x.claims.get(assertion)
	x.mu.Unlock()
	if ok && held.lsn <= v.applied.LSN {
		return held.claim, held.lsn, nil
	}
	stored, err := v.Get(assertionID(assertion))
	if err != nil {
		return nil, stored.LSN, err
	}
	if stored.Erased {
		return nil, stored.LSN, ErrErased
	}
	r, err := record.Decode(record.KindAssertion, stored.Payload)
	if err != nil {
		return nil, stored.LSN, err
	}
	claim := r.(*record.Assertion)
	if len(stored.Payload) > claimBytesMax {
		return claim, stored.LSN, nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.claims.put(assertion, heldClaim{lsn: stored.LSN, claim: claim})
	return claim, stored.LSN, nil
}

// Forget drops all that is remembered: something was erased, or nobody asks any more.
func (x *Index) Forget() {
	x.places.forget()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.claims.clear()
	x.links.clear()
	x.topics.clear()
	x.topicCost = 0
}

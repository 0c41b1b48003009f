package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"math"

	"episteme/engine/record"
)

// peer is a store that takes part. It is used by one goroutine.
type peer interface {
	// append makes steps durable, as one batch, before it returns.
	append(ctx context.Context, steps []Step) error

	// catchUp returns once a question sees everything appended.
	catchUp(ctx context.Context) error

	// count is how many audits there are: the first thing asked of a store that was opened.
	count(ctx context.Context) (uint64, error)

	// ask answers a question with the values in hand; errNotAsked when the store has no such question.
	ask(ctx context.Context, q Question) (answer, error)

	// close makes everything durable, tidies up and lets go of the directory.
	close() error
}

// errNotAsked says that a store cannot be asked this. It is shown in the table as such.
var errNotAsked = errors.New("this store cannot be asked that")

// peerNames are in the order of the tables. Both live in one directory each.
var peerNames = []string{episteme, sqlite}

// openPeer opens a store in a directory, or makes it.
func openPeer(ctx context.Context, name, dir string, cacheKiB int) (peer, error) {
	switch name {
	case episteme:
		return openEpisteme(ctx, dir)
	case sqlite:
		return openSQLite(ctx, dir, cacheKiB)
	}
	return nil, fmt.Errorf("found the store %q, expected one of %v", name, peerNames)
}

// answer is what a question came to. Its digest is made after the clock has stopped.
type answer interface {
	// rows counts what a person would see as lines; digest covers everything that both stores tell.
	rows() int
	digest() uint64
}

// digester is FNV-1a over values with their lengths.
type digester struct{ hash.Hash64 }

func newDigester() digester { return digester{fnv.New64a()} }

func (d digester) number(n uint64) {
	d.Write(binary.LittleEndian.AppendUint64(nil, n))
}

func (d digester) text(s string) {
	d.number(uint64(len(s)))
	d.Write([]byte(s))
}

// listed is an audit of a list, with its contributions resolved.
type listed struct {
	id                        record.Hash
	at                        record.Time
	subject, predicate, value string
	parts                     []listedPart
}

type listedPart struct {
	assertion, source record.Hash
	sourceName, value string
	weight            float32
}

// list is the answer to Newest and Everything: the order counts.
type list []listed

func (l list) rows() int { return len(l) }

func (l list) digest() uint64 {
	d := newDigester()
	for _, a := range l {
		d.Write(a.id[:])
		d.number(uint64(a.at))
		d.text(a.subject)
		d.text(a.predicate)
		d.text(a.value)
		d.number(uint64(len(a.parts)))
		for _, p := range a.parts {
			d.Write(p.assertion[:])
			d.Write(p.source[:])
			d.text(p.sourceName)
			d.text(p.value)
			d.number(uint64(math.Float32bits(p.weight)))
		}
	}
	return d.Sum64()
}

// set is the answer to Chain and Influence: records in any order.
type set []record.Hash

func (s set) rows() int { return len(s) }

func (s set) digest() (sum uint64) {
	for _, h := range s {
		sum += binary.LittleEndian.Uint64(h[:])
	}
	return sum
}

// told is the answer to Latest and Backing.
type told string

func (t told) rows() int { return 1 }

func (t told) digest() uint64 {
	d := newDigester()
	d.text(string(t))
	return d.Sum64()
}

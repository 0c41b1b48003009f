package kv

import (
	"fmt"
	"iter"
)

// Batch collects puts and deletes that are applied as one. The zero value is an empty batch. It copies what it is
// given into one buffer that Reset keeps, so a batch that is reused stops allocating. Not safe for use by several
// goroutines.
type Batch struct {
	arena  []byte // keys and values, back to back in the order they came
	ops    []op   // where in arena; offsets, as the arena moves when it grows
	badKey int    // length of the first key that no store takes; counts only when bad
	bad    bool
}

// op is one operation: the key is arena[key:value], the value arena[value:end].
type op struct {
	key, value, end int
	deletes         bool
}

// Op is one operation of a batch, for those who implement a Store. Key and Value point into the batch and are valid
// until it changes.
type Op struct {
	Key, Value []byte
	Delete     bool // Value is nil
}

// Put sets key to value. A nil value is an empty one.
func (b *Batch) Put(key, value []byte) { b.add(key, value, false) }

// Delete removes key, whether or not it is there.
func (b *Batch) Delete(key []byte) { b.add(key, nil, true) }

func (b *Batch) add(key, value []byte, deletes bool) {
	if !b.bad && (len(key) == 0 || len(key) > MaxKeyBytes) {
		b.bad, b.badKey = true, len(key)
	}
	o := op{key: len(b.arena), deletes: deletes}
	b.arena = append(b.arena, key...)
	o.value = len(b.arena)
	b.arena = append(b.arena, value...)
	o.end = len(b.arena)
	b.ops = append(b.ops, o)
}

// Len is the number of operations.
func (b *Batch) Len() int { return len(b.ops) }

// Bytes is the sum of the lengths of all keys and values.
func (b *Batch) Bytes() int { return len(b.arena) }

// Reset empties the batch and keeps its memory, unless that is more than MaxBatchBytes.
func (b *Batch) Reset() {
	if cap(b.arena) > MaxBatchBytes {
		b.arena = nil
	}
	*b = Batch{arena: b.arena[:0], ops: b.ops[:0]}
}

// Ops yields the operations in the order they were added.
func (b *Batch) Ops() iter.Seq[Op] {
	return func(yield func(Op) bool) {
		for _, o := range b.ops {
			out := Op{Key: b.arena[o.key:o.value:o.value], Delete: o.deletes}
			if !o.deletes {
				out.Value = b.arena[o.value:o.end:o.end]
			}
			if !yield(out) {
				return
			}
		}
	}
}

// Check says why no store may apply the batch: ErrKey or ErrBatchTooBig. Each Store calls it first.
func (b *Batch) Check() error {
	if b.bad {
		return fmt.Errorf("kv: apply a batch of %d operations: %w: found a key of %d bytes, expected 1 to %d",
			len(b.ops), ErrKey, b.badKey, MaxKeyBytes)
	}
	if len(b.arena) > MaxBatchBytes {
		return fmt.Errorf("kv: apply a batch of %d operations: %w: found %d bytes of keys and values, at most %d; split it",
			len(b.ops), ErrBatchTooBig, len(b.arena), MaxBatchBytes)
	}
	return nil
}

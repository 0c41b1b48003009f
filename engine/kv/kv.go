package kv

import (
	"context"
	"errors"
	"iter"
)

const (
	// MaxKeyBytes is the longest key. Keys of episteme stay below 2 KiB (text of at most 1 KiB, a hash, numbers);
	// doubled.
	MaxKeyBytes = 4 << 10

	// MaxBatchBytes bounds keys and values of one batch, hence also one value. Values of episteme stay near 1 MiB;
	// 32 leaves room for a batch of them and keeps the copies a store makes of it below 100 MiB.
	MaxBatchBytes = 32 << 20
)

var (
	// ErrNotFound means that the snapshot holds no such key.
	ErrNotFound = errors.New("key not found")

	// ErrBatchTooBig means that the batch was not applied because it is more than the store takes at once: split it
	// where half of it may be seen. A batch of a single put that is refused so can never be applied.
	ErrBatchTooBig = errors.New("batch too big for one apply")

	// ErrNoRoom means that the batch was not applied because the disk is nearly full. The same batch may be taken later.
	ErrNoRoom = errors.New("no room for the store")

	// ErrKey means that the batch was not applied because one of its keys is empty, longer than MaxKeyBytes, or
	// reserved by the store. It is a mistake in our own code, never in data.
	ErrKey = errors.New("key refused")

	// ErrClosed means that the store or the snapshot was closed.
	ErrClosed = errors.New("store or snapshot is closed")
)

// Entry is one key and its value, as a scan yields it. Both belong to the scan: they are valid until its next step,
// are overwritten by it, and must not be changed. Clone what you keep.
type Entry struct {
	Key, Value []byte
}

// Snapshot is the store at one moment. It holds resources of the store (old versions are kept for it), so close it
// soon. Safe for use by several goroutines.
type Snapshot interface {
	// Get returns the value of key, which the caller owns; it is empty, not an error, where an empty value was put.
	// Errors are ErrNotFound, ErrClosed, or whatever reading gave.
	Get(key []byte) ([]byte, error)

	// Scan yields the entries with lower <= key < upper, ascending by bytes. A nil upper means no bound; a nil lower
	// is the start. An upper at or below lower yields nothing. The sequence stops at its first error, which it
	// yields with a zero Entry: ErrClosed, the cause of ctx (polled before each entry), or whatever reading gave.
	// lower and upper must not change while the scan runs. Breaking off is free. Ranging over the sequence again
	// starts again.
	Scan(ctx context.Context, lower, upper []byte) iter.Seq2[Entry, error]

	// Close releases the snapshot. Running scans end with ErrClosed. Closing again does nothing.
	Close() error
}

// Store is an ordered map of bytes. Safe for use by several goroutines; applies take their turn.
type Store interface {
	// Snapshot shows all batches whose Apply has returned, and no half of any other.
	Snapshot() (Snapshot, error)

	// Apply makes the whole batch visible to snapshots taken from now on, or nothing of it. Within a batch the last
	// operation on a key counts; deleting what is not there is fine; an empty batch does nothing. ErrBatchTooBig,
	// ErrKey and ErrClosed change nothing. After any other error the store may refuse everything until it is
	// reopened. The batch stays the caller's and is not kept.
	Apply(b *Batch) error

	// Sync returns when everything applied before it survives power loss.
	Sync() error

	// SizeBytes is what the store occupies on disk now (allocated, not apparent, bytes), or in memory. It is an
	// estimate for people and budgets.
	SizeBytes() int64

	// Close ends running reads with ErrClosed and releases the store. What was applied and not synced is still
	// there after reopening, power loss apart. Closing again does nothing.
	Close() error
}

// PrefixEnd returns the smallest key above all keys that start with prefix, or nil where there is none: for the empty
// prefix, and for one of 0xff bytes only. It is the upper bound of a scan over the prefix.
func PrefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			end := append([]byte(nil), prefix[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}

// ScanPrefix is Scan over the keys that start with prefix.
func ScanPrefix(ctx context.Context, snap Snapshot, prefix []byte) iter.Seq2[Entry, error] {
	return snap.Scan(ctx, prefix, PrefixEnd(prefix))
}

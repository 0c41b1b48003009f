// Package kv is the seam between episteme and an ordered key-value store.
//
// Promises, kept by every Store and proven by package kvtest:
//
//   - Order. Keys are compared byte by byte; a scan yields [lower, upper) ascending, each key once.
//   - A snapshot never moves. What it shows is the store at the moment it was taken, whatever is applied later.
//   - All or nothing. A batch is visible entirely or not at all: to readers beside it, and after a crash.
//   - Sync is the only durability. What was applied before a Sync that returned nil survives power loss. Of what was
//     applied after it, any batch may survive and any other not, whatever their order.
//   - Closing is safe at any time, from any goroutine, also from the loop over a scan: whoever still reads gets
//     ErrClosed, never freed memory.
//
// Not promised: a meaning of the bytes (this package knows no records), transactions that read and write, or that a
// disk kept what it was given. The store is an opinion about the journal and can be made again from it.
//
// # Limits
//
//	key     1 to MaxKeyBytes. The empty key is refused by Apply (ErrKey); Get of it finds nothing
//	value   0 to MaxBatchBytes less its key. A nil value is an empty value: there is no third state beside
//	        "there" and "not there"
//	batch   MaxBatchBytes, or fewer if the store says so (ErrBatchTooBig)
//
// # Example
//
//	var b kv.Batch
//	b.Put([]byte("a"), []byte("1"))
//	b.Delete([]byte("b"))
//	if err := store.Apply(&b); err != nil { ... }
//
//	snap, err := store.Snapshot()
//	if err != nil { ... }
//	defer snap.Close()
//	for entry, err := range kv.ScanPrefix(ctx, snap, []byte("a")) {
//		if err != nil { ... } // the scan is over
//		... entry.Key, entry.Value: clone what you keep
//	}
package kv

// Package badger is the kv.Store on disk, over github.com/dgraph-io/badger/v4.
//
// Promises: those of package kv, with the limits of Options. One Apply is one transaction, never a WriteBatch, which
// splits silently and would part data from its checkpoint. A directory belongs to one process at a time (ErrLocked).
//
// # What we add to badger, because it answers otherwise than kv promises
//
//	badger alone                                        here
//	a table with a changed bit ends the process while   all tables are verified before badger sees them:
//	it is opened, or is left out with a line in a log   ErrDamaged; so is any error it logs while opening
//	tables without MANIFEST are deleted                 ErrDamaged before badger sees them
//	any directory is taken, also somebody's home        refused unless empty or a store
//	a large value that cannot be read comes back empty  its checksum is verified, and the read is an error
//	Sync covers the newest log files only               Sync covers all of them
//	after Close, a running iterator reads freed memory  every step is locked against Close: kv.ErrClosed
//	every page of a table it touches stays resident     pages are given back to the kernel, on Linux
//	after a failed commit or sync it goes on            the store refuses everything until reopened: ErrFailed
//
// # What it cannot do
//
//   - A log file (*.mem) with a changed bit is cut there without a word, and later files are kept: keys can be missing
//     in the middle. So the reader of the journal checks the store for holes after an unclean end.
//   - A block that turns bad after the checks at opening ends a scan early, or is dropped by a compaction, without an
//     error.
//   - It maps its files: on a full disk a write can end the process (SIGBUS), and a flush is retried for ever.
//     Callers stop writing before the disk is full.
//   - After power loss, a value of 128 KiB and more that was not synced can be gone while its key is there: ErrDamaged.
//   - Space of overwritten values of 128 KiB and more comes back only by making the store again.
package badger

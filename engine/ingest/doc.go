// Package ingest tails the journal and materialises it in the store, exactly once, and is the one place that knows
// how records lie in the store: keys.go builds every key, View reads them.
//
// Promises: what a batch of the journal changes and how far the store has come are one transaction, so that after a
// crash the worker goes on where the store stopped. Every entry is a pure function of its record, the record's LSN
// and the records before it, so that applying one again changes nothing and a store can be made anew from the
// journal at any time. A record that is sent again keeps its first LSN.
//
// Not promised: durability of the store. It is an opinion about the journal; after a power cut it may be behind and
// catches up.
package ingest

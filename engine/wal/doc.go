// Package wal keeps an append-only journal of opaque records in segment files. The journal is the evidence: everything
// else can be made again from it, so it is never edited and never guessed about.
//
// Promises: a record whose Append returned nil is still there after power loss, in order, without gaps; a batch is
// there as a whole or not at all; a reader never sees what is not durable, and sees no byte that it has not checked.
// Whatever changed afterwards is found and named, and nothing is repaired by forgetting.
//
// Not promised: what payloads mean, or any index over them. The chain of hashes shows any partial edit; who can rewrite
// every file can rewrite the chain, so its head is worth publishing (Log.Head).
//
// # Format, version 1 (little endian)
//
//	segment %020d.wal, named by its first LSN
//	+----------------+--------+---------+-----+--------+---------+-----+--//--+
//	| header 128     | header | payload | pad | header | payload | pad | zero |
//	+----------------+--------+---------+-----+--------+---------+-----+--//--+
//
//	record header, 104 bytes, at a multiple of 8
//	 0       4    5    6      8      12     16    24        32   40             72            104
//	 +-------+----+----+------+------+------+-----+---------+----+--------------+--------------+
//	 | EPR1  | v1 |kind|flags |length| crc  | lsn | durable | at | payload hash | chain        |
//	 +-------+----+----+------+------+------+-----+---------+----+--------------+--------------+
//
//	flags    bit 0 ends a batch
//	crc      CRC-32C of the log id, of bytes 0-11 and of 16-71: the length is trusted before the payload is read
//	durable  everything up to this LSN was synced before this header was written: what recovery lives on
//	chain    BLAKE3-256 of the previous chain and bytes 0-71
//
// Kind 255 is the journal's own: idle, seal, hole and erasure marks, which are links of the chain and no records. The
// normative page is docs/formats/wal.md.
//
// # Assumptions about disks
//
//   - A sector of 512 bytes is written whole or not at all; rewriting one with the same bytes cannot lose them.
//   - What fsync has returned nil for is there after power loss. Disks that lie are not defended against.
//   - Unsynced sectors, sizes and names reach the disk in any order and combination, or not at all.
//   - After a failed fsync the pages may be clean and not on disk, so it is never repeated.
//   - Bits rot anywhere, at any time, also in what was just synced.
//
// # Recovery
//
// Let b be the first LSN, and B the offset, after the last complete batch of the last segment. A clean start reads the
// headers and seals of all segments, CLEAN and the last record; any other start reads the whole last segment. Then:
//
//  1. A read failed: that is the error (*ReadError). Nothing is concluded from bytes that were not seen.
//  2. CLEAN names an LSN >= b, or a later segment exists: damaged (*DamagedError).
//  3. Behind B stands a header that says b was durable when it was written: damaged, naming it. Frames that follow B
//     one by one are skipped as a whole, so that records inside a payload are no proof. Valid records that were never
//     acknowledged prove nothing: the blocks of one unsynced write reach the disk in any order.
//  4. The store has applied b: its tail is lost (*LostTailError).
//  5. Otherwise what lies behind B is torn: it is copied beside the segment and the copy synced, then zeroed, and
//     reported as news.
//
// An erasure that was announced last is carried out again, whatever is left of the payload: the journal writes nothing
// between the mark and the end of the zeroing, so no other can be unfinished.
//
// What lies behind the last provably durable record is then written over itself and synced, and the directory too,
// before anything is handed out: an earlier life may have left it in the page cache only.
//
// # Where the design left a choice
//
//   - Rules 2 and 4 are applied also when nothing but zeros follows B. Zeros are how a lost tail looks.
//   - In rule 3 a mark's durable LSN may equal its own: that is what marks are for. A header suffices as proof even
//     when its payload is damaged too.
//   - A segment whose header does not check is damaged, also the last one: it was synced before it got its name.
//   - CLEAN names the last record, not the last mark, so that it tells Head.Chain as well; it also names the segment.
//     It is renamed into place. One that does not check costs a scan; one of another journal or history is damage.
//   - The store's witness is compared by chain too where the record is in what was read; elsewhere see Log.ChainAt.
//     An empty directory and a store that has applied something is a lost tail.
//   - Read-only shows every complete batch; Head.Durable says how far that is proven. It takes no lock, so it works
//     beside a writer, and looks twice before it calls anything torn or damaged.
//   - ENOSPC while zeros are laid ahead is a plain error and latches nothing: no record was touched.
//   - Segments are filled ahead in steps, not whole, and the next one is prepared in the last quarter of this one.
//   - At the end of a latched journal a reader waits; Head.Latched tells why.
//   - AcceptLoss refuses where the store has applied records behind the last that is left: rule 4. Where later records
//     are left, they and the hole tell of the loss for ever, and the store is not the last to know.
//   - A disk that does not answer is never a hole: copy what it gives to another one first.
//   - The payload of an erased record has to be zeros for Verify; readers trust the mark.
//   - The chain behind a hole starts from the first chain stored there: that always can be known, the one before it
//     often cannot.
package wal

// Package record holds the nouns of episteme: the immutable records an investigation stands on, their canonical
// bytes, their hashes and ids, and their form as JSON lines.
//
// Promises: one value has one encoding, what is hashed is byte for byte what is stored, and decoding refuses every
// byte string that encoding would not have written. Decoding never panics, whatever it is given, and allocates no
// more than a small multiple of its input.
//
// Not promised: any meaning across records. That a vote names an assertion that exists, or which of two claims
// wins, is for the packages above (ingest, lens, trace). Nothing here touches a disk, a clock or a network.
//
// # Canonical encoding, version 1 (little endian)
//
//	 0      1      2               8                                  8+8n
//	 +------+------+---------------+----------------+-----//----------+------+-------//-----+--//
//	 | kind | ver  | presence u48  | fixed field    | fixed field …   | u32  | bytes        | next variable …
//	 +------+------+---------------+----------------+-----//----------+------+-------//-----+--//
//
//	kind      1 evidence · 2 source · 3 assertion · 4 vote · 5 epoch · 6 transition · 7 event · 8 audit · 9 erasure
//	ver       1; anything else is ErrTooNew, never damage
//	presence  bit i is set when field i of the kind's table (fields.go) is present; a field added later takes the
//	          next bit, so a record without it encodes as it did before the field existed
//	fixed     the present fixed-size fields in table order, each at the next multiple of 8, zero-padded
//	variable  the present variable-size fields in table order, unaligned: u32 length, then that many bytes
//
// Evidence is the exception: its payload is the document's bytes and nothing else, so that b3sum proves a digest.
// docs/formats/record.md is the normative page; a test decodes its examples.
//
// # JSON lines
//
// A Reader takes a file line by line and refuses, as a *Reject with line, column and reason, what it can't take
// exactly as written; AppendJSON writes what a Reader reads back as the same record. The rules for both forms are in
// docs/formats/record.md, whose examples a test decodes.
//
// Text from data is hostile until it went through Clean (for a terminal) or AppendText (for JSON).
package record

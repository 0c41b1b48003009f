package wal

import (
	"errors"
	"fmt"
)

// What callers branch on. Each failure has one name; the structs below carry the facts and match with errors.Is.
var (
	ErrClosed         = errors.New("wal: the journal is closed")
	ErrReadOnly       = errors.New("wal: the journal was opened for reading only; open it for writing to append")
	ErrDamaged        = errors.New("damaged")         // *DamagedError: bytes that changed
	ErrLostTail       = errors.New("lost tail")       // *LostTailError: the store has seen records that are gone
	ErrTooNew         = errors.New("too new")         // *TooNewError: a later program wrote it
	ErrRead           = errors.New("cannot read")     // *ReadError: the disk did not answer
	ErrLatched        = errors.New("latched")         // *LatchedError: writing failed, nothing more is appended
	ErrNoSpace        = errors.New("no space")        // *NoSpaceError: nothing was written; try again with more room
	ErrUnknownOutcome = errors.New("unknown outcome") // *UnknownOutcomeError: cancelled when already on its way
	ErrLimit          = errors.New("over a limit")    // *LimitError: the caller's entries cannot be a batch
	ErrNoRecord       = errors.New("no such record")  // *PositionError: a position that names no durable record
)

// DamagedError says that bytes which were once durable are not what was written. Nothing was changed; the journal can
// still be opened with ReadOnly and read up to Intact.
type DamagedError struct {
	File     string
	Offset   int64
	LSN      LSN // of the record that should be there
	Found    string
	Expected string
	Intact   LSN // records up to here can be read
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("wal: damaged: %s at byte %d (lsn %d): found %s, expected %s; nothing was changed, records up to lsn %d "+
		"are intact and can be read - \"episteme verify\" lists all damage, \"episteme rebuild --accept-loss\" keeps what is left",
		e.File, e.Offset, e.LSN, e.Found, e.Expected, e.Intact)
}

// Is matches ErrDamaged.
func (e *DamagedError) Is(target error) bool { return target == ErrDamaged }

// LostTailError says that the store has applied records which the journal no longer has, or has otherwise.
type LostTailError struct {
	File     string // the last segment; the directory when there is none
	Offset   int64  // where the journal ends
	Last     LSN    // the journal's last record
	Applied  LSN    // what the store has seen
	Found    Hash   // chain in the journal at Applied; zero when it has no such record
	Expected Hash   // chain the store has seen at Applied
}

// found is what there is instead.
func (e *LostTailError) found() string {
	if e.Applied <= e.Last {
		return fmt.Sprintf("chain %s there", e.Found.short())
	}
	return fmt.Sprintf("the journal ends with lsn %d", e.Last)
}

func (e *LostTailError) Error() string {
	return fmt.Sprintf("wal: lost tail: %s at byte %d: the store has applied lsn %d with chain %s, found %s; nothing was changed - "+
		"bring back the journal from a copy; the store is the last witness, so do not rebuild it from this journal",
		e.File, e.Offset, e.Applied, e.Expected.short(), e.found())
}

// Is matches ErrLostTail.
func (e *LostTailError) Is(target error) bool { return target == ErrLostTail }

// TooNewError says that a later version of the program wrote this.
type TooNewError struct {
	File   string
	Offset int64
	LSN    LSN // of the record that should be there; 0 in a file's header
	Found  string
}

func (e *TooNewError) Error() string {
	return fmt.Sprintf("wal: too new: %s at byte %d (lsn %d): found %s, expected format version %d; nothing was changed - "+
		"open it with the version of episteme that wrote it, or a later one", e.File, e.Offset, e.LSN, e.Found, formatVersion)
}

// Is matches ErrTooNew.
func (e *TooNewError) Is(target error) bool { return target == ErrTooNew }

// ReadError says that the disk did not give the bytes. What they are is unknown, so nothing was concluded from them.
type ReadError struct {
	File   string
	Offset int64
	LSN    LSN // of the record that should be there; 0 when it is not known
	Err    error
}

func (e *ReadError) Error() string {
	return fmt.Sprintf("wal: cannot read: %s at byte %d (lsn %d): %v; nothing was changed - check the disk and the kernel's log, "+
		"copy the directory away, then open it again", e.File, e.Offset, e.LSN, e.Err)
}

// Is matches ErrRead.
func (e *ReadError) Is(target error) bool { return target == ErrRead }

// Unwrap is what the file system said.
func (e *ReadError) Unwrap() error { return e.Err }

// LatchedError says that writing failed. What was on its way may or may not be on disk, so nothing more is appended
// until the journal is opened again, which finds out.
type LatchedError struct {
	Op      string // what we were doing
	File    string
	Offset  int64
	Durable LSN // records up to here are durable and can be read
	Err     error
}

func (e *LatchedError) Error() string {
	return fmt.Sprintf("wal: latched: %s of %s at byte %d: %v; records up to lsn %d are durable and can be read, later appends are "+
		"refused, those under way have an unknown outcome - check the disk, then open the journal again", e.Op, e.File, e.Offset, e.Err, e.Durable)
}

// Is matches ErrLatched.
func (e *LatchedError) Is(target error) bool { return target == ErrLatched }

// Unwrap is what the file system said.
func (e *LatchedError) Unwrap() error { return e.Err }

// NoSpaceError says that an append was refused before any of its bytes were written.
type NoSpaceError struct {
	Dir     string
	Free    uint64 // bytes
	Reserve uint64 // bytes that are kept free
	Err     error  // nil when the reserve was the reason
}

func (e *NoSpaceError) Error() string {
	cause := ""
	if e.Err != nil {
		cause = ": " + e.Err.Error()
	}
	return fmt.Sprintf("wal: no space: append in %s: found %d bytes free, expected the reserve of %d and room for a segment%s; "+
		"nothing was written - free some space and append again", e.Dir, e.Free, e.Reserve, cause)
}

// Is matches ErrNoSpace.
func (e *NoSpaceError) Is(target error) bool { return target == ErrNoSpace }

// Unwrap is what the file system said.
func (e *NoSpaceError) Unwrap() error { return e.Err }

// UnknownOutcomeError says that an append was cancelled when its bytes were already on their way: it may be durable
// now, or become so. Read the journal, or append again where that does no harm.
type UnknownOutcomeError struct{ Err error }

func (e *UnknownOutcomeError) Error() string {
	return fmt.Sprintf("wal: unknown outcome: append cancelled while it was being written (%v): its records may be in the journal "+
		"or not - read on to see, or append again where a second copy does no harm", e.Err)
}

// Is matches ErrUnknownOutcome.
func (e *UnknownOutcomeError) Is(target error) bool { return target == ErrUnknownOutcome }

// Unwrap is the context's error.
func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// LimitError says that entries cannot be a batch.
type LimitError struct {
	What  string
	Entry int // index among the entries, -1 for all of them together
	Found int64
	Limit int64
}

func (e *LimitError) Error() string {
	which := "batch"
	if e.Entry >= 0 {
		which = fmt.Sprintf("entry %d", e.Entry)
	}
	return fmt.Sprintf("wal: append: %s: found %s %d, limit %d; nothing was written", which, e.What, e.Found, e.Limit)
}

// Is matches ErrLimit.
func (e *LimitError) Is(target error) bool { return target == ErrLimit }

// PositionError says that a position does not name a record that can be read.
type PositionError struct {
	Pos      Position
	Found    string
	Expected string
}

func (e *PositionError) Error() string {
	return fmt.Sprintf("wal: no record at segment %d byte %d (%d bytes): found %s, expected %s; the position is of another journal "+
		"or of a store that needs \"episteme rebuild\"", e.Pos.Segment, e.Pos.Offset, e.Pos.Length, e.Found, e.Expected)
}

// Is matches ErrNoRecord.
func (e *PositionError) Is(target error) bool { return target == ErrNoRecord }

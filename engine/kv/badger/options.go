package badger

import (
	"fmt"
	"log/slog"

	badgerdb "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

const (
	// valueThresholdBytes is from where on a value lies in the value log and not in the tables: few do, and a batch
	// may hold them beside what it can take of others. What scans read should lie where they read.
	valueThresholdBytes = 128 << 10

	// valueLogFileBytes bounds a file of the value log. Badger maps twice that, sparse, for the newest one.
	valueLogFileBytes = 64 << 20
)

// Badger's memory is that of the tables it is writing, not of its caches. Each is built in an arena of twice TableBytes, and
// mapped when it is done. A compaction builds up to five runs of tables at a time, one for each three tables of the level
// below that it meets, and two compactions run at once. So tables are small, few of them meet, and blocks are not
// compressed (each would lie there twice, and how much goes into a table would hang on the data). What the pool of arenas
// keeps is given up by arenas.go. Two tables of the newest level are merged into a first level of two to four: with four
// into sixteen MiB, 300 MB of JSON lines peaked at 202 to 223 MiB instead of 195 and took a seventh more processor time,
// and tables of 4 MiB peaked at 209 to 211; runs differ by some 20 MiB (decision 4).
const (
	// levelGrowth is how many times larger each level is: as many tables of the next one does a table meet. With 8 the
	// same 130 MB of JSON lines wrote 3.5 GB instead of 3.0, and took 155 MiB of heap instead of 140.
	levelGrowth = 3

	// levels is enough for 50 GB to grow by levelGrowth from 8 MiB. Above that the first level grows instead.
	levels = 10

	// newestTables are merged into the first level from this number on; at newestTablesMax writing waits.
	newestTables, newestTablesMax = 2, 8
)

// memTableBytesMin lets a batch hold a record with 4,096 references, each an entry of some 90 bytes, and a copy of it
// below valueThresholdBytes: 0.5 MB. 15 % of 4 MiB are 0.63.
const memTableBytesMin = 4 << 20

// Options says how much memory and how many files a store may use. Start from ServerOptions.
type Options struct {
	// MemTableBytes is the memory for what is not yet in a table; on opening after an unclean end as much is read
	// back. A batch may take 15 % of it, hence at least memTableBytesMin.
	MemTableBytes int64

	// MemTables is how many full ones may wait for the disk before Apply waits too.
	MemTables int

	// TableBytes is the size of a table. Writing takes some twenty times as much memory, and each table is an open
	// file and a mapping.
	TableBytes int64

	// LevelBytes is the size of the first level below the newest tables; each further one has levelGrowth times that.
	LevelBytes int64

	// Logger receives what badger has to say, nil drops it. Badger's errors are logged as errors, its other chat as
	// debug.
	Logger *slog.Logger
}

// ServerOptions are for a store that is kept. See decision 4 for what it takes: some 80 MiB of heap while it is filled as
// fast as it goes, most of it tables in the making, and pages of mapped files on top, which keepTrimmed bounds.
func ServerOptions() Options {
	return Options{
		MemTableBytes: 4 << 20,
		MemTables:     2,
		TableBytes:    2 << 20,
		LevelBytes:    8 << 20,
	}
}

// check refuses what badger would call damage, or panic over.
func (o Options) check() error {
	for _, limit := range []struct {
		name         string
		found, least int64
	}{
		{"MemTableBytes", o.MemTableBytes, memTableBytesMin},
		{"MemTables", int64(o.MemTables), 1},
		{"TableBytes", o.TableBytes, 1 << 20},
		{"LevelBytes", o.LevelBytes, o.TableBytes},
	} {
		if limit.found < limit.least {
			return fmt.Errorf("option %s: found %d, at least %d; start from ServerOptions",
				limit.name, limit.found, limit.least)
		}
	}
	return nil
}

// native is what badger is told for dir.
func (o Options) native(dir string, log *logger) badgerdb.Options {
	n := badgerdb.DefaultOptions(dir).WithLogger(log)

	n.BypassLockGuard = true  // lockDir holds the lock
	n.SyncWrites = false      // the journal is durable; Sync is asked for
	n.DetectConflicts = false // transactions only write
	n.NumVersionsToKeep = 1   // old versions live as long as a snapshot sees them
	n.MetricsEnabled = false  // they are process globals
	n.CompactL0OnClose = true // fewer tables to open next time
	n.VerifyValueChecksum = true
	n.ChecksumVerificationMode = options.OnBlockRead // and all at opening, by verifyTables

	n.MemTableSize = o.MemTableBytes
	n.NumMemtables = o.MemTables
	n.NumCompactors = 2 // badger's least; one is for the newest tables
	n.BaseTableSize = o.TableBytes
	n.TableSizeMultiplier = 1
	n.BaseLevelSize = o.LevelBytes
	n.LevelSizeMultiplier = levelGrowth
	n.MaxLevels = levels
	n.NumLevelZeroTables = newestTables
	n.NumLevelZeroTablesStall = newestTablesMax
	n.ValueThreshold = valueThresholdBytes
	n.ValueLogFileSize = valueLogFileBytes

	// Blocks and indices are read where the tables are mapped, so a cache would only remember that a block was checked.
	// Without one a get takes 7 µs, with one 11 (BenchmarkServer/get/100000x100B).
	n.Compression = options.None
	n.BlockCacheSize, n.IndexCacheSize = 0, 0
	return n
}

package badger

import (
	"fmt"
	"log/slog"

	badgerdb "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

const (
	// valueThresholdBytes is from where on a value lies in the value log and not in the tables. It is the most that
	// badger allows: what scans read should lie where they read.
	valueThresholdBytes = 1 << 20

	// valueLogFileBytes bounds a file of the value log. Badger maps twice that, sparse, for the newest one.
	valueLogFileBytes = 64 << 20
)

// memTableBytesMin lets a batch hold a value of valueThresholdBytes: 15 % of it are 1.2 MiB.
const memTableBytesMin = 8 << 20

// Options says how much memory and how many files a store may use. Start from ServerOptions or FixtureOptions.
type Options struct {
	// MemTableBytes is the memory for what is not yet in a table; on opening after an unclean end as much is read
	// back. A batch may take 15 % of it, hence at least memTableBytesMin.
	MemTableBytes int64

	// MemTables is how many full ones may wait for the disk before Apply waits too.
	MemTables int

	// TableBytes is the size of a table. Opening reads and verifies each, so few are better than many.
	TableBytes int64

	// LevelBytes is the size of the first level below the newest tables; each further one has ten times that.
	LevelBytes int64

	// BlockCacheBytes and IndexCacheBytes bound what is kept decoded of tables. An IndexCacheBytes of 0 keeps all
	// indices in memory. The block cache must have at least 1 MiB.
	BlockCacheBytes, IndexCacheBytes int64

	// Logger receives what badger has to say, nil drops it. Badger's errors are logged as errors, its other chat as
	// debug.
	Logger *slog.Logger
}

// ServerOptions are for a store that is kept. Logs and caches stay below 150 MiB of memory; tables are mapped besides.
func ServerOptions() Options {
	return Options{
		MemTableBytes:   16 << 20,
		MemTables:       2,
		TableBytes:      64 << 20,
		LevelBytes:      256 << 20, // four tables
		BlockCacheBytes: 64 << 20,
		IndexCacheBytes: 32 << 20,
	}
}

// FixtureOptions are for a small store that opens in milliseconds: thousands of audits, for a session.
func FixtureOptions() Options {
	return Options{
		MemTableBytes:   8 << 20,
		MemTables:       1,
		TableBytes:      8 << 20,
		LevelBytes:      32 << 20,
		BlockCacheBytes: 8 << 20,
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
		{"BlockCacheBytes", o.BlockCacheBytes, 1 << 20},
		{"IndexCacheBytes", o.IndexCacheBytes, 0},
	} {
		if limit.found < limit.least {
			return fmt.Errorf("option %s: found %d, at least %d; start from ServerOptions or FixtureOptions",
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
	n.ValueThreshold = valueThresholdBytes
	n.ValueLogFileSize = valueLogFileBytes

	n.BlockCacheSize = o.BlockCacheBytes
	n.IndexCacheSize = o.IndexCacheBytes
	n.Compression = options.Snappy // scans no slower than none: BenchmarkServer/scan/100000x100B 25 ms, without 31 ms
	return n
}

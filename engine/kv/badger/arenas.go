package badger

import (
	"reflect"

	badgerdb "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/ristretto/v2/z"
)

// arenas is badger's pool of the memory that tables are built in. Up to eight wait there to be used again, each as large as
// the largest table that was ever built in it, and one goes when two seconds have passed without a table. A store that is
// written to never has such two seconds: after some merges among the newest tables 128 MB lay there for good.
//
// Badger has no option for it, and its field is private. The field is only read, it never changes while a database is open,
// and what is done with the pool are its own exported methods, which any number of goroutines may call. Nobody may call
// them once the database is closed.
type arenas struct{ pool *z.AllocatorPool }

func arenasOf(db *badgerdb.DB) arenas {
	field := reflect.ValueOf(db).Elem().FieldByName("allocPool")
	if !field.IsValid() || field.Type() != reflect.TypeFor[*z.AllocatorPool]() {
		return arenas{} // a badger that has changed; TestArenas tells us
	}
	return arenas{(*z.AllocatorPool)(field.UnsafePointer())}
}

// release gives up those that no table is being built in.
func (a arenas) release() {
	if a.pool == nil {
		return
	}
	const smallest = 512 // what a pool makes when it has none
	for {
		arena := a.pool.Get(smallest, "release")
		waited := arena.Allocated() > smallest
		arena.Release()
		if !waited {
			return
		}
	}
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"episteme/engine"
)

// systemDir is where a server keeps its evidence.
const systemDir = "/var/lib/episteme"

// place is a directory where the evidence may be, and why it was passed over.
type place struct {
	dir     string
	why     string // empty: it is here
	refused bool   // something is there that could not be looked into
}

// places lists where evidence may be, in the order it is looked for.
func (a *app) places() []place {
	if a.data != "" {
		return []place{look(a.data)}
	}
	list := []place{look(systemDir)}
	if dir, err := personalDir(); err == nil {
		list = append(list, look(dir))
	}
	return list
}

// personalDir is the data directory of this user.
func personalDir() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "episteme"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no place for the data: %w; name one with --data DIR", err)
	}
	return filepath.Join(home, ".local", "share", "episteme"), nil
}

// look says whether dir holds evidence that this user can open.
func look(dir string) place {
	_, err := os.ReadDir(filepath.Join(dir, "wal"))
	switch {
	case err == nil:
		return place{dir: dir}
	case errors.Is(err, fs.ErrPermission):
		return place{dir, "not readable by you: sudo -u episteme episteme", true}
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Join(dir, "kv")); err == nil {
			return place{dir, "holds a store and no journal: wal/ was moved or removed; put it back, the evidence is in it", true}
		}
		if _, err := os.Stat(dir); err == nil {
			return place{dir: dir, why: "holds no journal"}
		}
		return place{dir: dir, why: "does not exist"}
	}
	return place{dir, err.Error(), true}
}

// nothingError says that there is no evidence to ask, and where it was looked for.
type nothingError struct{ looked []place }

// refused reports whether evidence may be there that could not be looked at.
func (e *nothingError) refused() bool {
	return slices.ContainsFunc(e.looked, func(p place) bool { return p.refused })
}

func (e *nothingError) Error() string {
	var b strings.Builder
	if e.refused() {
		b.WriteString("the evidence could not be read. Looked in:\n")
	} else {
		b.WriteString("nothing has been recorded here yet. Looked in:\n")
	}
	for _, p := range e.looked {
		fmt.Fprintf(&b, "  %s: %s\n", p.dir, p.why)
	}
	b.WriteString("`episteme ingest FILE` takes records in; `episteme tui --fixture auth-jwt` shows an incident that comes with the program")
	return b.String()
}

// lockWait is how long a command waits for another one to end: most take less than a second.
const lockWait = 3 * time.Second

// openForReading opens evidence that exists; *nothingError when there is none. It makes no directory.
func (a *app) openForReading(ctx context.Context) (*engine.Engine, error) {
	looked := a.places()
	for _, p := range looked {
		if p.why == "" {
			e, err := a.open(ctx, p.dir)
			if err != nil {
				return nil, err
			}
			return e, a.catchUp(ctx, e)
		}
	}
	return nil, &nothingError{looked}
}

// openForWriting opens the evidence that exists, or makes a place for it.
func (a *app) openForWriting(ctx context.Context) (*engine.Engine, error) {
	looked := a.places()
	for _, p := range looked {
		if p.why == "" {
			return a.open(ctx, p.dir)
		}
	}
	return a.open(ctx, looked[len(looked)-1].dir)
}

func (a *app) open(ctx context.Context, dir string) (*engine.Engine, error) {
	t, err := now()
	if err != nil {
		return nil, err
	}
	clock := time.Now
	if os.Getenv("EPISTEME_NOW") != "" {
		clock = func() time.Time { return t }
	}
	e, err := engine.Open(ctx, engine.Options{Dir: dir, Now: clock, LockWait: lockWait})
	if err != nil {
		return nil, err
	}
	for _, news := range e.News() {
		fmt.Fprintf(a.err, "episteme: %s\n", cleanLines(news))
	}
	return e, nil
}

// catchUp waits for the store, so that a command of a moment ago is seen. Where the store has no room to follow, what it has
// is shown, and lists say how far behind it is.
func (a *app) catchUp(ctx context.Context, e *engine.Engine) error {
	err := e.CatchUp(ctx)
	if errors.Is(err, engine.ErrNoRoom) {
		fmt.Fprintf(a.err, "episteme: the store is behind the journal: %s\n", cleanLines(err.Error()))
		return nil
	}
	if err != nil {
		return errors.Join(err, e.Close())
	}
	return nil
}

// withEvidence runs f over evidence that exists and closes it, whatever f does.
func (a *app) withEvidence(ctx context.Context, f func(*engine.Engine) error) error {
	e, err := a.openForReading(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(e), e.Close())
}

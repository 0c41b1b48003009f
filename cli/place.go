package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"episteme/engine"
	"episteme/engine/api"
)

// systemDir is where a server keeps its evidence.
const systemDir = "/var/lib/episteme"

// systemSockets are where a server of this machine listens.
func systemSockets() []string {
	return []string{"/run/episteme/" + socketName, systemDir + "/" + socketName}
}

// place is a directory or a socket where the evidence may be, and why it was passed over.
type place struct {
	dir     string
	why     string // empty: it is here
	refused bool   // something is there that could not be looked into
	socket  bool   // dir is the socket of a server
}

// places lists where evidence may be, in the order it is looked for.
func (a *app) places() []place {
	if a.data != "" {
		return []place{look(a.data)}
	}
	var list []place
	for _, path := range systemSockets() {
		list = append(list, lookAtSocket(path))
	}
	list = append(list, look(systemDir))
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
		return place{dir: dir, why: "not readable by you: sudo -u episteme episteme", refused: true}
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Join(dir, "kv")); err == nil {
			return place{dir: dir, why: "holds a store and no journal: wal/ was moved or removed; put it back, the evidence is in it", refused: true}
		}
		if _, err := os.Stat(dir); err == nil {
			return place{dir: dir, why: "holds no journal"}
		}
		return place{dir: dir, why: "does not exist"}
	}
	return place{dir: dir, why: err.Error(), refused: true}
}

// lookAtSocket says whether a server answers on a socket.
func lookAtSocket(path string) place {
	p := place{dir: path, socket: true}
	conn, err := net.Dial("unix", path)
	switch {
	case err == nil:
		conn.Close()
	case errors.Is(err, fs.ErrPermission):
		p.why, p.refused = "not readable by you: sudo -u episteme episteme", true
	case nobodyThere(err):
		p.why = "no server listens there"
	default:
		p.why = err.Error()
	}
	return p
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

// lockWait is how long a command that needs a directory for itself waits for another one to end: most take less than a
// second.
const lockWait = 3 * time.Second

// openForReading opens evidence that exists; *nothingError when there is none. It makes no directory.
func (a *app) openForReading(ctx context.Context) (evidence, error) {
	e, looked, err := a.openThatExists(ctx)
	switch {
	case err != nil:
		return nil, err
	case e == nil:
		return nil, &nothingError{looked}
	}
	return e, a.catchUp(ctx, e)
}

// openForWriting opens the evidence that exists, or makes a place for it.
func (a *app) openForWriting(ctx context.Context) (evidence, error) {
	e, looked, err := a.openThatExists(ctx)
	if err != nil || e != nil {
		return e, err
	}
	return a.openOrAttach(ctx, looked[len(looked)-1].dir)
}

// openThatExists opens the evidence at the first place that has some; nil, and where it was looked, when none has.
func (a *app) openThatExists(ctx context.Context) (evidence, []place, error) {
	if a.far != nil {
		return lent{a.far.evidence}, nil, nil
	}
	if a.server != "" {
		e, err := a.openServer()
		return e, nil, err
	}
	looked := a.places()
	for _, p := range looked {
		switch {
		case p.why != "":
		case p.socket:
			e, err := a.openSocket(p.dir)
			return e, looked, err
		default:
			e, err := a.openOrAttach(ctx, p.dir)
			return e, looked, err
		}
	}
	return nil, looked, nil
}

// catchUp waits for the store, so that a command of a moment ago is seen. Where the store has no room to follow, what it has
// is shown, and lists say how far behind it is.
func (a *app) catchUp(ctx context.Context, e evidence) error {
	err := e.CatchUp(ctx)
	var elsewhere *api.ServerError
	if errors.Is(err, engine.ErrNoRoom) || errors.As(err, &elsewhere) && elsewhere.Name == noRoom {
		fmt.Fprintf(a.err, "episteme: the store is behind the journal: %s\n", cleanLines(err.Error()))
		return nil
	}
	if err != nil {
		return errors.Join(err, e.Close())
	}
	return nil
}

// withEvidence runs f over evidence that exists and closes it, whatever f does.
func (a *app) withEvidence(ctx context.Context, f func(evidence) error) error {
	e, err := a.openForReading(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(e), e.Close())
}

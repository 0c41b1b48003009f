package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"episteme/engine"
	"episteme/engine/api"
)

// evidence is what commands put their questions to: evidence that this process holds, or that another one does.
type evidence interface {
	api.Evidence
	Close() error
}

// socketName is the socket that whoever holds a directory serves in it.
const socketName = "episteme.sock"

// socketPathMax is how long the path of a socket may be, in bytes: the least of the systems we know has room for 104
// and a zero.
const socketPathMax = 103

// socketOf is the path of the socket of a directory: in it, or under a name made from its own where that is too long.
// It is empty where there is no room for one: a directory that everybody can write to is no place for a socket.
func socketOf(dir string) string {
	if full, err := filepath.EvalSymlinks(dir); err == nil {
		dir = full
	}
	if full, err := filepath.Abs(dir); err == nil {
		dir = full
	}
	if path := filepath.Join(dir, socketName); len(path) <= socketPathMax {
		return path
	}
	runtime := os.Getenv("XDG_RUNTIME_DIR")
	if !filepath.IsAbs(runtime) {
		return ""
	}
	hash := sha256.Sum256([]byte(dir))
	return filepath.Join(runtime, "episteme-"+hex.EncodeToString(hash[:8])+".sock")
}

// noSocketRoom says why a directory has no socket, and what to do.
const noSocketRoom = "the path of the directory is too long for a socket in it, and XDG_RUNTIME_DIR, where it would be otherwise, is not set: set it for both, or take a shorter path"

// attachPatience is how long is waited for a process that holds the directory and does not answer yet: it may be about
// to end, or still be putting a journal in order. A guess: what a person waits.
const attachPatience = 10 * time.Second

// attachRetry is short against a person, and long against an attempt.
const attachRetry = 20 * time.Millisecond

// heldError says that another process holds a directory and cannot be spoken to.
type heldError struct {
	dir string
	pid int
	why string
}

func (e *heldError) Error() string {
	return fmt.Sprintf("%s is in use by %s, %s", e.dir, processName(e.pid), e.why)
}

// processName is a process by its id, 0 being one that had not written its own yet.
func processName(pid int) string {
	if pid == 0 {
		return "another process"
	}
	return fmt.Sprintf("process %d", pid)
}

// whoHolds says who keeps a command from a directory that it needs for itself.
func whoHolds(err error) error {
	var held *engine.LockedError
	if !errors.As(err, &held) {
		return err
	}
	return &heldError{filepath.Dir(held.Path), held.PID, "and this command needs it for itself; end that process, then run this again"}
}

// openOrAttach holds a directory, or speaks to whoever does.
func (a *app) openOrAttach(ctx context.Context, dir string) (evidence, error) {
	deadline := time.Now().Add(attachPatience)
	for {
		h, err := a.hold(ctx, dir)
		var held *engine.LockedError
		if !errors.As(err, &held) {
			if err != nil {
				return nil, err
			}
			return h, nil
		}
		att := &attached{app: a, dir: dir}
		if conn, err := att.knock(ctx); err == nil {
			conn.Close()
			if err := att.connect(); err != nil {
				return nil, err
			}
			if err := att.greet(ctx, held.PID); err != nil {
				return nil, err
			}
			fmt.Fprintf(a.err, "episteme: attached to %s, which holds %s\n", processName(held.PID), dir)
			return att, nil
		}
		if time.Now().After(deadline) {
			why := "which does not answer: it may be checking the directory or making its store anew; run this again when it has ended"
			if socketOf(dir) == "" {
				why = "which cannot be asked: " + noSocketRoom
			}
			return nil, &heldError{dir, held.PID, why}
		}
		if err := pause(ctx, attachRetry); err != nil {
			return nil, err
		}
	}
}

func pause(ctx context.Context, wait time.Duration) error {
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// attached is evidence that another process holds. When that process ends, this one holds the directory itself from
// then on, and goes on speaking to the same socket, which is its own now: a UI must not lose its evidence because a
// command of a second was the first to come.
type attached struct {
	*api.Client
	app *app
	dir string

	mu  sync.Mutex
	own *holder // guarded by mu; nil while another process holds the directory

	taken atomic.Bool // own is not nil: for a screen, which does not wait for mu
}

func (t *attached) connect() (err error) {
	t.Client, err = api.NewClient(api.ClientOptions{Socket: socketOf(t.dir), Dial: t.dial, Export: t.app.exporting})
	return err
}

// greetPatience is how long a holder may take for a sign of life: it takes a millisecond, or seconds where all of memory
// is swapped out.
const greetPatience = 5 * time.Second

// greet waits for a sign of life: a holder that is suspended (^Z) takes connections, and would never answer.
func (t *attached) greet(ctx context.Context, pid int) error {
	waiting, cancel := context.WithTimeout(ctx, greetPatience)
	defer cancel()
	err := t.Alive(waiting)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		wake := "kill -CONT it"
		if pid != 0 {
			wake = fmt.Sprintf("kill -CONT %d", pid)
		}
		return &heldError{t.dir, pid, fmt.Sprintf("which is there and does not answer: it may be suspended; `fg` in its terminal or `%s` wakes it", wake)}
	}
	return err
}

func (t *attached) knock(ctx context.Context) (net.Conn, error) {
	path := socketOf(t.dir)
	if path == "" {
		return nil, &fs.PathError{Op: "connect", Path: t.dir, Err: fs.ErrNotExist}
	}
	return (&net.Dialer{}).DialContext(ctx, "unix", path)
}

// dial connects to whoever holds the directory; to this process itself, when nobody does.
func (t *attached) dial(ctx context.Context) (net.Conn, error) {
	deadline := time.Now().Add(attachPatience)
	for {
		conn, err := t.knock(ctx)
		if err == nil || !nobodyThere(err) {
			return conn, err
		}
		if err := t.takeOver(ctx); err != nil {
			return nil, err
		}
		if time.Now().After(deadline) {
			return nil, err
		}
		if err := pause(ctx, attachRetry); err != nil {
			return nil, err
		}
	}
}

// nobodyThere reports whether a socket is gone, or nobody listens to it any more.
func nobodyThere(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

// takeOver holds the directory, unless somebody else does by now.
func (t *attached) takeOver(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.own != nil {
		return errors.New("the evidence is being closed")
	}
	own, err := t.app.hold(context.WithoutCancel(ctx), t.dir)
	var held *engine.LockedError
	if errors.As(err, &held) {
		return nil
	}
	t.own = own
	t.taken.Store(own != nil)
	return err
}

func (t *attached) Close() error {
	err := t.Client.Close()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.own != nil {
		err = errors.Join(err, t.own.Close())
	}
	return err
}

// openSocket speaks to the server of this machine.
func (a *app) openSocket(path string) (evidence, error) {
	c, err := api.NewClient(api.ClientOptions{Socket: path, Export: a.exporting})
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(a.err, "episteme: attached to the server at %s\n", path)
	return remote{c}, nil
}

// remote is evidence on another machine.
type remote struct{ *api.Client }

// serverVariable and tokenVariable name the server to ask, and the secret to ask it with.
const (
	serverVariable = "EPISTEME_SERVER"
	tokenVariable  = "EPISTEME_TOKEN"
)

// openServer speaks to the server that --server names.
func (a *app) openServer() (evidence, error) {
	o := api.ClientOptions{URL: a.server, Token: os.Getenv(tokenVariable), Export: a.exporting}
	c, err := api.NewClient(o)
	if err != nil {
		return nil, usage(fmt.Errorf("--server: %w", err))
	}
	if o.Token != "" && c.InTheClear() {
		fmt.Fprintf(a.err, "episteme: the token goes to %s unencrypted; use https:// unless the way there is safe\n", a.server)
	}
	return remote{c}, nil
}

// server is the server to ask, empty for none: a server that was typed, then a directory that was typed, then those of
// the environment in the same order.
func (a *app) chooseServer(typedServer, typedData bool) error {
	switch {
	case typedServer && typedData:
		return usage(errors.New("--server and --data are two places: name one"))
	case typedData:
		a.server = ""
	}
	return nil
}

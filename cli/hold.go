package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"episteme/engine"
	"episteme/engine/api"
	"episteme/engine/intake"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/engine/wal"
)

// holder is evidence that this process holds, and serves to others over a socket for as long as it does.
type holder struct {
	*engine.Engine
	server *api.Server
	socket string // path; empty: there is no room for one
	done   chan error
}

// holdOptions are what `episteme serve` has to say on how evidence is held.
type holdOptions struct {
	tokens string
	hosts  []string
	log    *slog.Logger
}

// closePatience is how long others may take to finish what they asked before the directory is given back.
const closePatience = 5 * time.Second

// hold opens a directory and serves its socket. *engine.LockedError while another process holds it.
func (a *app) hold(ctx context.Context, dir string) (*holder, error) {
	return a.holdWith(ctx, dir, holdOptions{})
}

func (a *app) holdWith(ctx context.Context, dir string, o holdOptions) (*holder, error) {
	t, err := now()
	if err != nil {
		return nil, err
	}
	clock := time.Now
	if os.Getenv(nowVariable) != "" {
		clock = func() time.Time { return t }
	}
	e, err := engine.Open(ctx, engine.Options{Dir: dir, Now: clock})
	if err != nil {
		return nil, err
	}
	for _, news := range e.News() {
		fmt.Fprintf(a.err, "episteme: %s\n", cleanLines(news))
	}
	h := &holder{Engine: e}
	h.server, err = api.New(api.Options{
		Evidence: e, Tokens: o.tokens, Hosts: o.hosts, Traces: readTraces, Classify: classify, Now: clock, Log: o.log,
		Access: filepath.Join(dir, "access.log"),
	})
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	if err := h.serveSocket(dir); err != nil { // not every file system has sockets; what is here can be read all the same
		fmt.Fprintf(a.err, "episteme: nobody else can ask while this runs: %s\n", cleanLines(err.Error()))
	}
	return h, nil
}

// serveSocket listens to the socket of the directory. A socket that lies there is nobody's: this process has the lock.
func (h *holder) serveSocket(dir string) error {
	h.socket = socketOf(dir)
	if h.socket == "" {
		return errors.New(noSocketRoom)
	}
	l, err := listenSocket(h.socket)
	if err != nil {
		h.socket = ""
		return fmt.Errorf("serve the socket of %s: %w", dir, err)
	}
	h.done = make(chan error, 1)
	go func() { h.done <- h.server.Serve(api.Door{Listener: l, Trust: api.Machine}) }()
	return nil
}

// listenSocket makes a socket that its owner alone can open. It takes the place of a socket that lies there, and of
// nothing else.
func listenSocket(path string) (net.Listener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode()&fs.ModeSocket == 0:
		return nil, fmt.Errorf("%s is %s, expected a socket or nothing; move it away", path, fileKind(info.Mode()))
	default:
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("unix", path) // made with mode 0600 by keepPrivate
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Close lets others finish what they asked, for a while, and gives the directory back.
func (h *holder) Close() error { return h.closeWithin(closePatience) }

func (h *holder) closeWithin(patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := h.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil // what still ran was cut off, which its askers were told by the broken connection
	}
	if h.done != nil {
		err = errors.Join(err, <-h.done)
	}
	return errors.Join(err, h.Engine.Close())
}

// readTraces reads OTLP for the server.
func readTraces(r io.Reader, _ string) (ask.Lines, func() map[string]int, error) {
	format, _ := intake.ByName("otlp")
	dec, err := format.Open(r, intake.Options{File: "body"})
	if err != nil {
		return nil, nil, err
	}
	return lines{dec}, func() map[string]int { return dec.Dropped() }, nil
}

// noRoom is what ErrNoRoom is called from afar.
const noRoom = "store-no-room"

// classify tells failures of the journal and the store apart for those who ask from afar.
func classify(err error) (api.Failure, bool) {
	const soon, later = time.Second, 30 * time.Second // what passes by itself; what somebody has to see to
	unavailable := func(name, title string, retry time.Duration) (api.Failure, bool) {
		return api.Failure{Name: name, Status: 503, Title: title, Retry: retry, Private: false}, true
	}
	var behind *engine.BehindError
	var invalid *record.LayoutError
	switch {
	case errors.As(err, &behind):
		return unavailable("behind", "The question is written down and its answer is not visible yet", soon)
	case errors.Is(err, wal.ErrNoSpace):
		return unavailable("no-space", "The journal has no room: nothing was written", later)
	case errors.Is(err, wal.ErrLatched):
		return unavailable("journal-stopped", "The journal takes nothing more until its disk was looked at", later)
	case errors.Is(err, wal.ErrClosed):
		return unavailable("closing", "The evidence is being closed", soon)
	case errors.Is(err, wal.ErrUnknownOutcome):
		return unavailable("unknown-outcome", "It may have been written, or not: send it again", soon)
	case errors.Is(err, engine.ErrNoRoom):
		return unavailable(noRoom, "The store has no room to follow the journal", later)
	case errors.Is(err, wal.ErrLimit):
		return api.Failure{Name: "batch-too-large", Status: 413, Title: "More than the journal takes at once"}, true
	case errors.As(err, &invalid):
		return api.Failure{Name: "layout", Status: 422, Title: "A record cannot be read"}, true
	case errors.Is(err, wal.ErrDamaged), errors.Is(err, wal.ErrRead):
		return api.Failure{Name: "damaged", Status: 500, Title: "The evidence cannot be read", Private: true}, true
	}
	return api.Failure{}, false
}

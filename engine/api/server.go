package api

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"episteme/engine/trace/ask"
)

// Format reads a foreign format of records, for routes that take one. Dropped counts what was left out on purpose, by
// reason, once Next has returned io.EOF.
type Format func(r io.Reader, file string) (lines ask.Lines, dropped func() map[string]int, err error)

// Options say how evidence is served. Only Evidence is needed.
type Options struct {
	Evidence Held
	Tokens   string   // the file of tokens; empty: there are none
	Hosts    []string // names by which clients reach the server, beside loopback ones, its addresses and its own name

	Traces   Format                      // OTLP; nil: the route says that it is not there
	Classify func(error) (Failure, bool) // of errors this package does not know
	Now      func() time.Time            // of "now" in times; nil: the real clock
	Log      *slog.Logger                // nil: nothing is logged
	Access   string                      // the file of refusals and exports; empty: none

	Limits Limits
}

// Limits of a server. The zero value of each is the default beside it.
type Limits struct {
	HeaderBytes int           // 32 KiB: a query string of all filters takes a few
	HeaderTime  time.Duration // 5 s: from the first byte of a connection or a request to the end of its header
	IdleTime    time.Duration // 60 s: between two requests
	StallTime   time.Duration // 30 s: without a byte of a body coming, or one of an answer being taken
	AnswerTime  time.Duration // 60 s: of one question
	Connections int           // 512 at once; beyond them the one that is idle longest makes room
	Streams     int           // 64 that follow live at once
	BodyBytes   int64         // 1 MiB: of one question
	RecordBytes int64         // 256 MiB: of records that stream in, decompressed
	TraceBytes  int64         // 32 MiB: of spans, decompressed; collectors send 4 MiB at most unless told otherwise
	PerSecond   float64       // 100 requests of one token
	Burst       int           // 200
}

// withDefaults fills in what was not set. All are guesses but where they say otherwise.
func (l Limits) withDefaults() Limits {
	fill(&l.HeaderBytes, 32<<10)
	fill(&l.HeaderTime, 5*time.Second)
	fill(&l.IdleTime, 60*time.Second)
	fill(&l.StallTime, 30*time.Second)
	fill(&l.AnswerTime, 60*time.Second)
	fill(&l.Connections, 512)
	fill(&l.Streams, 64)
	fill(&l.BodyBytes, 1<<20)
	fill(&l.RecordBytes, 256<<20)
	fill(&l.TraceBytes, 32<<20)
	fill(&l.PerSecond, 100)
	fill(&l.Burst, 200)
	return l
}

func fill[T comparable](v *T, standard T) {
	var zero T
	if *v == zero {
		*v = standard
	}
}

// Server answers over HTTP from evidence that this process holds. Safe for use by several goroutines.
type Server struct {
	o       Options
	held    Held
	log     *slog.Logger
	tokens  *tokens
	rates   *rates
	replays *replays
	access  *accessLog
	noting  *rates // of lines of the access log
	unnoted *tally // of lines that were left out of it
	metrics *metrics
	buffers buffers
	table   *table
	openapi func() ([]byte, error)

	ending context.Context // done once the server is asked to end: streams end with it
	end    context.CancelFunc

	running sync.WaitGroup // requests being answered

	mu        sync.Mutex
	following map[string]int // guarded by mu; requests that follow live, by who asks
	servers   []*http.Server // guarded by mu; one a listener
	names     []string       // guarded by mu; of certificates
}

// New makes a server. It listens to nothing yet. Errors: a file of tokens that cannot be read.
func New(o Options) (*Server, error) {
	o.Limits = o.Limits.withDefaults()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{o: o, held: o.Evidence, log: o.Log, following: map[string]int{}}
	var err error
	if s.tokens, err = openTokens(o.Tokens, time.Now, s.tokensUnreadable); err != nil {
		return nil, err
	}
	if s.access, err = openAccessLog(o.Access); err != nil {
		return nil, err
	}
	s.rates = newRates(o.Limits.PerSecond, o.Limits.Burst)
	s.noting, s.unnoted = newRates(notesPerSecond, notesAtOnce), &tally{}
	s.replays = newReplays(time.Now)
	s.metrics = newMetrics(s.held)
	s.table = newTable(routes())
	s.openapi = sync.OnceValues(func() ([]byte, error) { return openAPI(s.table.routes) })
	s.ending, s.end = context.WithCancel(context.Background())
	return s, nil
}

func (s *Server) tokensUnreadable(err error) {
	s.log.Error("the tokens cannot be read, so none is valid", "file", s.o.Tokens, "error", err)
}

// Trust says what a listener's callers may do without a token.
type Trust int

const (
	Strangers Trust = iota // nothing: any address
	Loopback               // read: this machine
	Machine                // everything: a socket, opened by whom its file mode lets
)

// Door is a way in.
type Door struct {
	Listener net.Listener
	Trust    Trust
	TLS      *tls.Certificate // nil: none
}

// Serve answers at a door until Shutdown, and closes its listener. It returns nil after Shutdown.
func (s *Server) Serve(d Door) error {
	limits, trust := s.o.Limits, d.Trust
	room := newRoomy(d.Listener, limits.Connections)
	l := net.Listener(room)
	if d.TLS != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*d.TLS}, MinVersion: tls.VersionTLS12})
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, trust) }),
		ReadHeaderTimeout: limits.HeaderTime,
		IdleTimeout:       limits.IdleTime,
		MaxHeaderBytes:    limits.HeaderBytes,

		DisableGeneralOptionsHandler: true, // what net/http answers by itself passes no guard
		ErrorLog:                     slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ConnState:                    room.state,
		BaseContext:                  func(net.Listener) context.Context { return context.WithoutCancel(s.ending) },
	}
	s.mu.Lock()
	if s.ending.Err() != nil {
		s.mu.Unlock()
		return l.Close()
	}
	s.servers = append(s.servers, server)
	s.names = append(s.names, namesOf(d.TLS)...)
	s.mu.Unlock()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Shutdown stops accepting, lets what runs finish until ctx ends, then cuts it off and waits for it to notice. The
// evidence stays open. It may be called again.
func (s *Server) Shutdown(ctx context.Context) error {
	s.end()
	s.mu.Lock()
	servers := s.servers
	s.mu.Unlock()
	var wait sync.WaitGroup
	errs := make([]error, len(servers))
	for i, server := range servers {
		wait.Go(func() {
			if errs[i] = server.Shutdown(ctx); errs[i] != nil {
				server.Close()
			}
		})
	}
	wait.Wait()
	s.mu.Lock()
	s.servers = nil
	s.mu.Unlock()
	s.leave()
	return errors.Join(append(errs, s.access.close())...)
}

// leaveTime is how long a question that was cut off may take to notice. Each polls its context; a guess.
const leaveTime = 5 * time.Second

// leave waits for the questions that were cut off: nobody may still be reading when the evidence is closed.
func (s *Server) leave() {
	left := make(chan struct{})
	go func() {
		s.running.Wait()
		close(left)
	}()
	select {
	case <-left:
	case <-time.After(leaveTime):
		s.log.Error("a question that was cut off does not end")
	}
}

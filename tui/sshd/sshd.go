// Package sshd is the SSH side of a server: who may come in, how many at once, and what a connection may ask for.
//
// Promises: nobody comes in but by a key of the file of keys, which is read again when it changes: a key that is taken
// out ends its sessions. A connection carries sessions and nothing else: no forwarding of ports, sockets, agents or X11,
// no subsystem such as SFTP, and no variable of its environment but those of Allowed. A session that panics ends with a
// sentence and status 1, and no other one notices. Whoever connects and says nothing is cut off.
//
// Not promised: what a session shows. That is its Handler's, which also decides what a command may be; there is no shell
// behind any of it.
package sshd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/charmbracelet/ssh"
	"github.com/charmbracelet/wish"
	gossh "golang.org/x/crypto/ssh"
)

// Options say who may come in and what for. Keys, HostKey and Handler are needed.
type Options struct {
	Keys    string // the file of keys, mode 0600
	HostKey string // the file of the server's own key, made when it is not there

	// Handler runs a session to its end and returns its exit status. It runs on a goroutine of its own.
	Handler func(*Session) int

	Refused func(Refusal) // is told of everybody who was not let in, on any goroutine; nil: nobody is
	Log     *slog.Logger  // nil: nothing is logged
	Limits  Limits
}

// Refusal is somebody, or something, that was not let in.
type Refusal struct {
	Why    string // key, login-time, sessions: a word, for counting
	Who    string // the name of the key that is known, else the user that was asked for and the key that was shown
	Remote string // address
	What   string // what was wanted
}

// Limits of a server. The zero value of each is the default beside it; all are guesses but where they say otherwise.
type Limits struct {
	Sessions  int           // 64 at once
	PerKey    int           // 16 of them by one key
	Strangers int           // 64 connections that have not logged in; beyond them the oldest makes room
	LoginTime time.Duration // 20 s: from the connection to the end of the login
	Tries     int           // 6 keys that a login may show, which is what OpenSSH allows
	Silence   time.Duration // 35 min without a byte from the client, then its connection is cut; a screen's own clock comes first
}

func (l Limits) withDefaults() Limits {
	fill(&l.Sessions, 64)
	fill(&l.PerKey, 16)
	fill(&l.Strangers, 64)
	fill(&l.LoginTime, 20*time.Second)
	fill(&l.Tries, 6)
	fill(&l.Silence, 35*time.Minute)
	return l
}

func fill[T comparable](v *T, standard T) {
	var zero T
	if *v == zero {
		*v = standard
	}
}

// Server lets people in over SSH. Safe for use by several goroutines.
type Server struct {
	o       Options
	log     *slog.Logger
	ssh     *ssh.Server
	keys    *keys
	host    gossh.Signer
	ending  context.Context // done once the server is asked to end: sessions end with it
	end     context.CancelCauseFunc
	running sync.WaitGroup // sessions

	mu        sync.Mutex
	strangers []*guest          // guarded by mu; the oldest first
	guests    map[*guest]bool   // guarded by mu; all that are connected
	sessions  map[*Session]bool // guarded by mu
}

// ErrEnding is the cause with which sessions end when the server does.
var ErrEnding = errors.New("the server is ending")

// errRevoked is the cause with which a session ends whose key was taken out, or may do something else now.
var errRevoked = errors.New("the key was taken out of the server's file of keys, or its options were changed there")

// New makes a server. It listens to nothing yet. Errors: a file of keys that is not there or cannot be read, a host key
// that cannot be read or made.
func New(o Options) (*Server, error) {
	o.Limits = o.Limits.withDefaults()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Refused == nil {
		o.Refused = func(Refusal) {}
	}
	s := &Server{o: o, log: o.Log, guests: map[*guest]bool{}, sessions: map[*Session]bool{}}
	var err error
	if s.keys, err = openKeys(o.Keys); err != nil {
		return nil, err
	}
	if s.host, err = hostKey(o.HostKey); err != nil {
		return nil, err
	}
	s.ending, s.end = context.WithCancelCause(context.Background())
	s.ssh, err = wish.NewServer(s.settings, wish.WithPublicKeyAuth(s.mayLogIn), wish.WithVersion("episteme"))
	return s, err
}

// settings is everything that a connection may do: what is not named here is refused.
func (s *Server) settings(server *ssh.Server) error {
	server.AddHostKey(s.host)
	server.ConnCallback = s.connected
	server.ServerConfigCallback = s.config
	server.ChannelHandlers = map[string]ssh.ChannelHandler{"session": s.openSession}
	server.RequestHandlers = map[string]ssh.RequestHandler{}     // no forwarding
	server.SubsystemHandlers = map[string]ssh.SubsystemHandler{} // no SFTP
	return nil
}

// Fingerprint is that of the host key, as ssh shows it when it connects for the first time.
func (s *Server) Fingerprint() string { return gossh.FingerprintSHA256(s.host.PublicKey()) }

// Sessions is how many there are.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// lookEvery is how often the file of keys is looked at while there are sessions: a key that was taken out ends within it.
const lookEvery = time.Second

// Serve lets people in until Shutdown, and closes the listener. It returns nil after Shutdown.
func (s *Server) Serve(l net.Listener) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case <-look.C:
				s.revoke()
			case <-done:
				return
			}
		}
	}()
	if s.ending.Err() != nil {
		return l.Close()
	}
	if err := s.ssh.Serve(l); !errors.Is(err, ssh.ErrServerClosed) {
		return err
	}
	return nil
}

// revoke ends the sessions of keys that are gone, or that may do something else by now.
func (s *Server) revoke() {
	s.mu.Lock()
	list := make([]*Session, 0, len(s.sessions))
	for session := range s.sessions {
		list = append(list, session)
	}
	s.mu.Unlock()
	if len(list) == 0 {
		return
	}
	known, err := s.keys.current()
	if err != nil {
		s.log.Error("the keys cannot be read, so none is valid", "file", s.o.Keys, "error", err)
	}
	for _, session := range list {
		if k, ok := find(known, session.key.public); !ok || !k.same(session.key) {
			session.end(errRevoked)
		}
	}
}

// Shutdown stops accepting, ends all sessions with ErrEnding, and waits until they are over; those that still are not
// when ctx ends are cut off. Their handlers have returned when it returns, but for one that ignores its context.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.end(ErrEnding) // with mu: no handler is counted in from here on
	s.mu.Unlock()
	over := make(chan struct{})
	go func() {
		s.running.Wait()
		close(over)
	}()
	var err error
	select {
	case <-over:
	case <-ctx.Done():
		err = fmt.Errorf("end the sessions over SSH: %w; they were cut off", ctx.Err())
	}
	if err == nil {
		s.seeOff()
	}
	err = errors.Join(err, s.ssh.Close())
	s.dismiss()
	select {
	case <-over:
	case <-time.After(leaveTime):
		s.log.Error("an ssh session that was cut off does not end")
	}
	return err
}

// seeOff lets clients go by themselves once their sessions are over: one whose connection is cut before that takes the
// exit status for a broken connection. Those that have more in mind are not waited for.
func (s *Server) seeOff() {
	late := time.After(seeOffTime)
	for _, g := range s.connections() {
		g.mu.Lock()
		known := g.known
		g.mu.Unlock()
		if !known {
			continue
		}
		select {
		case <-g.gone:
		case <-late:
			return
		}
	}
}

// seeOffTime is a few ways there and back across the world.
const seeOffTime = 500 * time.Millisecond

// leaveTime is how long a session that was cut off may take to notice. Each write of it fails by now; a guess.
const leaveTime = 5 * time.Second

// dismiss cuts off whoever is still connected.
func (s *Server) dismiss() {
	for _, g := range s.connections() {
		g.cut("ending")
	}
}

func (s *Server) connections() []*guest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.guests))
}

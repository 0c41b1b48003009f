package sshd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/ssh"
	gossh "golang.org/x/crypto/ssh"

	"episteme/engine/api"
)

// Session is one screen or one command of somebody who has logged in. What comes from its client, the command and the
// variables, is hostile. Only its handler uses it.
type Session struct {
	Grant   api.Grant // of the key; its Name is who it is
	Remote  string    // address
	Raw     string    // the command as it was sent; empty: none
	Command []string  // its words, as a shell would take them apart; nil where Raw is blank, has an open quote or is no UTF-8

	Term       string // the kind of terminal; empty where there is none
	Cols, Rows int    // of the terminal when the handler began
	Terminal   bool   // there is one

	In       io.Reader // ends when the client closes the channel or its input
	Out, Err io.Writer // on a terminal, line ends are what it needs

	// Resized has the newest size of the terminal; one that nobody took is dropped for it.
	Resized <-chan [2]int

	env map[string]string
	ctx context.Context
	end context.CancelCauseFunc
	key key
}

// Context ends with the session: when the client is gone, the server ends, or the key may not come in any more. Its
// cause says which.
func (s *Session) Context() context.Context { return s.ctx }

// Getenv is a variable that the client sent, of those that Allowed says; empty for all others. Nothing of the server's
// own environment is in it.
func (s *Session) Getenv(name string) string { return s.env[name] }

// errGone is the cause with which a session ends whose client is gone.
var errGone = errors.New("the client is gone")

// Bounds of what a client may say of itself: more than any real one does.
const (
	commandMax = 8 << 10
	envMax     = 16
	valueMax   = 256
	termMax    = 64
	colsMax    = 1000
	rowsMax    = 500
)

// Allowed reports whether a client may set a variable.
func Allowed(name string) bool {
	return slices.Contains([]string{"LANG", "TERM", "COLORTERM", "NO_COLOR"}, name) ||
		strings.HasPrefix(name, "LC_") && len(name) <= valueMax && !strings.ContainsFunc(name, func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') })
}

// gate stands between the client and a session: it answers itself what the client says about its terminal and its
// environment, lets the request for a shell or a command through, and refuses everything else.
type gate struct {
	gossh.NewChannel
	*Session
	server *Server
	guest  *guest

	silence *time.Timer
	resized chan [2]int
	begun   bool // only the goroutine of the requests touches it
}

// openSession is a client's wish for a session.
func (s *Server) openSession(_ *ssh.Server, conn *gossh.ServerConn, channel gossh.NewChannel, ctx ssh.Context) {
	public, _ := ctx.Value(ssh.ContextKeyPublicKey).(ssh.PublicKey)
	list, _ := s.keys.current()
	known, ok := find(list, public)
	guest, there := ctx.Value(guestKey{}).(*guest)
	if !ok || !there {
		channel.Reject(gossh.Prohibited, errRevoked.Error())
		return
	}
	g := &gate{NewChannel: channel, server: s, guest: guest, resized: make(chan [2]int, 1)}
	g.Session = &Session{Grant: known.grant, Remote: conn.RemoteAddr().String(), Resized: g.resized, env: map[string]string{}, key: known}
	g.ctx, g.Session.end = context.WithCancelCause(s.ending)
	defer g.Session.end(errGone)
	if why := s.admit(g); why != "" {
		s.o.Refused(Refusal{Why: "sessions", Who: known.grant.Name, Remote: g.Remote, What: "session"})
		channel.Reject(gossh.ResourceShortage, why)
		return
	}
	defer s.dismissed(g)
	stop := context.AfterFunc(ctx, func() { g.Session.end(errGone) })
	defer stop()
	g.silence = time.AfterFunc(s.o.Limits.Silence, func() { guest.cut("silence") })
	defer g.silence.Stop()
	// The library sees a session without a terminal and without an environment: the gate has them. It calls the handler
	// on a goroutine of its own, and returns when the channel is closed.
	ssh.DefaultSessionHandler(&ssh.Server{
		Handler:                func(sess ssh.Session) { s.handle(g, sess) },
		SessionRequestCallback: func(ssh.Session, string) bool { return s.ending.Err() == nil && g.start() },
	}, conn, g, ctx)
}

// admit counts a session in, or says why there is no room for it.
func (s *Server) admit(g *gate) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := 0
	for other := range s.sessions {
		if string(other.key.public.Marshal()) == string(g.key.public.Marshal()) {
			mine++
		}
	}
	switch {
	case s.ending.Err() != nil:
		return ErrEnding.Error()
	case len(s.sessions) >= s.o.Limits.Sessions:
		return fmt.Sprintf("there are %d sessions, and the server takes no more; try again later", len(s.sessions))
	case mine >= s.o.Limits.PerKey:
		return fmt.Sprintf("%s has %d sessions with this key, and the server takes no more; end one of them", g.Grant.Name, mine)
	}
	s.sessions[g.Session] = true
	g.guest.holds(1)
	return ""
}

// dismissed counts a session out.
func (s *Server) dismissed(g *gate) {
	s.mu.Lock()
	delete(s.sessions, g.Session)
	s.mu.Unlock()
	g.guest.holds(-1)
}

// start counts the handler in, before it runs: whoever shuts the server down waits for it.
func (g *gate) start() bool {
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	if g.server.ending.Err() != nil {
		return false
	}
	g.server.running.Add(1)
	return true
}

// Accept opens the channel.
func (g *gate) Accept() (gossh.Channel, <-chan *gossh.Request, error) {
	channel, requests, err := g.NewChannel.Accept()
	if err != nil {
		return nil, nil, err
	}
	through := make(chan *gossh.Request)
	go func() {
		defer close(through)
		defer g.Session.end(errGone) // the channel is closed
		for r := range requests {
			if g.answer(r) {
				through <- r
			}
		}
	}()
	return heard{channel, g.silence, g.server.o.Limits.Silence}, through, nil
}

// heard is a channel whose reader hears that the client is still there.
type heard struct {
	gossh.Channel
	silence *time.Timer
	limit   time.Duration
}

func (h heard) Read(p []byte) (int, error) {
	n, err := h.Channel.Read(p)
	if n > 0 && h.silence.Stop() {
		h.silence.Reset(h.limit)
	}
	return n, err
}

// answer answers a request, or reports that the library is to do so.
func (g *gate) answer(r *gossh.Request) (through bool) {
	ok := false
	switch r.Type {
	case "shell", "exec":
		if !g.begun && len(r.Payload) <= commandMax {
			g.begun = true
			return true
		}
	case "env":
		ok = !g.begun && g.setenv(r.Payload)
	case "pty-req":
		ok = !g.begun && g.openTerminal(r.Payload)
	case "window-change":
		ok = g.resize(r.Payload)
	}
	if r.WantReply {
		_ = r.Reply(ok, nil) // a client that is gone needs no answer
	}
	return false
}

func (g *gate) setenv(payload []byte) bool {
	var kv struct{ Name, Value string }
	if gossh.Unmarshal(payload, &kv) != nil || !Allowed(kv.Name) || len(kv.Value) > valueMax || len(g.env) >= envMax {
		return false
	}
	g.env[kv.Name] = kv.Value
	return true
}

func (g *gate) openTerminal(payload []byte) bool {
	var want struct {
		Term                      string
		Cols, Rows, Width, Height uint32
		Modes                     string
	}
	if g.Terminal || gossh.Unmarshal(payload, &want) != nil || len(want.Term) > termMax {
		return false
	}
	g.Terminal, g.Term = true, want.Term
	g.Cols, g.Rows = clampSize(want.Cols, want.Rows)
	return true
}

func (g *gate) resize(payload []byte) bool {
	var now struct{ Cols, Rows, Width, Height uint32 }
	if !g.Terminal || gossh.Unmarshal(payload, &now) != nil {
		return false
	}
	cols, rows := clampSize(now.Cols, now.Rows)
	if !g.begun { // nobody else reads them yet
		g.Cols, g.Rows = cols, rows
		return true
	}
	select {
	case <-g.resized:
	default:
	}
	g.resized <- [2]int{cols, rows} // there is room: nobody else puts anything in
	return true
}

// clampSize keeps sizes from what no terminal has: each frame takes memory for all of it. 0 stays: it is not known.
func clampSize(cols, rows uint32) (int, int) { return int(min(cols, colsMax)), int(min(rows, rowsMax)) }

// handle runs a session. Nothing that it does ends the server.
func (s *Server) handle(g *gate, sess ssh.Session) {
	defer s.running.Done()
	g.Raw = sess.RawCommand()
	g.Command = wordsOf(g.Raw)
	g.In, g.Out, g.Err = sess, sess, sess.Stderr()
	if g.Terminal {
		g.Out, g.Err = ssh.NewPtyWriter(sess), ssh.NewPtyWriter(sess.Stderr())
	}
	s.log.Info("ssh session", "who", g.Grant.Name, "remote", g.Remote, "command", g.Raw, "terminal", g.Terminal)
	status := s.run(g.Session)
	s.log.Info("ssh session ended", "who", g.Grant.Name, "remote", g.Remote, "status", status, "cause", context.Cause(g.ctx))
	_ = sess.Exit(status) // whoever is gone does not hear it
}

// run calls the handler. One that panics is a defect of ours, which its user is told with an id and the log in full.
func (s *Server) run(session *Session) (status int) {
	defer func() {
		if r := recover(); r != nil {
			sum := sha256.Sum256([]byte(fmt.Sprint("ssh session ", r)))
			id := hex.EncodeToString(sum[:4])
			s.log.Error("an ssh session broke off", "id", id, "who", session.Grant.Name, "panic", r, "stack", string(debug.Stack()))
			fmt.Fprintf(session.Err, "episteme: this session broke off: a defect of episteme (id %s); nothing recorded was changed\n", id)
			status = 1
		}
	}()
	return s.o.Handler(session)
}

// Environ is every variable that Getenv has, for what wants them all.
func (s *Session) Environ() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(s.env)) {
		list = append(list, name+"="+s.env[name])
	}
	return list
}

package sshd

import (
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/ssh"
	gossh "golang.org/x/crypto/ssh"

	"episteme/engine/record"
)

// guest is a connection. Until it has logged in it has only so long.
type guest struct {
	net.Conn
	server *Server
	timer  *time.Timer

	mu      sync.Mutex
	user    string   // guarded by mu; that it asked for
	shown   []string // guarded by mu; fingerprints of the keys it showed that nobody knows
	tried   bool     // guarded by mu; it wanted to log in, by whatever means
	known   bool     // guarded by mu; it has logged in
	why     string   // guarded by mu; of being cut off
	held    int      // guarded by mu; sessions
	closing sync.Once
	gone    chan struct{} // closed when the connection is
}

// guestKey is where a connection's context keeps its guest.
type guestKey struct{}

// connected begins the time that a login may take. Where there are too many that have not logged in, the oldest makes
// room: whoever holds connections open keeps nobody out for long.
func (s *Server) connected(ctx ssh.Context, conn net.Conn) net.Conn {
	g := &guest{Conn: conn, server: s, gone: make(chan struct{})}
	ctx.SetValue(guestKey{}, g)
	g.timer = time.AfterFunc(s.o.Limits.LoginTime, func() { g.cut("login-time") })
	s.mu.Lock()
	s.guests[g] = true
	s.strangers = append(s.strangers, g)
	var oldest *guest
	if len(s.strangers) > s.o.Limits.Strangers {
		oldest = s.strangers[0]
	}
	ending := s.ending.Err() != nil
	s.mu.Unlock()
	if oldest != nil {
		oldest.cut("connections")
	}
	if ending {
		g.cut("ending")
	}
	return g
}

// holds counts sessions. A connection that has logged in and has none may stay as long as a login may take.
func (g *guest) holds(more int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held += more
	if g.held == 0 {
		g.timer.Reset(g.server.o.Limits.LoginTime)
	} else {
		g.timer.Stop()
	}
}

// forget takes a guest off the list of those that have not logged in.
func (s *Server) forget(g *guest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strangers = slices.DeleteFunc(s.strangers, func(other *guest) bool { return other == g })
}

// cut ends the connection, and remembers why.
func (g *guest) cut(why string) {
	g.mu.Lock()
	if g.why == "" {
		g.why = why
	}
	g.mu.Unlock()
	g.Close()
}

// Close closes the connection. One that wanted to log in and has not was refused, and so was one that was cut off before.
// Who only looked whether somebody listens was not.
func (g *guest) Close() error {
	err := g.Conn.Close()
	g.closing.Do(func() {
		close(g.gone)
		g.timer.Stop()
		g.server.forget(g)
		g.server.mu.Lock()
		delete(g.server.guests, g)
		g.server.mu.Unlock()
		g.mu.Lock()
		known, tried, why, who := g.known, g.tried, g.why, g.who()
		g.mu.Unlock()
		if known || why == "ending" || why == "" && !tried {
			return
		}
		if why == "" {
			why = "key"
		}
		g.server.o.Refused(Refusal{Why: why, Who: who, Remote: g.RemoteAddr().String(), What: "login"})
	})
	return err
}

// who is what is known of somebody who has not logged in. Call it with mu held.
func (g *guest) who() string {
	who := g.user
	if len(g.shown) > 0 {
		who += " with " + strings.Join(g.shown, ", ")
	}
	return record.Clean(strings.TrimSpace(who))
}

// userMax is how much of the name that somebody logs in with is kept.
const userMax = 64

// mayLogIn reports whether a key is known. The name that ssh logs in with means nothing here: the key says who it is.
// That whoever shows it also holds it is checked later, by whoever calls this.
func (s *Server) mayLogIn(ctx ssh.Context, public ssh.PublicKey) bool {
	known, err := s.keys.current()
	if err != nil {
		s.log.Error("the keys cannot be read, so none is valid", "file", s.o.Keys, "error", err)
	}
	_, ok := find(known, public)
	if g, there := ctx.Value(guestKey{}).(*guest); there && !ok {
		g.mu.Lock()
		if len(g.shown) < s.o.Limits.Tries {
			g.shown = append(g.shown, gossh.FingerprintSHA256(public))
		}
		g.mu.Unlock()
	}
	return ok
}

// attempted takes in that somebody wanted to log in, and whether it went well.
func (g *guest) attempted(user string, well bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tried, g.known, g.user = true, well, user[:min(len(user), userMax)]
}

// config is what a login may be: a key, signed for with what is not broken. SHA-1 is.
func (s *Server) config(ctx ssh.Context) *gossh.ServerConfig {
	return &gossh.ServerConfig{
		MaxAuthTries: s.o.Limits.Tries,
		PublicKeyAuthAlgorithms: []string{
			gossh.KeyAlgoED25519, gossh.KeyAlgoSKED25519, gossh.KeyAlgoSKECDSA256, gossh.KeyAlgoECDSA256, gossh.KeyAlgoECDSA384,
			gossh.KeyAlgoECDSA521, gossh.KeyAlgoRSASHA256, gossh.KeyAlgoRSASHA512,
		},
		AuthLogCallback: func(who gossh.ConnMetadata, _ string, err error) {
			g, there := ctx.Value(guestKey{}).(*guest)
			if !there {
				return
			}
			g.attempted(who.User(), err == nil)
			if err == nil {
				s.forget(g)
				g.holds(0)
			}
		},
	}
}

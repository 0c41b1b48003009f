package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"episteme/engine"
	"episteme/engine/api"
)

type serveFlags struct {
	http, tokens, cert, key string
	hosts                   []string
	insecure, verbose       bool
	ssh                     sshFlags
}

func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve [--http ADDR] [--ssh ADDR] [--tokens FILE]",
		Short: "Hold the evidence for a team, and answer over HTTP and SSH",
		Long: `Hold the data directory and answer over its socket, and with --http over TCP, until a signal asks to end. Then nothing
new is accepted, what runs is finished, and the directory is closed.

Every command and UI of this user attaches to the socket by itself. On a loopback address everybody may read; writing
takes a token. Any other address takes --tokens, and --tls-cert with --tls-key, or --insecure where something in front of
it does that. The file of tokens is read again when it changes.

--ssh shows the UI to whoever has a key in the file authorized_keys of the data directory (mode 0600, read again when it
changes), and answers commands that read. A line is that of OpenSSH with the options role="list|read|write|admin" (read)
and subjects="GLOB …", and a name behind the key: role="read",subjects="auth/**" ssh-ed25519 AAAA… alice. The server's
own key is made at the first start, and its fingerprint is in the log. There is no shell, no SFTP and no forwarding.`,
		Example: `  episteme serve
  episteme serve --http 127.0.0.1:8080
  episteme serve --ssh 0.0.0.0:2222
  episteme serve --http 0.0.0.0:8443 --tokens /etc/episteme/tokens --tls-cert cert.pem --tls-key key.pem --host episteme.example.org`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), &f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.http, "http", "", "the address to answer HTTP at, such as 127.0.0.1:8080")
	fl.StringVar(&f.tokens, "tokens", "", "the file of tokens, which `episteme token new` writes")
	fl.StringVar(&f.cert, "tls-cert", "", "the certificate of the server, PEM")
	fl.StringVar(&f.key, "tls-key", "", "its key, PEM")
	fl.BoolVar(&f.insecure, "insecure", false, "answer other machines without TLS: something in front of this does it")
	fl.StringArrayVar(&f.hosts, "host", nil, "a name by which clients reach the server, may be repeated")
	fl.BoolVar(&f.verbose, "verbose", false, "log every request")
	f.ssh.add(c)
	c.MarkFlagsRequiredTogether("tls-cert", "tls-key")
	c.MarkFlagsMutuallyExclusive("tls-cert", "insecure")
	return c
}

// drainPatience is how long what runs may take to finish once a signal asked to end: below the time after which systemd
// kills, which is 90 s.
const drainPatience = 20 * time.Second

func (a *app) serve(ctx context.Context, f *serveFlags) error {
	dir, err := a.serveDir()
	if err != nil {
		return err
	}
	if err := f.ssh.check(dir); err != nil {
		return err
	}
	front, err := f.listen()
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if f.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
	h, err := a.holdAlone(ctx, dir, holdOptions{tokens: f.tokens, hosts: f.hosts, log: log})
	if err != nil {
		return errors.Join(err, front.close())
	}
	remote, err := a.openSSH(&f.ssh, dir, h, log)
	if err != nil {
		return errors.Join(err, front.close(), h.Close())
	}
	doors := &doors{log: log}
	if front != nil {
		doors.open("http", front.address(), func() error { return h.server.Serve(api.Door(*front)) })
	}
	remote.open(doors)
	if err := doors.openRuntimeSocket(h.server); err != nil {
		return errors.Join(err, front.close(), remote.close(), h.Close())
	}
	log.Info("serving", "data", dir, "socket", h.socket, "http", front.address(), "ssh", remote.address())
	tellSupervisor("READY=1")
	var failed error
	select {
	case <-ctx.Done():
		log.Info("ending: what runs is finished first", "within", drainPatience)
	case failed = <-doors.failed():
		log.Error("ending", "error", failed)
	}
	tellSupervisor("STOPPING=1")
	err = errors.Join(remote.close(), h.closeWithin(drainPatience))
	doors.wait()
	log.Info("ended", "error", err)
	return errors.Join(failed, err)
}

// serveDir is the directory to hold: the one that is there, or the last place that could have one.
func (a *app) serveDir() (string, error) {
	if a.server != "" {
		return "", usage(errors.New("--server: a server holds a directory; name it with --data"))
	}
	dir := ""
	for _, p := range a.places() {
		if p.socket {
			continue
		}
		dir = p.dir
		if p.why == "" {
			break
		}
	}
	return dir, nil
}

// holdAlone holds a directory, waiting a little for a command that is about to end.
func (a *app) holdAlone(ctx context.Context, dir string, o holdOptions) (*holder, error) {
	deadline := time.Now().Add(lockWait)
	for {
		h, err := a.holdWith(ctx, dir, o)
		var held *engine.LockedError
		if !errors.As(err, &held) {
			return h, err
		}
		if time.Now().After(deadline) {
			return nil, &heldError{dir, held.PID, "and a server needs it for itself; end that process, then run this again"}
		}
		if err := pause(ctx, attachRetry); err != nil {
			return nil, err
		}
	}
}

// front is a listener for other machines, or for this one by TCP.
type front api.Door

func (l *front) close() error {
	if l == nil {
		return nil
	}
	return l.Listener.Close()
}

func (l *front) address() string {
	if l == nil {
		return "none"
	}
	return l.Listener.Addr().String()
}

// listen checks that the address may be served as it is asked, and listens; nil without --http.
func (f *serveFlags) listen() (*front, error) {
	if f.http == "" {
		if f.cert != "" || f.insecure || len(f.hosts) > 0 {
			return nil, usage(errors.New("--tls-cert, --insecure and --host are about --http: name an address too"))
		}
		return nil, nil
	}
	addr, err := net.ResolveTCPAddr("tcp", f.http)
	if err != nil {
		return nil, usage(fmt.Errorf("--http: found %q, expected an address such as 127.0.0.1:8080: %w", f.http, err))
	}
	l := &front{Trust: api.Strangers}
	if addr.IP.IsLoopback() {
		l.Trust = api.Loopback
	}
	switch {
	case l.Trust == api.Strangers && f.tokens == "":
		return nil, usage(fmt.Errorf("--http %s: other machines reach it, so who may has to be said: --tokens FILE (`episteme token new` makes one)", f.http))
	case l.Trust == api.Strangers && f.cert == "" && !f.insecure:
		return nil, usage(fmt.Errorf("--http %s: tokens and answers could be read on their way: --tls-cert and --tls-key, or --insecure where something in front of this does that", f.http))
	}
	if f.cert != "" {
		if l.TLS, err = readCertificate(f.cert, f.key); err != nil {
			return nil, err
		}
	}
	if l.Listener, err = net.ListenTCP("tcp", addr); err != nil {
		return nil, err
	}
	return l, nil
}

func readCertificate(certFile, keyFile string) (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, usage(fmt.Errorf("--tls-cert %s, --tls-key %s: %w", certFile, keyFile, err))
	}
	if cert.Leaf == nil && len(cert.Certificate) > 0 {
		cert.Leaf, err = x509.ParseCertificate(cert.Certificate[0])
	}
	return &cert, err
}

// doors are the ways in beside the socket of the directory. Each runs on a goroutine of its own that ends with the
// server behind it; another protocol is another door.
type doors struct {
	log  *slog.Logger
	ends []chan error
	fail chan error
}

// open runs one. One that ends by itself ends the server.
func (d *doors) open(name, at string, run func() error) {
	if d.fail == nil {
		d.fail = make(chan error, 8)
	}
	end := make(chan error, 1)
	d.ends = append(d.ends, end)
	fail := d.fail
	go func() {
		err := run()
		if err != nil {
			select {
			case fail <- fmt.Errorf("%s at %s: %w", name, at, err):
			default: // another one has said it
			}
		}
		end <- err
	}()
}

func (d *doors) failed() <-chan error { return d.fail }

func (d *doors) wait() {
	for _, end := range d.ends {
		<-end
	}
}

// runtimeVariable is where a service manager made a directory for what lives as long as the service does.
const runtimeVariable = "RUNTIME_DIRECTORY"

// openRuntimeSocket listens at /run/episteme/episteme.sock, where a service manager says so: commands look there first.
func (d *doors) openRuntimeSocket(s *api.Server) error {
	dir := os.Getenv(runtimeVariable)
	if !filepath.IsAbs(dir) {
		return nil
	}
	path := filepath.Join(dir, socketName)
	l, err := listenSocket(path)
	if err != nil {
		return fmt.Errorf("serve the socket %s: %w", path, err)
	}
	d.open("socket", path, func() error { return s.Serve(api.Door{Listener: l, Trust: api.Machine}) })
	return nil
}

// tellSupervisor tells a service manager that asked for it how far the server is (sd_notify). Nothing depends on its
// hearing it.
func tellSupervisor(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}

// Command http asks a server of episteme questions over loopback, as many clients at once would, and prints how many it
// answers a second and how long they wait. The server is the program itself, in a process of its own, over a new
// directory that holds the incident auth-jwt: each answer comes once its audit is durable.
//
//	go run ./http -episteme ../bin/episteme [-dir DIR] [-connections N] [-rate N] [-for D]
//
// Without -rate each connection asks again as soon as it is answered: that measures the rate, and the waiting is then
// connections / rate whatever the server does. With -rate questions fall due at that pace whether or not those before
// them were answered, and how long one took is counted from when it was due: that measures the waiting.
//
// Each connection has a token of its own, since a token may ask 100 times a second.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"episteme/bench/machine"
	"episteme/fixtures"
)

type options struct {
	program, dir string
	connections  int
	rate         float64 // questions a second that fall due; 0: as fast as they are answered
	lasts        time.Duration
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "http:", err)
		os.Exit(1)
	}
}

func run() error {
	var o options
	flag.StringVar(&o.program, "episteme", "bin/episteme", "the program to measure")
	flag.StringVar(&o.dir, "dir", ".", "where the directory is made: a real disk, not memory")
	flag.IntVar(&o.connections, "connections", 64, "clients at once")
	flag.Float64Var(&o.rate, "rate", 0, "questions a second that fall due; 0: each as soon as the one before is answered")
	flag.DurationVar(&o.lasts, "for", 10*time.Second, "how long is asked")
	flag.Parse()
	if flag.NArg() > 0 || o.connections < 1 || o.rate < 0 || o.lasts <= 0 {
		return errors.New("found other than flags, or a number below what makes sense; -help lists them")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := start(ctx, o)
	if err != nil {
		return err
	}
	took, asking := s.ask(ctx, o)
	used, err := s.end()
	if err != nil || asking != nil {
		return errors.Join(asking, err)
	}
	fmt.Print(machine.Heading(fmt.Sprintf("http -connections %d -rate %g -for %v", o.connections, o.rate, o.lasts)))
	fmt.Printf("| questions | questions/s | p50 | p99 | p99.9 | processor time of the server a question |\n|---|---|---|---|---|---|\n")
	fmt.Printf("| %d | %.0f | %v | %v | %v | %v |\n", len(took.each), took.rate(), took.at(0.5), took.at(0.99), took.at(0.999),
		(used / time.Duration(max(len(took.each), 1))).Round(time.Microsecond))
	return nil
}

// server is the program, answering.
type server struct {
	cmd     *exec.Cmd
	address string
	secrets []string // a connection each
	dir     string
	said    bytes.Buffer
	before  time.Duration // processor time until the first question
}

// start makes a directory with an incident in it, and a server over it.
func start(ctx context.Context, o options) (_ *server, err error) {
	s := &server{}
	if s.dir, err = os.MkdirTemp(o.dir, "http"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(s.dir)
		}
	}()
	data, tokens := filepath.Join(s.dir, "data"), filepath.Join(s.dir, "tokens")
	for i := range o.connections {
		secret, err := exec.CommandContext(ctx, o.program, "token", "new", "--tokens", tokens, "--name", "client-"+strconv.Itoa(i), "--role", "write").Output()
		if err != nil {
			return nil, fmt.Errorf("make a token: %w", err)
		}
		s.secrets = append(s.secrets, string(bytes.TrimSpace(secret)))
	}
	f, _ := fixtures.ByName("auth-jwt")
	fill := exec.CommandContext(ctx, o.program, "--data", data, "ingest", "-")
	fill.Stdin = bytes.NewReader(f.Events())
	if out, err := fill.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", fill, err, out)
	}
	if s.address, err = freeAddress(); err != nil {
		return nil, err
	}
	s.cmd = exec.Command(o.program, "--data", data, "serve", "--http", s.address, "--tokens", tokens)
	s.cmd.Stderr = &s.said
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := s.ready(ctx); err != nil {
		_, ended := s.end()
		return nil, errors.Join(err, ended, errors.New(s.said.String()))
	}
	s.before, err = processorTime(s.cmd.Process.Pid)
	return s, err
}

// freeAddress is one that nobody listens to now; somebody may a moment later, and then the run fails.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (s *server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+"/readyz", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// end asks the server to end, and says what processor time it took since it was ready.
func (s *server) end() (time.Duration, error) {
	defer os.RemoveAll(s.dir)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	if err := s.cmd.Wait(); err != nil {
		return 0, fmt.Errorf("%w: %s", err, s.said.String())
	}
	return s.cmd.ProcessState.UserTime() + s.cmd.ProcessState.SystemTime() - s.before, nil
}

// processorTime is what a process took so far, from /proc: zero where there is none.
func processorTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	// The name, in brackets, may hold spaces; user and system time are the 12th and 13th fields behind it, in 1/100 s.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: found %d fields behind the name, expected 13 or more", pid, len(fields))
	}
	user, err := strconv.Atoi(string(fields[11]))
	system, bad := strconv.Atoi(string(fields[12]))
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err, bad)
}

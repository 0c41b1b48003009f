package tui

import (
	"context"
	"errors"
	"io"
	"os"
	signals "os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hinshun/vt10x"
)

// noticed is a terminal that tells when it was written to.
type noticed struct {
	terminal
	wrote chan struct{}
}

func (w *noticed) Write(p []byte) (int, error) {
	n, err := w.terminal.Write(p)
	select {
	case w.wrote <- struct{}{}:
	default:
	}
	return n, err
}

// started is Run on a terminal of its own, until its first screen is there.
func started(t *testing.T, ctx context.Context) (term *noticed, keys io.WriteCloser, over <-chan error) {
	t.Helper()
	in, keys := io.Pipe()
	term = &noticed{terminal{vt: vt10x.New(vt10x.WithSize(80, 24))}, make(chan struct{}, 1)}
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, Options{Ask: incident(), Title: "auth-jwt", Training: true, Input: in, Output: term,
			Now: func() time.Time { return ending }})
	}()
	waitFor(t, term, done, "61 of 61")
	return term, keys, done
}

func waitFor(t *testing.T, term *noticed, over <-chan error, wanted string) {
	t.Helper()
	for !strings.Contains(term.screen(), wanted) {
		select {
		case <-term.wrote:
		case err := <-over:
			t.Fatalf("it ended with %v before it showed %q", err, wanted)
		}
	}
}

// A signal is its caller's: it ends the context, and nothing else in here listens for it.
func TestSignalsAreTheCallers(t *testing.T) {
	caught := make(chan os.Signal, 1)
	signals.Notify(caught, syscall.SIGTERM)
	defer signals.Stop(caught)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	term, keys, over := started(t, ctx)
	defer keys.Close()
	raise(t, syscall.SIGTERM)
	<-caught
	io.WriteString(keys, "?")
	waitFor(t, term, over, "› help")
	cancel()
	if err := <-over; !errors.Is(err, context.Canceled) {
		t.Errorf("Run gave %v, want the context's error", err)
	}
}

// However a signal and the end of the context meet, Run returns and the terminal is as it was.
func TestSignalEndsTheProgram(t *testing.T) {
	for range 12 {
		ctx, stop := signals.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
		term, keys, over := started(t, ctx)
		raise(t, syscall.SIGTERM)
		raise(t, syscall.SIGINT)
		if err := <-over; !errors.Is(err, context.Canceled) {
			t.Errorf("Run gave %v, want the context's error", err)
		}
		out := term.all.String()
		if strings.LastIndex(out, "\x1b[?1049h") > strings.LastIndex(out, "\x1b[?1049l") {
			t.Error("the alternate screen is still on")
		}
		stop()
		keys.Close()
	}
}

func raise(t *testing.T, s os.Signal) {
	t.Helper()
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Signal(s)
	}
	if err != nil {
		t.Fatal(err)
	}
}

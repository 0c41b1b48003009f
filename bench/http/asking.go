package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// waits are how long each question took, rising.
type waits struct {
	each []time.Duration
	took time.Duration // all of them together, by the clock
}

func (w waits) rate() float64 { return float64(len(w.each)) / w.took.Seconds() }

// at is the wait that a part of all questions did not exceed.
func (w waits) at(part float64) time.Duration {
	if len(w.each) == 0 {
		return 0
	}
	return w.each[min(int(part*float64(len(w.each))), len(w.each)-1)].Round(10 * time.Microsecond)
}

// ask puts questions over all connections until the time is over. Any answer but 200 ends it.
func (s *server) ask(ctx context.Context, o options) (waits, error) {
	ctx, cancel := context.WithTimeout(ctx, o.lasts)
	defer cancel()
	began := time.Now()
	each, errs := make([][]time.Duration, o.connections), make([]error, o.connections)
	var next atomic.Int64
	var wait sync.WaitGroup
	for i := range o.connections {
		wait.Go(func() {
			c := &client{server: s.address, secret: s.secrets[i], began: began, rate: o.rate, next: &next}
			if each[i], errs[i] = c.run(ctx); errs[i] != nil {
				cancel()
			}
		})
	}
	wait.Wait()
	return waits{slices.Sorted(slices.Values(slices.Concat(each...))), time.Since(began)}, errors.Join(errs...)
}

// client is one connection.
type client struct {
	server, secret string
	began          time.Time
	rate           float64
	next           *atomic.Int64 // number of the next question, of all connections
}

func (c *client) run(ctx context.Context) (took []time.Duration, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", c.server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		n := c.next.Add(1)
		due := time.Now()
		if c.rate > 0 {
			due = c.began.Add(time.Duration(float64(n) / c.rate * float64(time.Second)))
		}
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return took, nil
		}
		if ctx.Err() != nil {
			return took, nil
		}
		if err := c.question(conn, in, n); err != nil {
			return took, fmt.Errorf("question %d: %w", n, err)
		}
		took = append(took, time.Since(due))
	}
}

// question asks one that nobody asked before.
func (c *client) question(out io.Writer, in *bufio.Reader, n int64) error {
	body := fmt.Sprintf(`{"agent":"load","subject":"auth/jwt","predicate":"signing_algorithm","question":"the %dth"}`, n)
	_, err := fmt.Fprintf(out, "POST /query HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		c.server, c.secret, len(body), body)
	if err != nil {
		return err
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(res.Body, 4096)) // what there is of it says more than nothing
		return fmt.Errorf("%s: %s", res.Status, strings.TrimSpace(string(said)))
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

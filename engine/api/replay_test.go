package api_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"episteme/engine/api"
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// TestIdempotencyKeyBehindFailure says that a question that was written down and not answered, and is sent again with its
// key, is one audit. It was asked again at another time, and was two.
func TestIdempotencyKeyBehindFailure(t *testing.T) {
	for name, fails := range map[string]func(error) error{
		"the store is behind": func(error) error { return errors.New("behind") },
		"its asker went away": func(error) error { return context.Canceled },
		"a defect":            func(error) error { panic("defect") },
	} {
		t.Run(name, func(t *testing.T) {
			e := &bent{Engine: incident(t)}
			var times atomic.Int64
			e.ask = func(ctx context.Context, q record.Query) (ask.Audit, error) {
				a, err := e.Engine.Ask(ctx, q)
				if times.Add(1) == 1 {
					return ask.Audit{}, fails(err)
				}
				return a, err
			}
			file := filepath.Join(t.TempDir(), "tokens")
			secret := grant(t, file, api.Grant{Name: "w", Role: api.RoleWrite})
			clock := now
			x := serve(t, api.Options{Evidence: e, Tokens: file, Now: func() time.Time { clock = clock.Add(1e9); return clock }})
			const question = `{"agent":"once","subject":"auth/jwt","predicate":"signing_algorithm"}`
			for n, want := range []int{0, 200, 200} {
				status, _, body := x.request(api.Loopback, "POST", "/query", secret, question, "Idempotency-Key", "k")
				if want == 0 && status < 500 || want != 0 && status != want {
					t.Fatalf("try %d = %d %s", n, status, body)
				}
			}
			if _, _, body := x.request(api.Loopback, "GET", "/audit/queries?agent=once", "", ""); !strings.Contains(body, `"total":1,`) {
				t.Errorf("one question is now %s", body)
			}
		})
	}
}

// TestIdempotencyKeyOfNothing says that a key whose question was refused, and so wrote nothing, is free.
func TestIdempotencyKeyOfNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	secret := grant(t, file, api.Grant{Name: "w", Role: api.RoleWrite})
	x := serve(t, api.Options{Evidence: incident(t), Tokens: file})
	wrong := strings.Replace(someQuestion, "{", `{"lens":"x",`, 1)
	if status, _, body := x.request(api.Loopback, "POST", "/query", secret, wrong, "Idempotency-Key", "k"); status != 400 {
		t.Fatalf("a question that is none = %d %s", status, body)
	}
	if status, _, body := x.request(api.Loopback, "POST", "/query", secret, someQuestion, "Idempotency-Key", "k"); status != 200 {
		t.Errorf("the mended question = %d %s", status, body)
	}
}

// TestIdempotencyKeyTwiceAtOnce says that of two that send the same question with the same key at the same time, one asks
// and the other is told to come again.
func TestIdempotencyKeyTwiceAtOnce(t *testing.T) {
	e := &bent{Engine: incident(t)}
	asked, goOn := make(chan struct{}), make(chan struct{})
	e.ask = func(ctx context.Context, q record.Query) (ask.Audit, error) {
		close(asked)
		<-goOn
		return e.Engine.Ask(ctx, q)
	}
	file := filepath.Join(t.TempDir(), "tokens")
	secret := grant(t, file, api.Grant{Name: "w", Role: api.RoleWrite})
	x := serve(t, api.Options{Evidence: e, Tokens: file})
	first := make(chan int, 1)
	go func() {
		status, _, _ := x.request(api.Loopback, "POST", "/query", secret, someQuestion, "Idempotency-Key", "k")
		first <- status
	}()
	<-asked
	if status, header, body := x.request(api.Loopback, "POST", "/query", secret, someQuestion, "Idempotency-Key", "k"); status != 409 || problem(t, header, body) != "idempotency-key-busy" {
		t.Errorf("the second = %d %s", status, body)
	}
	close(goOn)
	if status := <-first; status != 200 {
		t.Errorf("the first = %d", status)
	}
}

package engine

import (
	"runtime"
	"testing"
	"time"
)

// The limit must follow what lives for long, and not what comes and goes.
func TestLasting(t *testing.T) {
	var l lasting
	at := time.Unix(1000, 0)
	for _, step := range []struct {
		after time.Duration
		live  int64
		want  int64
		why   string
	}{
		{0, 80, 0, "at the start nothing has lasted"},
		{time.Second, 200, 0, "and a second later neither"},
		{memoryLasts, 90, 80, "the 80 of the start have"},
		{time.Second, 300, 80, "300 for a moment are nothing"},
		{memoryLasts, 300, 90, "the least of both halves"},
		{memoryLasts, 300, 300, "300 have come to stay"},
		{time.Millisecond, 70, 70, "70 are all that lives"},
	} {
		at = at.Add(step.after)
		if got := l.least(at, step.live); got != step.want {
			t.Errorf("%s: found %d, want %d", step.why, got, step.want)
		}
	}
}

func TestLimitFor(t *testing.T) {
	if got := limitFor(60<<20, 10<<20); got != memoryLimitBytes {
		t.Errorf("a small heap is limited to %d, want %d", got, memoryLimitBytes)
	}
	const live, beside = 150 << 20, 20 << 20
	if got := limitFor(live, beside); got < live*4/3+beside || got > live*3/2+beside {
		t.Errorf("150 MiB that live are limited to %d MiB with 20 beside them, want a third more and a little", got>>20)
	}
}

// What is read of the runtime has the meaning that limitFor gives it.
func TestGoMemory(t *testing.T) {
	held := make([]byte, 64<<20)
	runtime.GC()
	with, beside := goMemory()
	if with < 64<<20 || beside <= 0 || beside > 64<<20 {
		t.Errorf("with 64 MiB in use: %d bytes live, %d beside them", with, beside)
	}
	runtime.KeepAlive(held)
	runtime.GC()
	if without, _ := goMemory(); without > with-60<<20 {
		t.Errorf("%d bytes live with 64 MiB in use, %d without", with, without)
	}
}

func TestAfterEachGC(t *testing.T) {
	calls := make(chan int, 10)
	n := 0
	afterEachGC(func() bool {
		n++
		calls <- n
		return n < 2
	})
	for want := 1; want <= 2; want++ {
		if got := nextCall(t, calls); got != want {
			t.Fatalf("call %d, want %d", got, want)
		}
	}
	for range 3 {
		runtime.GC()
	}
	if len(calls) > 0 {
		t.Error("called again after it said no")
	}
}

func nextCall(t *testing.T, calls <-chan int) int {
	t.Helper()
	for range 1000 {
		runtime.GC()
		select {
		case n := <-calls:
			return n
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatal("no call after a thousand collections")
	return 0
}

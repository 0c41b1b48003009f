package wal_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"episteme/engine/vfs"
	"episteme/engine/wal"
)

// childDir is the environment variable that makes this test binary a child which appends to the journal there until
// somebody ends it.
const childDir = "EPISTEME_TEST_APPEND_TO"

func TestMain(m *testing.M) {
	if at := os.Getenv(childDir); at != "" {
		appendForEver(at)
		return
	}
	os.Exit(m.Run())
}

func childOptions() wal.Options {
	return wal.Options{SegmentBytes: 128 << 10, ReserveBytes: -1, IdleMark: time.Millisecond}
}

// appendForEver says "issued N" before it appends the batch that ends with lsn N, and "acknowledged N" afterwards. What
// record N holds follows from N, so that whoever looks needs no list.
func appendForEver(at string) {
	l, _, err := wal.Open(vfs.OS(), at, childOptions())
	if err != nil {
		fmt.Println("open:", err)
		return
	}
	last := l.Head().Last
	for i := 0; ; i++ {
		entries := make([]wal.Entry, 1+i%5)
		for j := range entries {
			entries[j] = wal.Entry{Kind: 1, Payload: payloadOf(last + wal.LSN(j) + 1)}
		}
		fmt.Println("issued", last+wal.LSN(len(entries)))
		receipt, err := l.Append(bg, entries...)
		if err != nil {
			fmt.Println("append:", err)
			return
		}
		last = receipt.Last
		fmt.Println("acknowledged", last)
	}
}

// payloadOf is what the child writes as record lsn.
func payloadOf(lsn wal.LSN) []byte {
	r := rand.New(rand.NewPCG(uint64(lsn), 3))
	return fmt.Appendf(nil, "record %d %s", lsn, strings.Repeat("x", r.IntN(3000)))
}

// child appends until it has acknowledged enough batches, then end is called, and what it said last is returned.
func child(t *testing.T, at string, batches int, end func(*os.Process)) (acknowledged, issued wal.LSN) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+at)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait() // it was killed, or met the failure that it was meant to
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var lsn wal.LSN
		switch line := lines.Text(); {
		case scan(line, "issued %d", &lsn):
			issued = lsn
		case scan(line, "acknowledged %d", &lsn):
			acknowledged = lsn
			if batches--; batches == 0 {
				end(cmd.Process)
			}
		case batches > 0:
			cmd.Process.Kill()
			t.Fatalf("the child says %q", line)
		}
	}
	if batches > 0 {
		t.Fatalf("the child ended with %d batches to go", batches)
	}
	return acknowledged, issued
}

func scan(line, format string, lsn *wal.LSN) bool {
	n, err := fmt.Sscanf(line, format, lsn)
	return n == 1 && err == nil
}

// mustHold opens a journal after its end and checks that acknowledged is a part of recovered, and that of issued.
func mustHold(t *testing.T, at string, acknowledged, issued wal.LSN) {
	t.Helper()
	l, rec, err := wal.Open(vfs.OS(), at, childOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, l)
	if rec.Records < acknowledged || rec.Records > issued {
		t.Fatalf("%d acknowledged, %d recovered, %d issued", acknowledged, rec.Records, issued)
	}
	r := l.Reader(1)
	for lsn := wal.LSN(1); lsn <= rec.Records; lsn++ {
		got, err := r.Next(bg)
		if err != nil || got.LSN != lsn || string(got.Payload) != string(payloadOf(lsn)) {
			t.Fatalf("lsn %d: found lsn %d, %.20q, %v", lsn, got.LSN, got.Payload, err)
		}
	}
}

// A process that is killed at any moment, over and over, loses nothing it acknowledged and adds nothing.
func TestKilledProcess(t *testing.T) {
	at := filepath.Join(t.TempDir(), "wal")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 5))
	for range 12 {
		acknowledged, issued := child(t, at, 1+r.IntN(40), func(p *os.Process) { p.Kill() })
		mustHold(t, at, acknowledged, issued)
	}
	if report, err := wal.Verify(bg, vfs.OS(), at, wal.VerifyOptions{}); err != nil || !report.Whole() {
		t.Errorf("Verify = %+v, %v", report, err)
	}
}

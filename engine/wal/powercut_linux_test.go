package wal_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"syscall"
	"testing"

	"episteme/engine/vfs"
	"episteme/engine/wal"
)

// What ext4 understands as losing its power: it writes nothing any more, not even what is in its log.
const (
	fsIocShutdown   = 0x8004587d // _IOR('X', 125, __u32)
	shutdownNoFlush = 2          // EXT4_GOING_FLAGS_NOLOGFLUSH
)

// A real ext4 on a loop device loses its power in the middle of appends, of rolls and of the file system's own work.
func TestPowerCutOnExt4(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("cutting the power of a file system takes root; run the tests of this package as root to have this one too")
	}
	image, mounted := filepath.Join(t.TempDir(), "image"), filepath.Join(t.TempDir(), "mounted")
	if err := os.Mkdir(mounted, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(96 << 20); err != nil {
		t.Fatal(err)
	}
	mustClose(t, f)
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", image).CombinedOutput(); err != nil {
		t.Skipf("no ext4 can be made here, so no power can be cut: %v %s", err, out)
	}
	mount := func() {
		if out, err := exec.Command("mount", "-o", "loop", image, mounted).CombinedOutput(); err != nil {
			t.Skipf("no ext4 can be mounted here, so no power can be cut: %v %s", err, out)
		}
	}
	unmount := func() error { return exec.Command("umount", mounted).Run() }
	mount()
	t.Cleanup(func() { unmount() }) // for a test that failed in between; otherwise there is nothing to unmount
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 6))
	at := filepath.Join(mounted, "deep", "wal")
	for range 8 {
		acknowledged, issued := child(t, at, 1+r.IntN(60), func(p *os.Process) {
			cutPower(t, mounted)
		})
		if err := unmount(); err != nil {
			t.Fatal(err)
		}
		mount()
		mustHold(t, at, acknowledged, issued)
	}
	if report, err := wal.Verify(bg, vfs.OS(), at, wal.VerifyOptions{}); err != nil || !report.Whole() {
		t.Errorf("Verify = %+v, %v", report, err)
	}
	if err := unmount(); err != nil {
		t.Fatal(err)
	}
}

func cutPower(t *testing.T, mounted string) {
	d, err := os.Open(mounted)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	how := new(uint32)
	*how = shutdownNoFlush
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, d.Fd(), fsIocShutdown, reflect.ValueOf(how).Pointer())
	runtime.KeepAlive(how)
	if errno != 0 {
		t.Fatalf("cut the power of %s: %v", mounted, errno)
	}
}

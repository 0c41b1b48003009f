//go:build unix

package main

import (
	"os"
	"runtime"
	"testing"
)

// TestMain lets the test binary stand in for the command that is measured.
func TestMain(m *testing.M) {
	switch os.Getenv("PEAK_TEST_CHILD") {
	case "holds 64 MiB":
		held := make([]byte, 64<<20)
		for i := 0; i < len(held); i += 1 << 10 {
			held[i] = 1 // a page counts once it was written to
		}
		runtime.KeepAlive(held)
		os.Exit(0)
	case "fails":
		os.Exit(3)
	}
	os.Exit(m.Run())
}

func TestRun(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string // says the rule
		child   string
		command string
		maxMiB  float64
		want    int
	}{
		{"under the limit", "holds 64 MiB", self, 512, 0},
		{"above the limit", "holds 64 MiB", self, 60, 1},
		{"no limit", "holds 64 MiB", self, 0, 0},
		{"the command's own status", "fails", self, 512, 3},
		{"no such command", "", self + "-missing", 512, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("PEAK_TEST_CHILD", tt.child)
			if got := run([]string{tt.command}, tt.maxMiB); got != tt.want {
				t.Errorf("run(%q, %g) = %d, want %d", tt.child, tt.maxMiB, got, tt.want)
			}
		})
	}
}

func TestMebibytes(t *testing.T) {
	if got := mebibytes(512, "linux"); got != 0.5 {
		t.Errorf("mebibytes(512, linux) = %g, want 0.5", got)
	}
	if got := mebibytes(512<<10, "darwin"); got != 0.5 {
		t.Errorf("mebibytes(512 Ki, darwin) = %g, want 0.5", got)
	}
}

func TestField(t *testing.T) {
	const status = "VmHWM:\t  262144 kB\nRssAnon:\t   98304 kB\nRssFile:\t 17 kB\n"
	for name, want := range map[string]int64{"RssAnon:": 98304, "RssFile:": 17, "RssShmem:": 0} {
		if got := field(status, name); got != want {
			t.Errorf("field(%s) = %d, want %d", name, got, want)
		}
	}
}

// TestPartsAreSeen looks at this very process, which holds 64 MiB and is not about to end.
func TestPartsAreSeen(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("this system has no /proc/self/status")
	}
	held := make([]byte, 64<<20)
	for i := 0; i < len(held); i += 1 << 10 {
		held[i] = 1
	}
	seen := watch(os.Getpid())()
	runtime.KeepAlive(held)
	if seen.anon < 64<<10 || seen.file == 0 {
		t.Errorf("watch saw %+v KiB, want at least %d private and some of files", seen, 64<<10)
	}
	if text := seen.String(); text == "" || (parts{}).String() != "" {
		t.Errorf("parts print as %q, and as %q where nothing was seen", text, parts{})
	}
}

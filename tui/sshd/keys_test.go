package sshd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/api"
	"episteme/engine/record"
)

func TestParseKeys(t *testing.T) {
	grant := func(role api.Role, subjects, agents []string) *api.Grant {
		return &api.Grant{Name: "alice", Role: role, Subjects: subjects, Agents: agents, MaxAuthority: record.DefaultAuthority}
	}
	tests := []struct {
		name, text string
		want       *api.Grant // nil: an error
		err        string
	}{
		{"without options a key reads", line("", "alice"), grant(api.RoleRead, nil, nil), ""},
		{"a role", line(`role="admin"`, "alice"), grant(api.RoleAdmin, nil, nil), ""},
		{"globs, with blanks between them or one by one", line(`subjects="auth/** {a,b}/*",subjects="web/*",agents="ci-*"`, "alice"), grant(api.RoleRead, []string{"auth/**", "{a,b}/*", "web/*"}, []string{"ci-*"}), ""},
		{"what is forbidden anyway may be forbidden", line(`no-port-forwarding,no-agent-forwarding,no-X11-forwarding`, "alice"), grant(api.RoleRead, nil, nil), ""},
		{"comments and empty lines", "\n# x\n  " + line("", "alice") + "\n", grant(api.RoleRead, nil, nil), ""},
		{"an option that is not known is no limit that holds", line(`from="10.0.0.0/8"`, "alice"), nil, `keys:1: found the option "from"`},
		{"an unknown role", line(`role="root"`, "alice"), nil, `found "root", expected one of list, read`},
		{"no glob", line(`subjects=""`, "alice"), nil, "found no pattern"},
		{"a glob that is none", line(`subjects="["`, "alice"), nil, "expected a pattern"},
		{"no name", strings.TrimSuffix(line("", "alice"), "alice"), nil, "found no name"},
		{"a name that moves cursors", line("", "alice") + "\x1b[2J", nil, "without control characters"},
		{"no key", "ssh-ed25519 AAAA alice", nil, "keys:1: found no key"},
		{"a line that is not understood spoils the file", line("", "alice") + "\nnonsense", nil, "keys:2: found no key"},
		{"a key twice", line("", "alice") + "\n" + line(`role="admin"`, "alice"), nil, "second time"},
		{"a key that is too short", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQDJ1DvSYVJ6bW2Dk4nHkTqQk2kPcxqE1FvCqb7zZ1hY8oBNd9dM1bNFuQGm1vG1k4yJ0f0Ywq0H7mVtD7vX alice", nil, "keys:1: found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list, err := parseKeys(strings.NewReader(tt.text), "keys")
			if tt.want == nil {
				if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), "mended") && !strings.Contains(err.Error(), "take one") {
					t.Errorf("parseKeys = %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || len(list) != 1 {
				t.Fatalf("parseKeys = %d keys, %v", len(list), err)
			}
			if diff := cmp.Diff(*tt.want, list[0].grant); diff != "" {
				t.Errorf("grant (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzParseKeys says that what is read is a grant that holds, whatever stands in the file.
func FuzzParseKeys(f *testing.F) {
	f.Add(line(`role="read",subjects="auth/** web/*"`, "alice"))
	f.Add("# x\n\n" + line("", "bob"))
	f.Add(`role="read ssh-ed25519`)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseKeys(strings.NewReader(text), "keys")
		if err != nil && list != nil {
			t.Error("an error, and keys beside it")
		}
		for _, k := range list {
			if err := k.grant.Check(); err != nil {
				t.Errorf("a key with the grant %+v: %v", k.grant, err)
			}
		}
	})
}

func TestHostKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	first, err := hostKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v; want mode 0600", info, err)
	}
	again, err := hostKey(path)
	if err != nil || string(again.PublicKey().Marshal()) != string(first.PublicKey().Marshal()) {
		t.Errorf("the second start has another key, %v", err)
	}
	if left, _ := filepath.Glob(filepath.Dir(path) + "/.ssh-host-key-*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := hostKey(path); err == nil || !strings.Contains(err.Error(), "chmod 600 key") {
		t.Errorf("a key that others can read: %v", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := hostKey(path); err == nil || !strings.Contains(err.Error(), "put back the one that was there") {
		t.Errorf("a key that is none: %v", err)
	}
	if held, _ := os.ReadFile(path); string(held) != "torn" {
		t.Error("a key that cannot be read was written over")
	}
}

func TestNewNeedsKeys(t *testing.T) {
	dir := t.TempDir()
	if _, err := New(Options{Keys: filepath.Join(dir, "none"), HostKey: filepath.Join(dir, "key")}); err == nil {
		t.Error("a server without a file of keys")
	}
	if _, err := os.Stat(filepath.Join(dir, "key")); err == nil {
		t.Error("it made a host key")
	}
}

package api_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"episteme/engine/api"
	"episteme/engine/trace/ask"
)

// written is what was logged, for several goroutines.
type written struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// TestDefect says that a handler that panics ends its request alone, with an id that the log has with the stack. The log
// had it at a level that nobody keeps.
func TestDefect(t *testing.T) {
	e := &bent{Engine: incident(t), agents: func() ([]ask.Agent, error) { panic("a secret of the machine") }}
	log := &written{}
	x := serve(t, api.Options{Evidence: e, Log: slog.New(slog.NewTextHandler(log, nil))})
	status, header, body := x.request(api.Loopback, "GET", "/audit/agents", "", "")
	if status != 500 || problem(t, header, body) != "defect" || strings.Contains(body, "machine") {
		t.Fatalf("a defect is answered %d %s", status, body)
	}
	_, id, _ := strings.Cut(body, "(id ")
	if id, _, _ = strings.Cut(id, ")"); id == "" || !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "id="+id) || !strings.Contains(log.String(), "attack_test.go") {
		t.Errorf("the defect %q is logged as %s", id, log)
	}
	if status, _, _ := x.request(api.Loopback, "GET", "/audit/queries", "", ""); status != 200 {
		t.Errorf("behind a defect, the next request = %d", status)
	}
}

// TestSecretsStayOutOfLogs says that a token that was sent where it does not belong is in no log.
func TestSecretsStayOutOfLogs(t *testing.T) {
	dir := t.TempDir()
	file, access, log := filepath.Join(dir, "tokens"), filepath.Join(dir, "access.log"), &written{}
	secret := grant(t, file, api.Grant{Name: "w", Role: api.RoleList})
	x := serve(t, api.Options{Evidence: incident(t), Tokens: file, Access: access, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	for _, path := range []string{"/audit/queries?access_token=" + secret, "/records/" + secret, "/" + secret, "/audit/impact/agent:" + secret} {
		x.request(api.Strangers, "GET", path, "", "")
		x.request(api.Strangers, "GET", path, secret, "")
		x.request(api.Strangers, "GET", path, "", "", "Authorization", secret)
		x.request(api.Strangers, "GET", path, "", "", "Authorization", "Basic "+secret)
	}
	x.server.Refused(api.Visit{Door: "ssh", Who: "x", What: "token " + secret}, "command")
	kept, err := os.ReadFile(access)
	if err != nil || len(kept) == 0 {
		t.Fatalf("the access log has %q: %v", kept, err)
	}
	if all := string(kept) + log.String(); strings.Contains(all, secret[5:]) {
		t.Errorf("the secret is in a log:\n%s", all)
	}
}

// TestFloodOfRefusals says that strangers who are refused again and again are all counted, and do not wash the access log
// away; that of a token they do not know of is written as before.
func TestFloodOfRefusals(t *testing.T) {
	dir := t.TempDir()
	file, access := filepath.Join(dir, "tokens"), filepath.Join(dir, "access.log")
	secret := grant(t, file, api.Grant{Name: "listed", Role: api.RoleList})
	x := serve(t, api.Options{Evidence: incident(t), Tokens: file, Access: access})
	const flood = 3_000
	for n := range flood {
		x.server.Refused(api.Visit{Door: "ssh", Who: fmt.Sprint("stranger ", n)}, "key")
	}
	if status, _, _ := x.request(api.Strangers, "GET", "/audit/events", secret, ""); status != 403 {
		t.Fatalf("a role that is too weak = %d", status)
	}
	kept, err := os.ReadFile(access)
	if lines := bytes.Count(kept, []byte("\n")); err != nil || lines < 1_000 || lines > 2_000 || !bytes.Contains(kept, []byte(`"who":"listed"`)) {
		t.Errorf("the access log has %d lines, %v; want some thousand, and that of the token", lines, err)
	}
	if _, _, body := x.request(api.Loopback, "GET", "/metrics", "", ""); !strings.Contains(body, fmt.Sprintf(`episteme_refused_total{reason="ssh-key"} %d`, flood)) {
		t.Errorf("not all that were refused are counted: %s", body)
	}
	for !bytes.Contains(kept, []byte(`"omitted":`)) { // once there is room again, the log says how many it lacks
		x.server.Refused(api.Visit{Door: "ssh", Who: "a stranger"}, "key")
		if kept, err = os.ReadFile(access); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMetricsNameWhatIsWatched says that each number that somebody is woken by is there, with a value of its own.
func TestMetricsNameWhatIsWatched(t *testing.T) {
	e := incident(t)
	x := serve(t, api.Options{Evidence: e})
	if status, _, _ := x.request(api.Loopback, "GET", "/audit/agents", "", ""); status != 200 {
		t.Fatalf("agents = %d", status)
	}
	if status, _, _ := x.request(api.Loopback, "POST", "/query", "", someQuestion); status != 401 {
		t.Fatalf("writing without a token = %d", status)
	}
	_, _, body := x.request(api.Loopback, "GET", "/metrics", "", "")
	for _, want := range []string{
		fmt.Sprintf("\nepisteme_applied_lsn %d\n", e.Progress().Applied), fmt.Sprintf("\nepisteme_appends_total %d\n", e.Progress().Durable),
		"\nepisteme_ingest_lag_records 0\n", "\nepisteme_rejects_total 0\n", "\nepisteme_stopped 0\n", "\nepisteme_sessions 0\n",
		"\nepisteme_refused_total{reason=\"unauthorized\"} 1\n", "\nepisteme_question_seconds_count{kind=\"agents\"} 1\n",
		fmt.Sprintf("\nepisteme_fsync_seconds_count %d\n", e.Syncs().Count), "\nepisteme_fsync_seconds_bucket{le=\"0.001\"} ",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the metrics lack %q:\n%s", want, body)
		}
	}
	if e.Syncs().Count == 0 {
		t.Error("no sync was counted")
	}
}

// TestAccessLogIsPutAside says that a full access log makes room for a new one, and stays once.
func TestAccessLogIsPutAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const full = 16 << 20
	if err := os.Truncate(path, full-10); err != nil {
		t.Fatal(err)
	}
	x := serve(t, api.Options{Evidence: empty(t), Access: path})
	for _, who := range []string{"the last of the old", "the first of the new", "the second"} {
		x.server.Refused(api.Visit{Door: "ssh", Who: who}, "key")
	}
	kept, err := os.ReadFile(path)
	if err != nil || bytes.Count(kept, []byte("\n")) != 2 || !bytes.Contains(kept, []byte("the first of the new")) {
		t.Errorf("the access log has %s, %v", kept, err)
	}
	aside, err := os.Stat(path + ".1")
	if err != nil || aside.Size() < full || aside.Mode().Perm() != 0o600 {
		t.Errorf("aside lies %v, %v", aside, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the new one is %v, %v; want mode 0600", info, err)
	}
}

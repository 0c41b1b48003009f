package cli_test

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"episteme/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"episteme": func() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs testdata/*.txtar: sessions at a shell, with what they print and their exit status. Each has a
// directory of its own, the fixture's records in $EVENTS, and no terminal.
func TestScripts(t *testing.T) {
	events, err := os.ReadFile("../fixtures/auth-jwt/events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	otlp, err := os.ReadFile("../engine/intake/testdata/langchain-vercel.otlp.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("EPISTEME_DATA", env.WorkDir+"/data")
			env.Setenv("EPISTEME_NOW", "2024-01-15T22:32:00Z")
			env.Setenv("XDG_DATA_HOME", env.WorkDir+"/xdg")
			if err := os.WriteFile(env.WorkDir+"/auth-jwt.jsonl", events, 0o600); err != nil {
				return err
			}
			return os.WriteFile(env.WorkDir+"/spans.otlp.jsonl", otlp, 0o600)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"capture": capture,
			"status":  status,
		},
	})
}

// status runs a program and checks its exit status: status 2 episteme trace --lens x.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N program [argument …]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = exitStatus(err)
	}
	if got != args[0] {
		ts.Fatalf("exit status %s, want %s", got, args[0])
	}
}

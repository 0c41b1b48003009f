package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestIngestScripts runs testdata/ingest/*.txtar over the real samples of package intake, which keep their licences
// there: chat/, langfuse/ and spans.otlp.jsonl are in each script's directory.
func TestIngestScripts(t *testing.T) {
	samples, err := filepath.Abs("../engine/intake/testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/ingest",
		Setup: func(env *testscript.Env) error {
			env.Setenv("EPISTEME_DATA", env.WorkDir+"/data")
			env.Setenv("EPISTEME_NOW", "2026-01-15T22:32:00Z")
			env.Setenv("XDG_DATA_HOME", env.WorkDir+"/xdg")
			if err := os.CopyFS(env.WorkDir, os.DirFS(samples)); err != nil {
				return err
			}
			return os.Rename(env.WorkDir+"/langchain-vercel.otlp.jsonl", env.WorkDir+"/spans.otlp.jsonl")
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"capture": capture,
			"status":  status,
		},
	})
}

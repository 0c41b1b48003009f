package config

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"episteme/views"
)

func themes() []string { return []string{"auto", "dark", "light"} }

func parse(text string) (Config, error) {
	return Parse("config.toml", []byte(text), themes(), views.Keys())
}

func TestParse(t *testing.T) {
	c, err := parse("theme = \"light\"\ntime_zone = \"Asia/Tokyo\"\nascii = true\nmotion = false\nshare = true\n[keys]\nprovenance = [\"P\", \"enter\"]\nin = [\"l\"]\nfreeze = [\"z\"]\n")
	if err != nil {
		t.Fatal(err)
	}
	if c.Theme != "light" || c.Zone.String() != "Asia/Tokyo" || !c.ASCII || !c.Still || !c.Shared {
		t.Errorf("read %+v", c)
	}
	for key, want := range map[string]views.Action{"P": views.Behind, "enter": views.Behind, "l": views.In, "p": "", "right": "", "z": views.Freeze, " ": ""} {
		if got := c.Keys.Means(key); got != want {
			t.Errorf("%q means %q, want %q", key, got, want)
		}
	}
	if show := c.Keys.Of(views.Behind).Binding.Help().Key; show != "P ↵" {
		t.Errorf("the help shows %q", show)
	}
	empty, err := parse("")
	if err != nil || empty.Keys != nil || empty.Zone != nil || empty.Still {
		t.Errorf("an empty file is %+v, %v", empty, err)
	}
}

func TestMistakes(t *testing.T) {
	tests := []struct {
		name string // says the rule
		text string
		want []string
	}{
		{"an unknown setting has its line and the nearest name", "ascii = true\ntheem = \"dark\"\n", []string{"config.toml:2:1: ", `"theem"`, "theme? ("}},
		{"an unknown table too", "\n[kyes]\nin = [\"l\"]\n", []string{"config.toml:2:", `"kyes"`, "keys? ("}},
		{"an unknown theme", "theme = \"lihgt\"\n", []string{"config.toml:1:1: theme: ", "light? ("}},
		{"an unknown zone", "\n\n  time_zone = \"Mars/Olympus\"\n", []string{"config.toml:3:3: time_zone: ", "Mars/Olympus", "Europe/Berlin"}},
		{"an action that is none", "[keys]\nprovenence = [\"p\"]\n", []string{"config.toml:2:1: ", "provenance? ("}},
		{"a key that means two things", "[keys]\nprovenance = [\"y\"]\n", []string{"config.toml:2:1: provenance: ", `"y"`, "copy"}},
		{"two changed actions with one key", "[keys]\nprovenance = [\"Z\"]\ncopy = [\"Z\"]\n", []string{"config.toml:", `"Z"`, "provenance", "copy"}},
		{"an action without a key", "[keys]\nhelp = []\n", []string{"config.toml:2:1: help: ", "at least one"}},
		{"a key that is a count", "[keys]\nhelp = [\"5\"]\n", []string{"config.toml:2:1: help: ", `"5"`, "count"}},
		{"a key of the terminal's", "[keys]\nhelp = [\"ctrl+s\"]\n", []string{"config.toml:2:1: help: ", "ctrl+s"}},
		{"a key that is none", "[keys]\nhelp = [\"alt+x\"]\n", []string{"config.toml:2:1: help: ", "alt+x"}},
		{"a value of another type", "theme = 3\n", []string{"config.toml:1:", "theme: found a TOML integer, expected text in quotes, such as \"dark\""}},
		{"a word where it is true or false", "ascii = \"yes\"\n", []string{"config.toml:1:", "ascii: found a TOML string, expected true or false"}},
		{"a key that is in no list", "[keys]\nprovenance = \"o\"\n", []string{"config.toml:2:", "keys.provenance: found a TOML string, expected a table of lists, such as provenance = [\"o\"]"}},
		{"no TOML", "theme = dark\n", []string{"config.toml:1:"}},
		{"a file that is too large", strings.Repeat("#", MaxBytes+1), []string{"config.toml: found more than"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse(tt.text)
			var wrong *Error
			if !errors.As(err, &wrong) {
				t.Fatalf("error %v, want an *Error", err)
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
		})
	}
}

// The page names every setting, and its example is read as it stands.
func TestPageOfSettings(t *testing.T) {
	page, err := os.ReadFile("../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```toml\n")
	example, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("no example in docs/config.md")
	}
	c, err := parse(example)
	if err != nil {
		t.Fatalf("the example: %v", err)
	}
	if c.Zone == nil || c.Zone == time.UTC || c.Keys == nil {
		t.Errorf("the example sets too little: %+v", c)
	}
	for _, name := range settings() {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/config.md does not explain %s", name)
		}
	}
	for _, k := range views.Keys() {
		if !strings.Contains(string(page), "`"+k.Name()+"`") {
			t.Errorf("docs/config.md does not name the action %s", k.Name())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("theme = \"dark\"\n[keys]\nhelp = [\"?\"]\n")
	f.Add("keys.in = [\"x\"]\n")
	f.Add("[keys]\n\"next-mark\" = [\"\\u001b\"]")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse(text)
		var wrong *Error
		if err != nil && !errors.As(err, &wrong) {
			t.Errorf("%v is no *Error", err)
		}
		bound := map[string]bool{}
		for _, k := range c.Keys {
			for _, name := range k.Binding.Keys() {
				if bound[name] {
					t.Errorf("%q means two things", name)
				}
				bound[name] = true
			}
		}
	})
}

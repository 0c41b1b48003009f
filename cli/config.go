package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"episteme/tui"
	"episteme/tui/config"
	"episteme/views"
)

// configPath is where the settings of the terminal UI are; empty where this user has no place for any.
func configPath() string {
	if dir := os.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "episteme", "config.toml")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".config", "episteme", "config.toml")
}

// settings reads the file; none is no settings. What is wrong with it is the user's to mend: status 2.
func settings() (config.Config, error) {
	path := configPath()
	if path == "" {
		return config.Config{}, nil
	}
	switch info, err := os.Stat(path); { // a pipe that nobody writes to would be waited for
	case errors.Is(err, fs.ErrNotExist):
		return config.Config{}, nil
	case err == nil && !info.Mode().IsRegular():
		return config.Config{}, usage(fmt.Errorf("read the settings: found %s in the place of the file %s; move it away", fileKind(info.Mode()), path))
	}
	f, err := os.Open(path)
	if err != nil {
		return config.Config{}, fmt.Errorf("read the settings: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, config.MaxBytes+1))
	if err != nil {
		return config.Config{}, fmt.Errorf("read the settings: %w", err)
	}
	c, err := config.Parse(path, data, tui.Themes(), views.Keys())
	return c, usage(err)
}

package badger

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// logger hands badger's messages to slog and, until told to stop, collects its errors: while opening, badger reports
// a table that it leaves out in its log and nowhere else.
type logger struct {
	out *slog.Logger // or nil

	mu      sync.Mutex
	opening bool     // guarded by mu, as is errors
	errors  []string // what was logged as an error while opening, at most openErrorsMax
}

const openErrorsMax = 8 // as many as help in one message; a guess

func (l *logger) Errorf(format string, args ...any) {
	text := strings.TrimSpace(fmt.Sprintf(format, args...))
	l.mu.Lock()
	if l.opening && len(l.errors) < openErrorsMax {
		l.errors = append(l.errors, text)
	}
	l.mu.Unlock()
	l.log(slog.LevelError, text)
}

func (l *logger) Warningf(format string, args ...any) { l.chat(slog.LevelWarn, format, args) }
func (l *logger) Infof(format string, args ...any)    { l.chat(slog.LevelDebug, format, args) }
func (l *logger) Debugf(format string, args ...any)   { l.chat(slog.LevelDebug, format, args) }

// chat formats only what is listened to: badger logs each apply.
func (l *logger) chat(level slog.Level, format string, args []any) {
	if l.out != nil && l.out.Enabled(context.Background(), level) {
		l.log(level, strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}

func (l *logger) log(level slog.Level, text string) {
	if l.out != nil {
		l.out.Log(context.Background(), level, text, "from", "badger")
	}
}

// opened ends the collecting and returns what was collected.
func (l *logger) opened() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opening = false
	return l.errors
}

package api

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"episteme/engine/record"
)

// Role is what a token may do. Each role may do what those before it may.
type Role uint8

const (
	RoleNone  Role = iota
	RoleList       // who asked what and when, without values: no answers, no weights, no records
	RoleRead       // everything, and ask nothing
	RoleWrite      // ask, and write records as the agents it may speak for
	RoleAdmin      // also end another agent's epoch, and claim any authority
)

// roleNames are the roles as they are written.
var roleNames = [...]string{RoleNone: "none", RoleList: "list", RoleRead: "read", RoleWrite: "write", RoleAdmin: "admin"}

func (r Role) String() string { return roleNames[r] }

// Roles lists what a token may be given, weakest first.
func Roles() []string { return slices.Clone(roleNames[RoleList:]) }

// ParseRole reads the name of a role.
func ParseRole(s string) (Role, error) {
	if i := slices.Index(roleNames[:], s); i > int(RoleNone) {
		return Role(i), nil
	}
	return RoleNone, fmt.Errorf("found %q, expected one of %s", s, strings.Join(Roles(), ", "))
}

// Grant is what somebody may do, whoever it is. The zero Grant may do nothing.
type Grant struct {
	Name         string
	Role         Role
	Agents       []string // globs of the agents it may speak for; none: all
	Subjects     []string // globs of the subjects it may see; none: all
	MaxAuthority float32  // the highest authority it may claim for a source
	Machine      bool     // it holds the machine: errors are told in full, and it is not slowed down
}

// SpeaksFor reports whether the grant may write as an agent.
func (g Grant) SpeaksFor(agent string) bool { return matchesOne(g.Agents, agent) }

// Sees reports whether a subject may be seen.
func (g Grant) Sees(subject string) bool { return matchesOne(g.Subjects, subject) }

// matchesOne reports whether one of globs matches s; no globs match everything. The globs were validated.
func matchesOne(globs []string, s string) bool {
	return len(globs) == 0 || slices.ContainsFunc(globs, func(g string) bool {
		ok, _ := doublestar.Match(g, s)
		return ok
	})
}

// machineGrant is that of a socket's callers, whom its file mode let in.
func machineGrant() Grant {
	return Grant{Name: "the socket", Role: RoleAdmin, MaxAuthority: 1, Machine: true}
}

// loopbackGrant is that of whoever asks on a loopback address without a token.
func loopbackGrant() Grant { return Grant{Name: "loopback without a token", Role: RoleRead} }

// tokenLine is a line of the file of tokens.
type tokenLine struct {
	Name         string   `json:"name"`
	Role         string   `json:"role"`
	Agents       []string `json:"agents,omitempty"`
	Subjects     []string `json:"subjects,omitempty"`
	MaxAuthority *float32 `json:"max_authority,omitempty"`
	Hash         string   `json:"hash"` // BLAKE3-256 of the secret, hex
}

// secretBytes is how long a secret is before it is written down: 256 bits cannot be guessed, so a fast hash is enough.
const secretBytes = 32

// secretPrefix begins every secret, so that scanners of repositories can know one.
const secretPrefix = "ept_"

// NewToken appends a token to the file at path, which it makes with mode 0600, and returns its secret. It is kept
// nowhere else. Errors: a name that is taken, globs that are none, a file that others can read.
func NewToken(path string, g Grant) (secret string, err error) {
	if err := checkGrant(g); err != nil {
		return "", err
	}
	held, err := readTokens(path)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", err
	case slices.ContainsFunc(held, func(t token) bool { return t.Name == g.Name }):
		return "", fmt.Errorf("%s has a token called %q already; take its line out first", path, g.Name)
	}
	raw := make([]byte, secretBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	secret = secretPrefix + base64.RawURLEncoding.EncodeToString(raw)
	line, err := json.Marshal(tokenLine{g.Name, g.Role.String(), g.Agents, g.Subjects, &g.MaxAuthority, record.Sum([]byte(secret)).String()})
	if err != nil {
		return "", err
	}
	return secret, appendLine(path, line)
}

// checkGrant refuses what could not be read back.
func checkGrant(g Grant) error {
	switch {
	case g.Name == "" || len(g.Name) > record.MaxNameBytes || record.Clean(g.Name) != g.Name:
		return fmt.Errorf("name: found %q, expected 1 to %d bytes without control characters", g.Name, record.MaxNameBytes)
	case g.Role < RoleList || g.Role > RoleAdmin:
		return fmt.Errorf("role: found %s, expected one of %s", g.Role, strings.Join(Roles(), ", "))
	case !(g.MaxAuthority >= 0 && g.MaxAuthority <= 1):
		return fmt.Errorf("max_authority: found %v, expected a number from 0 to 1", g.MaxAuthority)
	}
	for _, glob := range slices.Concat(g.Agents, g.Subjects) {
		if glob == "" || !doublestar.ValidatePattern(glob) {
			return fmt.Errorf("found %q, expected a pattern such as auth/** or deploy-*", glob)
		}
	}
	return nil
}

// appendLine adds a line to a file of mode 0600 and makes it durable. A last line without an end, which some editors
// leave, gets one first.
func appendLine(path string, line []byte) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	open, err := endsOpen(f)
	if open {
		line = append([]byte{'\n'}, line...)
	}
	if err == nil {
		_, err = f.Write(append(line, '\n'))
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// endsOpen reports whether the last line of a file has no end.
func endsOpen(f *os.File) (bool, error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	var last [1]byte
	_, err = f.ReadAt(last[:], info.Size()-1)
	return last[0] != '\n', err
}

// token is a line that was read.
type token struct {
	Grant
	hash record.Hash
}

// tokensMaxBytes bounds the file: thousands of tokens.
const tokensMaxBytes = 4 << 20

// readTokens reads the file of tokens.
func readTokens(path string) ([]token, error) {
	f, err := OpenPrivate(path, tokensMaxBytes)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseTokens(f, path)
}

func parseTokens(r io.Reader, path string) (list []token, err error) {
	scan := bufio.NewScanner(r)
	for n := 1; scan.Scan(); n++ {
		line := bytes.TrimSpace(scan.Bytes())
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		t, err := parseToken(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w; no token of the file is taken until it is mended", path, n, err)
		}
		if slices.ContainsFunc(list, func(other token) bool { return other.Name == t.Name || other.hash == t.hash }) {
			return nil, fmt.Errorf("%s:%d: %q is there a second time; take one of the lines out", path, n, t.Name)
		}
		list = append(list, t)
	}
	return list, scan.Err()
}

func parseToken(line []byte) (t token, err error) {
	var held tokenLine
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&held); err != nil {
		return t, err
	}
	if _, err := d.Token(); err != io.EOF { // a second token on the line would never count
		return t, fmt.Errorf("found more behind byte %d, expected one token a line", d.InputOffset())
	}
	t.Grant = Grant{Name: held.Name, Agents: held.Agents, Subjects: held.Subjects, MaxAuthority: record.DefaultAuthority}
	if held.MaxAuthority != nil {
		t.MaxAuthority = *held.MaxAuthority
	}
	if t.Role, err = ParseRole(held.Role); err != nil {
		return t, fmt.Errorf("role: %w", err)
	}
	if t.hash, err = record.ParseHash(held.Hash); err != nil {
		return t, fmt.Errorf("hash: %w", err)
	}
	return t, checkGrant(t.Grant)
}

// tokens are those of a file, read again when it changed. Safe for use by several goroutines.
type tokens struct {
	path string // empty: there are none
	now  func() time.Time
	warn func(error)

	mu     sync.Mutex
	list   []token
	seen   fileState // of the file that list was read from
	looked time.Time // when it was last looked at
}

// fileState tells one state of a file from another.
type fileState struct {
	modified time.Time
	size     int64
	mode     fs.FileMode // who may open it decides whether it counts, and changes alone
}

func stateOf(info fs.FileInfo) fileState { return fileState{info.ModTime(), info.Size(), info.Mode()} }

// lookEvery is how often the file is looked at: a token that was taken out ends within it.
const lookEvery = time.Second

// openTokens reads the file for the first time; later on one that cannot be read leaves no token valid, and warn is told.
func openTokens(path string, now func() time.Time, warn func(error)) (*tokens, error) {
	t := &tokens{path: path, now: now, warn: warn}
	if path == "" {
		return t, nil
	}
	t.looked = now()
	err := t.read()
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; `episteme token new --tokens %s --name NAME --role ROLE` makes it with its first token", err, path)
	}
	return t, err
}

func (t *tokens) read() error {
	info, err := os.Stat(t.path)
	if err != nil {
		t.list, t.seen = nil, fileState{}
		return err
	}
	t.seen = stateOf(info)
	t.list, err = readTokens(t.path)
	return err
}

// current is the list as the file has it now.
func (t *tokens) current() []token {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if t.path == "" || now.Sub(t.looked) < lookEvery {
		return t.list
	}
	t.looked = now
	info, err := os.Stat(t.path)
	if err == nil && t.seen == stateOf(info) {
		return t.list
	}
	if err := t.read(); err != nil {
		t.warn(err)
	}
	return t.list
}

// find is the grant of a secret. Every token is compared, each in the same time, so that an answer's time tells nothing.
func (t *tokens) find(secret string) (Grant, bool) {
	hash := record.Sum([]byte(secret))
	var found Grant
	ok := false
	for _, known := range t.current() {
		if subtle.ConstantTimeCompare(known.hash[:], hash[:]) == 1 {
			found, ok = known.Grant, true
		}
	}
	return found, ok
}

package sshd

import (
	"bufio"
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"episteme/engine/api"
	"episteme/engine/record"
)

// key is a line of the file of keys.
type key struct {
	public gossh.PublicKey
	grant  api.Grant
}

func (k key) same(other key) bool {
	return k.grant.Name == other.grant.Name && k.grant.Role == other.grant.Role &&
		slices.Equal(k.grant.Subjects, other.grant.Subjects) && slices.Equal(k.grant.Agents, other.grant.Agents)
}

// keysMaxBytes bounds the file: thousands of keys.
const keysMaxBytes = 4 << 20

// rsaMinBits is the least that is taken of an RSA key: what OpenSSH has asked for since its version 9.1 is less.
const rsaMinBits = 2048

// readKeys reads the file of keys.
func readKeys(path string) ([]key, error) {
	f, err := api.OpenPrivate(path, keysMaxBytes)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseKeys(f, path)
}

// parseKeys reads lines in the format of OpenSSH's authorized_keys. A line that is not understood is an error and not
// passed over: an option that is ignored would be a limit that does not hold.
func parseKeys(r io.Reader, path string) (list []key, err error) {
	scan := bufio.NewScanner(r)
	for n := 1; scan.Scan(); n++ {
		line := bytes.TrimSpace(scan.Bytes())
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		k, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w; no key of the file is taken until it is mended", path, n, err)
		}
		if _, twice := find(list, k.public); twice {
			return nil, fmt.Errorf("%s:%d: the key of %s is there a second time; take one of the lines out", path, n, k.grant.Name)
		}
		list = append(list, k)
	}
	if err := scan.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

func parseKey(line []byte) (k key, err error) {
	public, comment, options, _, err := gossh.ParseAuthorizedKey(line)
	if err != nil {
		return k, fmt.Errorf("found no key, expected a line such as role=\"read\" ssh-ed25519 AAAA… alice: %w", err)
	}
	if err := checkKind(public); err != nil {
		return k, err
	}
	k = key{public, api.Grant{Name: strings.TrimSpace(comment), Role: api.RoleRead, MaxAuthority: record.DefaultAuthority}}
	if k.grant.Name == "" {
		return k, errors.New("found no name behind the key, expected one: it stands in cases and in the access log")
	}
	for _, option := range options {
		if err := k.option(option); err != nil {
			return k, err
		}
	}
	return k, k.grant.Check()
}

// checkKind refuses keys that are too weak, and certificates, whose issuer nobody here knows.
func checkKind(public gossh.PublicKey) error {
	switch public.Type() {
	case gossh.KeyAlgoED25519, gossh.KeyAlgoSKED25519, gossh.KeyAlgoECDSA256, gossh.KeyAlgoECDSA384, gossh.KeyAlgoECDSA521, gossh.KeyAlgoSKECDSA256:
		return nil
	case gossh.KeyAlgoRSA:
		held, ok := public.(gossh.CryptoPublicKey)
		if !ok {
			break
		}
		if number, ok := held.CryptoPublicKey().(*rsa.PublicKey); ok && number.N.BitLen() >= rsaMinBits {
			return nil
		}
		return fmt.Errorf("found an RSA key that is too short, expected %d bits or more; `ssh-keygen -t ed25519` makes a better one", rsaMinBits)
	}
	return fmt.Errorf("found a key of the kind %s, expected ssh-ed25519, ecdsa-sha2-…, ssh-rsa, or one of a security key; `ssh-keygen -t ed25519` makes one", public.Type())
}

// option takes in an option of a line. Those that forbid what nobody can do here anyway are welcome.
func (k *key) option(option string) error {
	name, value, has := strings.Cut(option, "=")
	words := strings.Fields(strings.Trim(value, `"`))
	switch strings.ToLower(name) {
	case "role":
		role, err := api.ParseRole(strings.Join(words, " "))
		if err != nil {
			return fmt.Errorf("role: %w", err)
		}
		k.grant.Role = role
		return nil
	case "subjects":
		k.grant.Subjects = append(k.grant.Subjects, words...)
	case "agents":
		k.grant.Agents = append(k.grant.Agents, words...)
	case "no-port-forwarding", "no-agent-forwarding", "no-x11-forwarding", "no-user-rc":
		if !has {
			return nil
		}
		return fmt.Errorf("option %s: found a value, expected none", name)
	default:
		return fmt.Errorf("found the option %.40q, expected role=\"…\", subjects=\"…\" or agents=\"…\"", name)
	}
	if len(words) == 0 {
		return fmt.Errorf("option %s: found no pattern, expected one or several such as %s=\"auth/** deploy-*\"", name, name)
	}
	return nil
}

// find is the line of a key.
func find(list []key, public gossh.PublicKey) (key, bool) {
	if public == nil {
		return key{}, false
	}
	bytesOf := public.Marshal()
	i := slices.IndexFunc(list, func(k key) bool { return bytes.Equal(k.public.Marshal(), bytesOf) })
	if i < 0 {
		return key{}, false
	}
	return list[i], true
}

// keys are those of a file, read again when it changed. Safe for use by several goroutines.
type keys struct {
	path string

	mu   sync.Mutex
	list []key
	err  error
	seen fileState // of the file that list was read from
}

// fileState tells one state of a file from another.
type fileState struct {
	modified time.Time
	size     int64
	mode     os.FileMode
}

// openKeys reads the file for the first time; later on one that cannot be read leaves no key valid.
func openKeys(path string) (*keys, error) {
	k := &keys{path: path}
	_, err := k.current()
	return k, err
}

// current is the list as the file has it now; none when it cannot be read. A file that cannot be read is tried again each
// time.
func (k *keys) current() ([]key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	info, err := os.Stat(k.path)
	if err != nil {
		k.list, k.err, k.seen = nil, err, fileState{}
		return nil, err
	}
	if now := (fileState{info.ModTime(), info.Size(), info.Mode()}); k.err != nil || k.seen != now {
		k.seen = now
		k.list, k.err = readKeys(k.path)
	}
	return k.list, k.err
}

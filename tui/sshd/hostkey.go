package sshd

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	gossh "golang.org/x/crypto/ssh"

	"episteme/engine/api"
)

// hostKey reads the key by which clients know the server again, and makes one the first time.
func hostKey(path string) (gossh.Signer, error) {
	held, err := readHostKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return held, err
	}
	if err := makeHostKey(path); err != nil {
		return nil, fmt.Errorf("make the host key %s: %w", path, err)
	}
	return readHostKey(path)
}

// hostKeyMaxBytes bounds the file. The largest keys in use, RSA of 16,384 bits, take some 13 kB.
const hostKeyMaxBytes = 64 << 10

func readHostKey(path string) (gossh.Signer, error) {
	f, err := api.OpenPrivate(path, hostKeyMaxBytes)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	signer, err := gossh.ParsePrivateKey(b)
	if err != nil {
		return nil, fmt.Errorf("%s: found no host key: %w; put back the one that was there, or move it away: then a new one is made, and clients will ask whether they may trust it", path, err)
	}
	return signer, nil
}

// makeHostKey writes a new key, mode 0600. It is durable before it has its name, and takes no name that is taken: two
// servers that start at once have the same key.
func makeHostKey(path string) error {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	block, err := gossh.MarshalPrivateKey(private, "episteme")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".ssh-host-key-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(pem.EncodeToMemory(block))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

package api_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"episteme/engine/api"
)

// certificate is one that signs itself, for a name.
func certificate(t *testing.T, name string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	what := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, what, what, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// TestTLS says that a door with a certificate speaks TLS 1.2 or more under the names of its certificate, waits for nobody
// who begins to and does not go on, and that connections which are idle make room for who has something to ask.
func TestTLS(t *testing.T) {
	const room = 4
	file := filepath.Join(t.TempDir(), "tokens")
	secret := grant(t, file, api.Grant{Name: "r", Role: api.RoleRead})
	x := serve(t, api.Options{Evidence: incident(t), Tokens: file, Limits: api.Limits{Connections: room, HeaderTime: time.Second}})
	cert := certificate(t, "episteme.example.org")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- x.server.Serve(api.Door{Listener: l, Trust: api.Strangers, TLS: cert}) }()
	t.Cleanup(func() {
		if err := x.server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	known := x509.NewCertPool()
	known.AddCert(cert.Leaf)
	dial := func(newest uint16) (*tls.Conn, error) {
		return tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: known, ServerName: "episteme.example.org", MaxVersion: newest})
	}
	ask := func(c net.Conn, host string) *http.Response {
		t.Helper()
		if _, err := fmt.Fprintf(c, "GET /audit/agents HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", host, secret); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatal(err)
		}
		return res
	}
	if _, err := dial(tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1 was spoken")
	}
	for host, want := range map[string]int{"episteme.example.org": 200, "Episteme.example.org:8443": 200, "evil.example": 421} {
		c, err := dial(0)
		if err != nil {
			t.Fatal(err)
		}
		if res := ask(c, host); res.StatusCode != want {
			t.Errorf("Host: %s = %d, want %d", host, res.StatusCode, want)
		}
		c.Close()
	}
	for range 3 * room { // each is answered, and then lies there
		c, err := dial(0)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if res := ask(c, "episteme.example.org"); res.StatusCode != 200 {
			t.Errorf("beside idle connections = %d", res.StatusCode)
		}
	}
	for range 3 * room { // and these say nothing, or half of a greeting
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte{0x16, 3, 1}); err != nil {
			t.Fatal(err)
		}
	}
	c, err := dial(0)
	if err != nil {
		t.Fatalf("beside connections that say nothing: %v", err)
	}
	defer c.Close()
	if res := ask(c, "episteme.example.org"); res.StatusCode != 200 {
		t.Errorf("beside connections that say nothing = %d", res.StatusCode)
	}
}

package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// ClientOptions say which server a Client speaks to: one of Socket and URL.
type ClientOptions struct {
	Socket string // the path of a socket
	URL    string // http:// or https:// and a host, with a path if a proxy gives it one
	Token  string // sent to URL; a socket needs none
	Export bool   // says that an export is gathered, which the server notes

	// Dial connects to Socket, where that is not all there is to it; nil: just that. It is for evidence whose holder may
	// change: a request whose holder ended before it answered is sent again, to the next one. A question that was written
	// down just then is asked twice; who asks again by hand does the same.
	Dial func(ctx context.Context) (net.Conn, error)
}

// Client is evidence that another process holds. Safe for use by several goroutines.
//
// Errors: those of ask.Investigator, as the same types; what this package names for HTTP; *ServerError for failures
// without a type; *UnreachableError when nobody answers.
type Client struct {
	o    ClientOptions
	base *url.URL
	http *http.Client
	said atomic.Bool // that this is an export
}

// UnreachableError says that the server could not be asked, or that its answer broke off.
type UnreachableError struct {
	Server string
	Err    error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("%s does not answer: %v; %s", e.Server, e.Err, e.advice())
}

// advice is what to do now.
func (e *UnreachableError) advice() string {
	var stranger x509.UnknownAuthorityError
	var other x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.Is(e.Err, http.ErrSchemeMismatch):
		return "it speaks no TLS: use http:// if the way there is safe"
	case errors.As(e.Err, &stranger):
		return "if its certificate is its own, SSL_CERT_FILE=FILE names it to this program, on Linux"
	case errors.As(e.Err, &other):
		return "ask it by a name that its certificate has"
	case errors.As(e.Err, &invalid):
		return "whoever keeps it has to renew its certificate, or a clock is wrong"
	}
	return "check that it runs"
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// connectTime is how long a server may take to accept: one on this machine takes none, one far away a second.
const connectTime = 10 * time.Second

// headerTime is how long a server elsewhere may take to begin an answer: more than Limits.AnswerTime.
const headerTime = 90 * time.Second

// NewClient makes a client. It asks nothing yet. Errors: a URL that is none.
func NewClient(o ClientOptions) (*Client, error) {
	transport := &http.Transport{
		MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: connectTime,
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: connectTime}).DialContext,
		ResponseHeaderTimeout: headerTime,
		DisableCompression:    true, // most answers are small, and a socket gains nothing
	}
	c := &Client{o: o, http: &http.Client{Transport: transport, CheckRedirect: noRedirect}}
	if o.Socket != "" {
		transport.ResponseHeaderTimeout = 0 // over the socket a question may take as long as its asker waits
		dial := o.Dial
		if dial == nil {
			dial = func(ctx context.Context) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "unix", o.Socket)
			}
		}
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }
		c.base = &url.URL{Scheme: "http", Host: "localhost"}
		return c, nil
	}
	base, err := url.Parse(o.URL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.User != nil || base.RawQuery != "" {
		return nil, fmt.Errorf("found %q, expected the address of a server such as https://episteme.example.org:8443", clip(o.URL))
	}
	c.base = base
	return c, nil
}

// noRedirect keeps a token from being sent elsewhere: no server of ours sends one on.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// InTheClear reports whether what is sent can be read on its way to another machine.
func (c *Client) InTheClear() bool {
	ip := net.ParseIP(c.base.Hostname())
	return c.o.Socket == "" && c.base.Scheme != "https" && c.base.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// Alive asks the server for a sign of life. It is answered whatever else the server does, so who waits long for it waits
// for a process that is suspended.
func (c *Client) Alive(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.at("/healthz", nil), nil)
	if err != nil {
		return err
	}
	res, err := c.send(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// Close gives connections back. The evidence stays open where it is.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// server is what the client calls the other side in messages.
func (c *Client) server() string {
	if c.o.Socket != "" {
		return c.o.Socket
	}
	return c.base.String()
}

// at is the address of a route. parts are put in the place of its names, escaped.
func (c *Client) at(route string, q url.Values, parts ...string) string {
	escaped, raw := "", ""
	for segment := range strings.SplitSeq(strings.TrimPrefix(route, "/"), "/") {
		if strings.HasPrefix(segment, "{") && len(parts) > 0 {
			segment, parts = parts[0], parts[1:]
		}
		escaped += "/" + url.PathEscape(segment)
		raw += "/" + segment
	}
	u := *c.base
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/")+raw, strings.TrimSuffix(c.base.EscapedPath(), "/")+escaped
	u.RawQuery = q.Encode()
	return u.String()
}

// get asks a route and reads its answer into into.
func (c *Client) get(ctx context.Context, into any, route string, q url.Values, parts ...string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.at(route, q, parts...), nil)
	if err != nil {
		return err
	}
	return c.read(req, into)
}

// post sends a body and reads the answer.
func (c *Client) post(ctx context.Context, into any, route, mediaType string, body []byte, q url.Values, header ...string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.at(route, q), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", mediaType)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return c.read(req, into)
}

func (c *Client) read(req *http.Request, into any) error {
	return c.resending(req, func(req *http.Request) error { return c.readOnce(req, into) })
}

// resendMax is how often a request is sent again: each time another holder ended just then.
const resendMax = 5

// resending calls f again, with the request anew, when its holder ended before it answered.
func (c *Client) resending(req *http.Request, f func(*http.Request) error) error {
	for n := 0; ; n++ {
		err := f(req)
		if c.o.Dial == nil || n == resendMax || !hungUp(err) || req.Context().Err() != nil {
			return err
		}
		again := req.Clone(req.Context())
		if req.GetBody != nil {
			body, bad := req.GetBody()
			if bad != nil {
				return err
			}
			again.Body = body
		}
		req = again
	}
}

// hungUp reports whether the other side closed the connection where an answer should have come.
func hungUp(err error) bool {
	var gone *UnreachableError
	if !errors.As(err, &gone) {
		return false
	}
	var broke *net.OpError // reset, or a broken pipe; that nobody listens is a matter of Dial
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &broke) && !broke.Timeout() && (broke.Op == "read" || broke.Op == "write")
}

func (c *Client) readOnce(req *http.Request, into any) error {
	res, err := c.sendOnce(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := c.speaks(res); err != nil {
		return err
	}
	var body strings.Builder
	body.Grow(int(min(max(res.ContentLength, 0), 1<<20))) // more when it comes
	if _, err := io.Copy(&body, res.Body); err != nil {
		return c.broken(req.Context(), err)
	}
	return decodeWire(body.String(), into)
}

// speaks refuses an answer that is none of a server of episteme, or of one whose values this version cannot read.
func (c *Client) speaks(res *http.Response) error {
	given, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	switch given {
	case wireType:
		return nil
	case "application/json":
		return &ServerError{Name: "version", Status: res.StatusCode, Detail: fmt.Sprintf(
			"%s answers in a form that this program does not read (%s, expected %s): it is of another version, or no server of episteme; use the same version on both sides", c.server(), given, wireType)}
	}
	return c.foreign(res, 0)
}

// foreign is the error of an answer that no server of episteme gives.
func (c *Client) foreign(res *http.Response, retry time.Duration) error {
	return &ServerError{Name: "foreign", Status: res.StatusCode, Retry: retry, Detail: fmt.Sprintf("%s answers %s, and not as a server of episteme does; check the address", c.server(), res.Status)}
}

// send makes a request and turns a problem into the error it tells of. The caller closes the body.
func (c *Client) send(req *http.Request) (res *http.Response, err error) {
	err = c.resending(req, func(req *http.Request) (err error) {
		res, err = c.sendOnce(req)
		return err
	})
	return res, err
}

func (c *Client) sendOnce(req *http.Request) (*http.Response, error) {
	req.Header.Set("Accept", wireType+", application/json")
	if c.o.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.o.Token)
	}
	if c.o.Export && c.said.CompareAndSwap(false, true) {
		req.Header.Set(exportHeader, "1")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.broken(req.Context(), err)
	}
	if res.StatusCode/100 == 2 || isLines(res) {
		return res, nil
	}
	defer res.Body.Close()
	return nil, c.problem(res)
}

// isLines reports whether an answer is results of lines: then its status only sums them up.
func isLines(res *http.Response) bool {
	t, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return t == "application/x-ndjson"
}

// problemMaxBytes bounds what is read of a failure: its facts may be those of a long record.
const problemMaxBytes = 1 << 20

func (c *Client) problem(res *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(res.Body, problemMaxBytes))
	if err != nil {
		return c.broken(context.Background(), err)
	}
	seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // absent or no number: 0, which is "that does not help"
	retry := time.Duration(seconds) * time.Second
	if c.base.Scheme == "http" && res.StatusCode == http.StatusBadRequest && bytes.Contains(body, []byte("HTTPS server")) { // net/http says so
		return &ServerError{Name: "tls", Status: res.StatusCode, Detail: fmt.Sprintf("%s speaks TLS: use https:// in its address", c.server())}
	}
	var p Problem
	if t, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); t != problemType || json.Unmarshal(body, &p) != nil {
		return c.foreign(res, retry)
	}
	return errorOf(p, retry)
}

// broken is the error of a request that got no answer, or half of one. That of an ended context is its own.
func (c *Client) broken(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var at *url.Error
	if errors.As(err, &at) { // its text repeats the whole address
		err = at.Err
	}
	return &UnreachableError{c.server(), err}
}

// newKey is an Idempotency-Key: a question that is sent again because a connection broke is asked once.
func newKey() string { return rand.Text() }

package api

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"episteme/engine/record"
)

// serve is every request's way in: who may come at all, which route it is, who asks, how often, and then the answer.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, trust Trust) {
	if forwarded(r) { // whoever opened the socket asks for somebody else
		trust = Strangers
	}
	s.running.Add(1)
	defer s.running.Done()
	started := time.Now()
	a := &answer{ResponseWriter: w, stall: s.o.Limits.StallTime, control: http.NewResponseController(w)}
	setHeaders(a.Header())
	c := &call{w: a, r: r, s: s, trust: trust, whole: accepts(r, wireType)}
	kind := "none"
	defer func() { // also of an answer that is broken off
		s.metrics.answered(kind, a.status, time.Since(started))
		s.log.Debug("request", "method", r.Method, "path", withoutSecrets(r.URL.Path), "who", c.grant.Name, "status", a.status, "took", time.Since(started))
	}()
	defer s.mend(c)
	rt, err := s.admit(c, trust)
	if rt != nil {
		kind = rt.kind
	}
	if err == nil {
		c.route = rt
		err = s.run(c)
	}
	if err != nil {
		s.tell(c, err)
	}
}

// setHeaders keeps answers out of caches, frames and guesses about their type.
func setHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
}

// admit finds the route of a request that may be made, and who makes it.
func (s *Server) admit(c *call, trust Trust) (*route, error) {
	if trust != Machine {
		if err := s.checkHost(c.r); err != nil {
			return nil, err
		}
	}
	if err := checkOrigin(c.r); err != nil {
		return nil, err
	}
	rt, err := s.table.find(c.r)
	if err != nil {
		return nil, err
	}
	if c.grant, err = s.grantOf(c.r, trust, rt); err != nil {
		return rt, err
	}
	// Probes are not slowed down: strangers share one name, and one who asks on and on would make a supervisor take the
	// server for dead.
	if !c.grant.Machine && !rt.open && !s.rates.allow(c.grant.Name) {
		return rt, &RateError{Who: c.grant.Name, Retry: s.rates.wait()}
	}
	if c.grant.Role < rt.role {
		return rt, &ForbiddenError{Who: c.grant.Name, What: rt.method + " " + rt.path, Expected: "the role " + rt.role.String() + " or more, found " + c.grant.Role.String()}
	}
	return rt, nil
}

// checkHost refuses a request for a name that is not this server's: a page elsewhere can make its own name point here,
// and then a browser lets it read the answer.
func (s *Server) checkHost(r *http.Request) error {
	host := r.Host
	if host == "" { // a probe of HTTP/1.0: every browser names the host it was told to ask
		return nil
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "localhost" {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ip.IsLoopback() || ok && ip.Unmap() == addrOf(at) {
			return nil
		}
	}
	s.mu.Lock()
	names := slices.Concat(s.o.Hosts, s.names)
	s.mu.Unlock()
	if own, err := os.Hostname(); err == nil {
		names = append(names, own)
	}
	if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, host) }) {
		return nil
	}
	return &RequestError{
		Failure{Name: "host", Status: http.StatusMisdirectedRequest, Title: "The server has another name"},
		fmt.Sprintf("Host: found %q, expected a name of this server; start it with --host %s if it is one", clip(r.Host), clip(host)),
	}
}

func addrOf(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// checkOrigin refuses what a page of another origin sends.
func checkOrigin(r *http.Request) error {
	// What else listens on this machine, or under the same domain, is the same site and not the same server.
	site := r.Header.Get("Sec-Fetch-Site")
	foreign := site == "cross-site" || site == "same-site"
	origin := r.Header.Get("Origin")
	if origin != "" {
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		at, err := url.Parse(origin)
		foreign = foreign || err != nil || at.Scheme != scheme || !strings.EqualFold(at.Host, r.Host)
	}
	if !foreign {
		return nil
	}
	return &RequestError{
		Failure{Name: "foreign-origin", Status: http.StatusForbidden, Title: "Sent by a page of another origin"},
		fmt.Sprintf("Origin: found %q, expected none, or the server's own: pages of other origins may ask nothing here", clip(origin)),
	}
}

// grantOf says who asks.
func (s *Server) grantOf(r *http.Request, trust Trust, rt *route) (Grant, error) {
	if trust == Machine {
		return machineGrant(), nil
	}
	header := r.Header.Get("Authorization")
	if header == "" {
		switch {
		case rt.open:
			return Grant{Name: "anybody"}, nil
		case trust == Loopback && rt.method == http.MethodGet && rt.role <= RoleRead:
			return loopbackGrant(), nil
		}
		return Grant{}, &UnauthorizedError{Why: "no token came with the request"}
	}
	scheme, secret, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || secret == "" {
		return Grant{}, &UnauthorizedError{Why: "the header Authorization is not a bearer's"}
	}
	grant, ok := s.tokens.find(strings.TrimSpace(secret))
	if !ok {
		return Grant{}, &UnauthorizedError{Why: "nobody knows the token that came with the request"}
	}
	return grant, nil
}

// forwarded reports whether another program passed the request on: then it does not come from this machine, whatever its
// address says.
func forwarded(r *http.Request) bool {
	return slices.ContainsFunc([]string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"}, func(name string) bool { return r.Header.Get(name) != "" })
}

// run reads what the request says and answers it.
func (s *Server) run(c *call) error {
	var err error
	if c.v, err = readValues(c.r, slices.Concat(c.route.params, wholeParams(c)), s.o.Now); err != nil {
		return err
	}
	c.v.whole = c.whole
	if err := c.v.mustHave(c.route.params); err != nil {
		return err
	}
	if c.route.body == nil && c.r.ContentLength != 0 {
		c.drain() // net/http waits for such a body before it answers, and for ever
	}
	if c.route.body != nil {
		if err := c.openBody(); err != nil {
			return err
		}
		defer c.body.Close()
	}
	ctx := c.r.Context()
	if !c.route.streams && !c.live() && !c.grant.Machine { // whoever holds the machine may wait
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.o.Limits.AnswerTime)
		defer cancel()
	}
	c.ctx, c.evidence = ctx, Scoped(s.held, c.grant)
	c.noteExport()
	return c.route.answer(c)
}

// wholeParams are those that only a Client needs.
func wholeParams(c *call) []param {
	if !c.whole {
		return nil
	}
	return []param{fact("stream", "the parts as they are found, then the whole")}
}

// live reports whether the request follows a list.
func (c *call) live() bool {
	return c.route.live && c.r.Method == http.MethodGet && accepts(c.r, "text/event-stream") // of a HEAD nobody reads what comes
}

// accepts reports whether a request asks for a media type by name.
func accepts(r *http.Request, mediaType string) bool {
	for _, header := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(header, ",") {
			name, _, _ := strings.Cut(part, ";")
			if strings.TrimSpace(name) == mediaType {
				return true
			}
		}
	}
	return false
}

// tell answers with a problem, notes it where it is to be noted, and ends an answer that has begun.
func (s *Server) tell(c *call, err error) {
	f, facts := failureOf(err, s.o.Classify)
	switch f.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusMisdirectedRequest, http.StatusTooManyRequests:
		s.metrics.refused(f.Name)
		s.note(c, noteRefused, f.Name, f.Status)
	case http.StatusInternalServerError:
		if f.Name == defectName { // mend has told more
			break
		}
		s.log.Error("a request failed", "method", c.r.Method, "path", withoutSecrets(c.r.URL.Path), "error", err)
	}
	if c.w.status != 0 { // the answer has begun: whoever reads it must not take it for whole
		panic(http.ErrAbortHandler)
	}
	c.drain()
	h := c.w.Header()
	if f.Retry > 0 {
		h.Set("Retry-After", retryAfter(f.Retry))
	}
	if f.allow != "" {
		h.Set("Allow", f.allow)
	}
	if f.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="episteme"`)
	}
	h.Set("Content-Type", problemType)
	c.w.WriteHeader(f.Status)
	_ = c.writeValue(problemOf(err, f, facts, c.grant.Machine)) // nobody is left to be told
}

// defectName is that of the problem of a defect.
const defectName = "defect"

// defectError is a panic of ours.
type defectError struct{ id string }

func (e *defectError) Error() string {
	return "this request met a defect of episteme (id " + e.id + "); the server's log says more under that id; nothing else was disturbed"
}

// mend ends a request whose handler panicked: its sender is told an id, the log has it all, and nobody else notices.
// What ended an answer on purpose goes on to net/http.
func (s *Server) mend(c *call) {
	r := recover()
	if r == nil {
		return
	}
	if err, ok := r.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(r)
	}
	sum := record.Sum(fmt.Append(nil, "request ", c.r.Method, c.r.URL.Path, r))
	err := &defectError{hex.EncodeToString(sum[:4])}
	s.log.Error("a request met a defect", "id", err.id, "method", c.r.Method, "path", withoutSecrets(c.r.URL.Path), "who", c.grant.Name, "panic", r, "stack", string(debug.Stack()))
	s.tell(c, err)
}

// table finds the route of a request.
type table struct {
	routes []route
	mux    *http.ServeMux
	byName map[string]*route
}

func newTable(routes []route) *table {
	t := &table{routes: routes, mux: http.NewServeMux(), byName: map[string]*route{}}
	for i := range routes {
		pattern := routes[i].method + " " + routes[i].path
		t.mux.Handle(pattern, http.NotFoundHandler()) // never called: the mux only matches
		t.byName[pattern] = &routes[i]
	}
	return t
}

func (t *table) find(r *http.Request) (*route, error) {
	missing := &RequestError{
		Failure{Name: "no-such-route", Status: http.StatusNotFound, Title: "There is nothing here"},
		fmt.Sprintf("%s is no route of this server; /openapi.json lists them", clip(r.URL.Path)),
	}
	if at := r.URL.EscapedPath(); at != path.Clean(at) { // net/http would send its asker elsewhere
		return nil, missing
	}
	if rt := t.match(r, r.Method); rt != nil {
		return rt, nil
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if t.match(r, method) != nil {
			return nil, &RequestError{
				Failure{Name: "method", Status: http.StatusMethodNotAllowed, Title: "Not the method of this route", allow: t.allowed(r)},
				fmt.Sprintf("%s %s: expected the method %s", clip(r.Method), clip(r.URL.Path), method),
			}
		}
	}
	return nil, missing
}

// allowed lists the methods of a path, as the header Allow has them.
func (t *table) allowed(r *http.Request) string {
	var list []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		if t.match(r, method) != nil {
			list = append(list, method)
		}
	}
	return strings.Join(list, ", ")
}

// match finds the route of a method, and gives the request the parts of its path.
func (t *table) match(r *http.Request, method string) *route {
	asked := *r
	asked.Method = method
	_, pattern := t.mux.Handler(&asked)
	rt := t.byName[pattern]
	if rt != nil {
		setPathValues(r, rt.path)
	}
	return rt
}

// setPathValues gives the request what stands for the names in a route's path.
func setPathValues(r *http.Request, route string) {
	segments := strings.Split(r.URL.EscapedPath(), "/")
	for i, part := range strings.Split(route, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok && i < len(segments) {
			value, err := url.PathUnescape(segments[i])
			if err != nil {
				value = segments[i]
			}
			r.SetPathValue(strings.TrimSuffix(name, "}"), value)
		}
	}
}

// rates slow each token down on its own. Names are those of a file, so there are not many.
type rates struct {
	every rate.Limit
	burst int

	mu   sync.Mutex
	held map[string]*rate.Limiter
}

func newRates(perSecond float64, burst int) *rates {
	return &rates{every: rate.Limit(perSecond), burst: burst, held: map[string]*rate.Limiter{}}
}

func (r *rates) allow(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.held[name]
	if !ok {
		l = rate.NewLimiter(r.every, r.burst)
		r.held[name] = l
	}
	return l.Allow()
}

// wait is how long until a token that was slowed down may ask again.
func (r *rates) wait() time.Duration { return time.Duration(float64(time.Second) / float64(r.every)) }

// namesOf are the names that a certificate stands for.
func namesOf(cert *tls.Certificate) []string {
	if cert == nil || cert.Leaf == nil {
		return nil
	}
	names := slices.Clone(cert.Leaf.DNSNames)
	for _, ip := range cert.Leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

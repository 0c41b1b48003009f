// Package api is episteme over HTTP: a Server, which answers from evidence that somebody holds, and a Client, which is
// that evidence from afar.
//
// Promises: the bodies of answers are byte for byte what the command line prints as JSON; each failure has a name of
// its own, and an error of package ask arrives at a Client as the same type with the same fields; what a token may not
// see is hidden in one place, Scoped, and no handler can forget it; every size, depth, rate and wait has a limit; no
// secret is written anywhere but, hashed, into the file of tokens.
//
// Not promised: how evidence is kept, or what an answer is. A Server asks an Evidence and knows nothing of journals.
//
//	command or browser ── HTTP over a socket or TCP ──> Server ──> guard (host, origin, token, rate)
//	                                                                 └─> route ──> Scoped ──> Evidence
//
// # Who may
//
// A socket is opened by whoever its file mode lets; its callers may do everything. On a loopback address everybody may
// read, and who writes needs a token. On any other address everything but the two probes needs a token.
package api

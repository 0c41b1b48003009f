package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
	"episteme/engine/when"
)

// Problem is a failure as HTTP tells it (RFC 9457). Type names the failure: no two failures share one.
type Problem struct {
	Type   string          `json:"type"` // urn:episteme:problem: and a name
	Title  string          `json:"title"`
	Status int             `json:"status"`
	Detail string          `json:"detail"`          // what was found, what was expected, what to do now
	Facts  json.RawMessage `json:"facts,omitempty"` // the fields of the error, for programs
}

// problemPrefix begins the type of every problem.
const problemPrefix = "urn:episteme:problem:"

const problemType = "application/problem+json"

// Failure is how an error is told over HTTP.
type Failure struct {
	Name   string // of the problem's type, such as not-found
	Status int
	Title  string
	Retry  time.Duration // when to try again; 0: that does not help
	// Told is set where the error may tell of the server what a stranger has no business to know, such as a path: then
	// its text goes to the log, and only who holds the machine reads it.
	Private bool

	allow string // the methods of a path that was asked with another
}

// errorForm is an error type that crosses the wire whole.
type errorForm struct {
	Failure
	match func(error) (any, bool)           // the error in err's chain, as a struct without methods
	read  func(facts json.RawMessage) error // the error again
}

func formOf[T any, P interface {
	*T
	error
}](name string, status int, title string) errorForm {
	return errorForm{
		Failure: Failure{Name: name, Status: status, Title: title},
		match: func(err error) (any, bool) {
			var e P
			if !errors.As(err, &e) {
				return nil, false
			}
			return *e, true
		},
		read: func(facts json.RawMessage) error {
			e := P(new(T))
			if err := decodeFacts(facts, e); err != nil {
				return err
			}
			return e
		},
	}
}

// errorForms lists the errors that arrive at a Client as they left. The first that matches counts.
func errorForms() []errorForm {
	return []errorForm{
		formOf[ask.NotFoundError]("not-found", http.StatusNotFound, "No such record"),
		formOf[ask.AmbiguousError]("ambiguous", http.StatusConflict, "The id means several records"),
		formOf[ask.UsageError]("usage", http.StatusBadRequest, "The question makes no sense as it stands"),
		formOf[ask.NotRecomputableError]("not-recomputable", http.StatusUnprocessableEntity, "The audit cannot be recomputed here"),
		formOf[record.FieldError]("field", http.StatusUnprocessableEntity, "A field of the record is not valid"),
		formOf[record.Reject]("rejected", http.StatusUnprocessableEntity, "The line was refused"),
		formOf[UnauthorizedError]("unauthorized", http.StatusUnauthorized, "A token is needed"),
		formOf[ForbiddenError]("forbidden", http.StatusForbidden, "The token does not reach that far"),
		formOf[RateError]("too-many-requests", http.StatusTooManyRequests, "Too many requests"),
		formOf[TooLargeError]("too-large", http.StatusRequestEntityTooLarge, "The body is too large"),
		{
			Failure: Failure{Name: "strict", Status: http.StatusUnprocessableEntity, Title: "All or none: nothing was written"},
			match:   func(err error) (any, bool) { return struct{}{}, errors.Is(err, ask.ErrStrict) },
			read:    func(json.RawMessage) error { return ask.ErrStrict },
		},
	}
}

// UnauthorizedError says that nobody said who asks.
type UnauthorizedError struct {
	Why string // no token, or one that nobody knows
}

func (e *UnauthorizedError) Error() string {
	return e.Why + "; send `Authorization: Bearer SECRET` (`episteme token new` makes one), or set EPISTEME_TOKEN"
}

// ForbiddenError says that whoever asks is known and may not do this.
type ForbiddenError struct {
	Who      string // the token's name
	What     string // what was asked for
	Expected string // who may, or what would be allowed
}

func (e *ForbiddenError) Error() string {
	return fmt.Sprintf("%s may not %s: expected %s", e.Who, e.What, e.Expected)
}

// RateError says that a token asks faster than it may.
type RateError struct {
	Who   string
	Retry time.Duration
}

func (e *RateError) Error() string {
	return fmt.Sprintf("%s asks faster than it may; try again in %s", e.Who, e.Retry.Round(time.Millisecond))
}

// TooLargeError says that a body is greater than its route takes.
type TooLargeError struct {
	LimitBytes int64
	Compressed bool // the limit was met while decompressing
}

func (e *TooLargeError) Error() string {
	how := ""
	if e.Compressed {
		how = " once decompressed"
	}
	return fmt.Sprintf("the body is more than %d bytes%s, which is the limit of this route; send it in parts", e.LimitBytes, how)
}

// RequestError says that a request is not one that this server takes, whoever sends it.
type RequestError struct {
	Failure
	Detail string
}

func (e *RequestError) Error() string { return e.Detail }

// ServerError is a failure of the server, at a Client: one that has no type of its own.
type ServerError struct {
	Name   string // of the problem's type
	Status int
	Detail string
	Retry  time.Duration // when to try again; 0: that does not help
}

func (e *ServerError) Error() string { return e.Detail }

// relayed is an error that crossed the wire inside another: the text is that of the whole chain.
type relayed struct {
	text string
	err  error
}

func (e *relayed) Error() string { return e.text }
func (e *relayed) Unwrap() error { return e.err }

// failureOf says how err is told, and what of it goes along. classify knows errors of layers that this package does not.
func failureOf(err error, classify func(error) (Failure, bool)) (Failure, any) {
	var request *RequestError
	if errors.As(err, &request) {
		return request.Failure, nil
	}
	for _, form := range errorForms() {
		if facts, ok := form.match(err); ok {
			f := form.Failure
			var slow *RateError
			if errors.As(err, &slow) {
				f.Retry = slow.Retry
			}
			return f, facts
		}
	}
	var typed *when.Error
	switch {
	case errors.As(err, &typed):
		return Failure{Name: "time", Status: http.StatusBadRequest, Title: "The time is not one"}, nil
	case classify != nil:
		if f, ok := classify(err); ok {
			return f, nil
		}
	}
	var defect *defectError
	switch {
	case errors.As(err, &defect): // its text is an id and no more
		return Failure{Name: defectName, Status: http.StatusInternalServerError, Title: "A defect of the server"}, nil
	case errors.Is(err, context.DeadlineExceeded):
		return Failure{Name: "too-slow", Status: http.StatusServiceUnavailable, Title: "The answer took too long", Retry: time.Second}, nil
	case errors.Is(err, context.Canceled):
		return Failure{Name: "ended", Status: http.StatusServiceUnavailable, Title: "The server is ending", Retry: time.Second}, nil
	}
	return Failure{Name: "internal", Status: http.StatusInternalServerError, Title: "The server could not answer", Private: true}, nil
}

// problemOf makes the document of a failure.
func problemOf(err error, f Failure, facts any, trusted bool) Problem {
	p := Problem{Type: problemPrefix + f.Name, Title: f.Title, Status: f.Status, Detail: err.Error()}
	if f.Private && !trusted {
		p.Detail = "the server's log says what went wrong; whoever keeps the server can read it there"
	}
	if facts != nil {
		if b, err := encodeFacts(facts); err == nil {
			p.Facts = b
		}
	}
	return p
}

// errorOf is the error that a problem tells of, at a Client.
func errorOf(p Problem, retry time.Duration) error {
	for _, form := range errorForms() {
		if p.Type != problemPrefix+form.Name || p.Facts == nil {
			continue
		}
		err := form.read(p.Facts)
		if err.Error() == p.Detail {
			return err
		}
		return &relayed{p.Detail, err}
	}
	name := p.Type
	if len(name) > len(problemPrefix) && name[:len(problemPrefix)] == problemPrefix {
		name = name[len(problemPrefix):]
	}
	return &ServerError{Name: name, Status: p.Status, Detail: p.Detail, Retry: retry}
}

// retryAfter is a wait as its header has it: whole seconds, at least one.
func retryAfter(wait time.Duration) string {
	return strconv.Itoa(int(math.Ceil(max(wait, time.Second).Seconds())))
}

package api

import (
	"encoding/binary"
	"fmt"
	"mime"
	"net/http"
	"strconv"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// tracesBody is an ExportTraceServiceResponse. Its partial success is left out when all spans were taken.
type tracesBody struct {
	PartialSuccess *partialSuccess `json:"partialSuccess,omitempty"`
}

type partialSuccess struct {
	RejectedSpans string `json:"rejectedSpans"` // an int64, which JSON of protobuf writes as text
	ErrorMessage  string `json:"errorMessage"`
}

func (c *call) traces() error {
	if c.s.o.Traces == nil {
		return &RequestError{Failure{Name: "no-traces", Status: http.StatusNotImplemented, Title: "This server takes no traces"}, "whoever holds the evidence was started without a reader of OTLP"}
	}
	given, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	lines, _, err := c.s.o.Traces(c.body, given)
	if err != nil {
		return err
	}
	refused, first := 0, ""
	foul := false
	done, err := c.evidence.Ingest(c.ctx, lines, ask.IngestOptions{Reject: func(r *record.Reject) {
		if refused++; refused == 1 {
			first = r.Error()
		}
		foul = foul || r.Field == notPermitted
	}})
	if err != nil {
		return err
	}
	if foul && done.Kept == 0 {
		return &ForbiddenError{Who: c.grant.Name, What: "record these spans (" + first + ")", Expected: "agents and subjects that its token reaches"}
	}
	message := ""
	if refused > 0 {
		message = fmt.Sprintf("%d refused; the first: %s", refused, first)
	}
	return c.replyTraces(given, refused, message)
}

// replyTraces answers in the form that was sent.
func (c *call) replyTraces(given string, refused int, message string) error {
	if given == "application/x-protobuf" {
		c.w.Header().Set("Content-Type", given)
		_, err := c.w.Write(appendTracesResponse(nil, refused, message))
		return err
	}
	var body tracesBody
	if refused > 0 {
		body.PartialSuccess = &partialSuccess{strconv.Itoa(refused), message}
	}
	return c.writeJSON(http.StatusOK, body)
}

// appendTracesResponse writes an ExportTraceServiceResponse as protobuf:
//
//	ExportTraceServiceResponse   1: partial_success  message
//	ExportTracePartialSuccess    1: rejected_spans   int64
//	                             2: error_message    string
func appendTracesResponse(dst []byte, refused int, message string) []byte {
	if refused == 0 {
		return dst
	}
	const messageOne, varintOne, stringTwo = 1<<3 | 2, 1 << 3, 2<<3 | 2 // field << 3 | wire type; that of a varint is 0
	inner := binary.AppendUvarint([]byte{varintOne}, uint64(refused))
	inner = binary.AppendUvarint(append(inner, stringTwo), uint64(len(message)))
	inner = append(inner, message...)
	return append(binary.AppendUvarint(append(dst, messageOne), uint64(len(inner))), inner...)
}

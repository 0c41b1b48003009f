package api

import (
	"net/http"
	"reflect"
	"slices"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// route is one thing a server answers. The table of routes is what the handlers and /openapi.json are both made from.
type route struct {
	method, path string // the path as net/http has it: /records/{id}
	kind         string // in metrics: a short word
	summary      string // a sentence
	role         Role   // who may ask at least
	open         bool   // anybody may, without a token
	params       []param
	body         *bodySpec
	gives        reflect.Type // of the JSON answer; nil: see answers
	answers      string       // the media type, where it is not JSON of gives
	live         bool         // follows live for who accepts text/event-stream
	streams      bool         // takes as long as it takes
	answer       func(*call) error
}

// The types of a body. None of them is one that a page can send without asking first.
func jsonTypes() []string { return []string{"application/json"} }
func linesTypes() []string {
	return []string{"application/x-ndjson", "application/jsonl", "application/json"}
}
func otlpTypes() []string { return []string{"application/json", "application/x-protobuf"} }

// routes lists what a server answers, in the order of the documentation.
func routes() []route {
	return slices.Concat(readingRoutes(), chainRoutes(), recordRoutes(), writingRoutes(), watchingRoutes())
}

func readingRoutes() []route {
	return []route{
		{
			method: http.MethodGet, path: "/audit/queries", kind: "audits", role: RoleList, live: true,
			summary: "What agents asked, newest first, with what they were told and why. With Accept: text/event-stream, what they ask from now on, as it is asked.",
			params:  filterParams(), gives: reflect.TypeFor[ask.Trace](), answer: (*call).audits,
		}, {
			method: http.MethodGet, path: "/audit/findings", kind: "findings", role: RoleList,
			summary: "The queries that deserve a look, worst first.",
			params:  filterParams(), gives: reflect.TypeFor[ask.Trace](), answer: (*call).findings,
		}, {
			method: http.MethodGet, path: "/audit/queries/{id}", kind: "audit", role: RoleRead,
			summary: "One query with its answer.", gives: reflect.TypeFor[ask.Audit](), answer: (*call).audit,
		}, {
			method: http.MethodGet, path: "/audit/queries/{id}/verdict", kind: "verdict", role: RoleRead,
			summary: "What was told, why, against what, what would have turned it, and what holds now.",
			gives:   reflect.TypeFor[ask.Verdict](), answer: (*call).verdict,
		}, {
			method: http.MethodGet, path: "/audit/queries/{id}/recomputation", kind: "recomputation", role: RoleRead,
			summary: "The question resolved again: as it was then, with what arrived since, and now.",
			gives:   reflect.TypeFor[ask.Recomputation](), answer: (*call).recomputation,
		}, {
			method: http.MethodGet, path: "/audit/queries/{id}/whatif", kind: "whatif", role: RoleRead,
			summary: "What a query would have been told, had something been different.",
			params:  slices.Concat([]param{list("without", "an id, or agent:NAME, to leave out; may be repeated")}, lensParams(), []param{text("as_of", "as it was at this time")}),
			gives:   reflect.TypeFor[ask.WhatIf](), answer: (*call).whatIf,
		}, {
			method: http.MethodGet, path: "/audit/agents", kind: "agents", role: RoleList,
			summary: "Who asks: how much, when last heard, lines refused.", gives: reflect.TypeFor[agentsBody](), answer: (*call).agents,
		}, {
			method: http.MethodGet, path: "/audit/events", kind: "events", role: RoleRead,
			summary: "What happened in the world, newest first.",
			params:  slices.Concat(rangeParams(), []param{number("limit", "events at most, 1 to 1000 (100)")}),
			gives:   reflect.TypeFor[eventsBody](), answer: (*call).events,
		}, {
			method: http.MethodGet, path: "/audit/find", kind: "find", role: RoleRead,
			summary: "Records of any kind by id, words, or agent:NAME.",
			params: []param{
				needs(text("text", "words that all occur; or an id or its beginning; or agent:NAME")), text("kind", "records of this kind only"),
				number("limit", "records at most, 1 to 1000 (100)"), text("cursor", "go on where a page ended: its next_cursor"),
				text("search_time", "how long to look, such as 2s"), number("search_records", "how many records to look at, at most"),
			},
			gives: reflect.TypeFor[ask.Found](), answer: (*call).find,
		}, {
			method: http.MethodGet, path: "/audit/near", kind: "near", role: RoleRead,
			summary: "What may have been meant by a subject that nobody has asserted anything about.",
			params:  []param{needs(text("subject", "the subject as it was typed"))}, gives: reflect.TypeFor[nearBody](), answer: (*call).near,
		}, {
			method: http.MethodGet, path: "/audit/status", kind: "status", role: RoleList,
			summary: "How far the journal and the store have come, and what is in them.",
			params:  []param{fact("catch_up", "wait until everything that is durable now can be seen")},
			gives:   reflect.TypeFor[statusBody](), answer: (*call).status,
		},
	}
}

func chainRoutes() []route {
	chain := []param{number("depth", "levels below the root (all)"), number("nodes", "records at most (10000)")}
	return []route{
		{
			method: http.MethodGet, path: "/audit/queries/{id}/provenance", kind: "provenance", role: RoleRead,
			summary: "The chain behind a query: assertions, evidence, parents, votes, transitions, epochs.",
			params:  chain, gives: reflect.TypeFor[ask.Provenance](), answer: (*call).provenance,
		}, {
			method: http.MethodGet, path: "/records/{id}/provenance", kind: "provenance", role: RoleRead,
			summary: "The chain behind a record of any kind.",
			params:  chain, gives: reflect.TypeFor[ask.Provenance](), answer: (*call).provenance,
		}, {
			method: http.MethodGet, path: "/audit/impact/{id}", kind: "impact", role: RoleRead,
			summary: "The chain ahead of a record, or of agent:NAME: who was told something because of it, and who is told it still.",
			params:  []param{number("limit", "queries at most, the newest (10000)"), number("assertions", "assertions followed at most (10000)")},
			gives:   reflect.TypeFor[ask.Impact](), answer: (*call).impact,
		}, {
			method: http.MethodGet, path: "/audit/diff", kind: "diff", role: RoleRead,
			summary: "What two answers differ in (left, right), or the beliefs of two times (from, to, subject), and which records moved them.",
			params: slices.Concat([]param{
				text("left", "a query"), text("right", "a query"), text("subject", "a glob over subjects"), text("from", "the earlier time"), text("to", "the later time"),
				number("limit", "beliefs at most (10000)"),
			}, lensParams()),
			answers: "application/json", answer: (*call).diff,
		}, {
			method: http.MethodGet, path: "/audit/bisect", kind: "bisect", role: RoleRead,
			summary: "The record that turned an answer into a value.",
			params: slices.Concat([]param{
				needs(text("subject", "the subject")), needs(text("predicate", "what is asked of it")), needs(text("value", "the value, as text or as JSON; null is no value")),
			}, lensParams()),
			gives: reflect.TypeFor[ask.Bisection](), answer: (*call).bisect,
		},
	}
}

func recordRoutes() []route {
	return []route{
		{
			method: http.MethodGet, path: "/records/{id}", kind: "record", role: RoleRead,
			summary: "One record in full, its bytes checked against its hash.", gives: reflect.TypeFor[recordBody](), answer: (*call).record,
		}, {
			method: http.MethodGet, path: "/records", kind: "records", role: RoleRead, streams: true,
			summary: "Every record that is held but documents, in the order of the journal, a line each.",
			answers: "application/x-ndjson", answer: (*call).everyRecord,
		}, {
			method: http.MethodGet, path: "/ids", kind: "identify", role: RoleRead,
			summary: "The id in full that a typed one means: any unique beginning of 4 or more digits, with or without the letter.",
			params:  []param{needs(text("typed", "what was typed"))}, gives: reflect.TypeFor[idBody](), answer: (*call).idOf,
		}, {
			method: http.MethodGet, path: "/sources/{id}", kind: "source", role: RoleRead,
			summary: "What is held of a source, by the digest of its bytes (b_…).", gives: reflect.TypeFor[ask.SourceOf](), answer: (*call).source,
		},
	}
}

func writingRoutes() []route {
	question := func(l Limits) int64 { return l.BodyBytes }
	lines := func(l Limits) int64 { return l.RecordBytes }
	return []route{
		{
			method: http.MethodPost, path: "/query", kind: "ask", role: RoleWrite,
			summary: "Ask. The audit is durable before the answer is given. With an Idempotency-Key, the same request sent again is the same audit.",
			body:    &bodySpec{doc: "the question", types: jsonTypes(), limit: question, json: questionBody{}},
			gives:   reflect.TypeFor[ask.Audit](), answer: (*call).query,
		}, {
			method: http.MethodPost, path: "/records", kind: "ingest", role: RoleWrite, streams: true,
			summary: "Records as JSON lines, streamed in; gzip and zstd are taken. One result a line, then a line that counts them. 422 when every line was refused.",
			params: []param{
				fact("dry_run", "read and check everything, write nothing"), fact("strict", "all lines or none, in one batch; no questions"),
				fact("at_once", "all records or none, and each with its place in the journal; at most 1000 lines"),
			},
			body:    &bodySpec{doc: "JSON lines, a record or a question each", types: linesTypes(), limit: lines},
			answers: "application/x-ndjson", answer: (*call).records,
		}, {
			method: http.MethodPost, path: "/preview", kind: "preview", role: RoleRead,
			summary: "Which answers records would change, if they were written now. Nothing is written.",
			body:    &bodySpec{doc: "JSON lines, a record each; at most 1000", types: linesTypes(), limit: func(l Limits) int64 { return 16 * l.BodyBytes }},
			gives:   reflect.TypeFor[ask.Preview](), answer: (*call).preview,
		}, {
			method: http.MethodPost, path: "/v1/traces", kind: "traces", role: RoleWrite, streams: true,
			summary: "OpenTelemetry traces (OTLP over HTTP), protobuf or JSON: retrievals and tool calls of agents become queries.",
			body:    &bodySpec{doc: "an ExportTraceServiceRequest", types: otlpTypes(), limit: func(l Limits) int64 { return l.TraceBytes }},
			answers: "application/json", answer: (*call).traces,
		},
	}
}

func watchingRoutes() []route {
	return []route{
		{
			method: http.MethodGet, path: "/healthz", kind: "healthz", open: true,
			summary: "The process answers.", gives: reflect.TypeFor[healthBody](), answer: (*call).health,
		}, {
			method: http.MethodGet, path: "/readyz", kind: "readyz", open: true,
			summary: "What is sent is written and seen; 503 while it is not.", gives: reflect.TypeFor[readyBody](), answer: (*call).ready,
		}, {
			method: http.MethodGet, path: "/metrics", kind: "metrics", role: RoleList,
			summary: "Numbers for Prometheus.", answers: "text/plain", answer: (*call).metrics,
		}, {
			method: http.MethodGet, path: "/openapi.json", kind: "openapi", role: RoleList,
			summary: "This description.", answers: "application/json", answer: (*call).describe,
		},
	}
}

// The bodies that have no type of their own in package ask.
type (
	agentsBody struct {
		Agents []ask.Agent `json:"agents"`
	}
	eventsBody struct {
		Events []recordBody `json:"events"`
	}
	idBody struct {
		ID record.ID `json:"id"`
	}
	nearBody struct {
		Asserted bool     `json:"asserted"`
		Subjects []string `json:"subjects"`
	}
	statusBody struct {
		Journal    string       `json:"journal"`
		LastLSN    record.LSN   `json:"last_lsn"`
		Chain      record.Hash  `json:"chain"`
		AppliedLSN record.LSN   `json:"applied_lsn"`
		Oldest     *record.Time `json:"oldest"`
		Newest     *record.Time `json:"newest"`
		Audits     uint64       `json:"audits"`
		Events     uint64       `json:"events"`
		News       []string     `json:"news"`
	}
	healthBody struct {
		OK bool `json:"ok"`
	}
	readyBody struct {
		Ready      bool       `json:"ready"`
		LastLSN    record.LSN `json:"last_lsn"`
		AppliedLSN record.LSN `json:"applied_lsn"`
	}
)

// recordBody is a record with its place in the journal: the JSON of the command line.
type recordBody struct{ ask.Record }

package api

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// apiVersion is that of the routes and their bodies.
const apiVersion = "1.0.0"

// openAPI describes the routes. Bodies are described from the types that are written, so that a field cannot be
// forgotten; what a type writes otherwise than its fields say is told in wordy.
func openAPI(routes []route) ([]byte, error) {
	doc := describeRoutes(routes)
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, b, "", " "); err != nil {
		return nil, err
	}
	return append(indented.Bytes(), '\n'), nil
}

func describeRoutes(routes []route) *huma.OpenAPI {
	registry := newSchemas()
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "episteme", Version: apiVersion,
			Description: "What did the agent ask, what was it told, and what decided that? Errors are problem documents (RFC 9457) that say what to do.",
		},
		Paths: map[string]*huma.PathItem{},
		Components: &huma.Components{
			Schemas: registry,
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"token": {Type: "http", Scheme: "bearer", Description: "A secret of `episteme token new`. On a socket, and for reading on a loopback address, none is needed."},
			},
		},
	}
	for _, rt := range routes {
		item := doc.Paths[rt.path]
		if item == nil {
			item = &huma.PathItem{}
			doc.Paths[rt.path] = item
		}
		op := describeRoute(rt, registry)
		if rt.method == "POST" {
			item.Post = op
		} else {
			item.Get = op
		}
	}
	return doc
}

var inPath = regexp.MustCompile(`\{(\w+)\}`)

func describeRoute(rt route, registry *schemas) *huma.Operation {
	op := &huma.Operation{
		OperationID: operationID(rt), Summary: rt.summary, Responses: map[string]*huma.Response{},
		Security: []map[string][]string{{"token": {}}},
	}
	if rt.open {
		op.Security = []map[string][]string{}
	} else {
		op.Description = "Takes the role " + rt.role.String() + " or more."
	}
	for _, m := range inPath.FindAllStringSubmatch(rt.path, -1) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: m[1], In: "path", Required: true, Description: "an id, or its beginning: 4 digits or more", Schema: &huma.Schema{Type: "string"}})
	}
	for _, p := range rt.params {
		schema := &huma.Schema{Type: p.kind}
		if p.many {
			schema = &huma.Schema{Type: "array", Items: schema}
		}
		explode := p.many
		op.Parameters = append(op.Parameters, &huma.Param{Name: p.name, In: "query", Required: p.needed, Description: p.doc, Schema: schema, Explode: &explode})
	}
	if rt.path == "/query" {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header", Description: "the same request sent again with it is the same audit, for a day and while the server runs, of the 10000 keys that came last", Schema: &huma.Schema{Type: "string"}})
	}
	if rt.body != nil {
		op.RequestBody = describeBody(rt.body, registry)
	}
	op.Responses["200"] = describeAnswer(rt, registry)
	op.Responses["default"] = &huma.Response{
		Description: "a problem document that says what to do",
		Content:     map[string]*huma.MediaType{problemType: {Schema: registry.of(reflect.TypeFor[Problem]())}},
	}
	return op
}

// operationID is a name for generators of clients: get-audit-queries-id.
func operationID(rt route) string {
	words := strings.FieldsFunc(rt.path, func(r rune) bool { return strings.ContainsRune("/{}.", r) })
	return strings.ToLower(rt.method) + "-" + strings.Join(words, "-")
}

func describeBody(b *bodySpec, registry *schemas) *huma.RequestBody {
	body := &huma.RequestBody{Description: b.doc, Required: true, Content: map[string]*huma.MediaType{}}
	for _, t := range b.types {
		body.Content[t] = &huma.MediaType{}
		if b.json != nil {
			body.Content[t].Schema = registry.of(reflect.TypeOf(b.json))
		}
	}
	return body
}

func describeAnswer(rt route, registry *schemas) *huma.Response {
	answer := &huma.Response{Description: rt.summary, Content: map[string]*huma.MediaType{}}
	switch {
	case rt.gives != nil:
		answer.Content["application/json"] = &huma.MediaType{Schema: registry.of(rt.gives)}
	case rt.path == "/audit/diff":
		answer.Content["application/json"] = &huma.MediaType{Schema: &huma.Schema{OneOf: []*huma.Schema{
			registry.of(reflect.TypeFor[ask.Difference]()), registry.of(reflect.TypeFor[ask.BeliefChanges]()),
		}}}
	case rt.path == "/v1/traces":
		answer.Content["application/json"] = &huma.MediaType{Schema: registry.of(reflect.TypeFor[tracesBody]())}
		answer.Content["application/x-protobuf"] = &huma.MediaType{}
	default:
		answer.Content[rt.answers] = &huma.MediaType{}
	}
	if rt.live {
		answer.Content["text/event-stream"] = &huma.MediaType{}
	}
	return answer
}

// schemas describes types the way they are written as JSON.
type schemas struct{ huma.Registry }

func newSchemas() *schemas {
	return &schemas{huma.NewMapRegistry("#/components/schemas/", func(t reflect.Type, hint string) string {
		name := huma.DefaultSchemaNamer(t, hint)
		return strings.ToUpper(name[:1]) + name[1:]
	})}
}

// MarshalJSON writes the schemas by name.
func (r *schemas) MarshalJSON() ([]byte, error) { return json.Marshal(r.Map()) }

func (r *schemas) of(t reflect.Type) *huma.Schema { return r.Schema(t, true, "") }

// Schema describes a type; one that writes itself is described by wordy, wherever it stands.
func (r *schemas) Schema(t reflect.Type, allowRef bool, hint string) *huma.Schema {
	null := false
	for t.Kind() == reflect.Pointer {
		t, null = t.Elem(), true
	}
	if s := wordy(t); s != nil {
		s.Nullable = null
		return s
	}
	if t.Kind() != reflect.Struct {
		s := r.Registry.Schema(t, allowRef, hint)
		s.Nullable = s.Nullable || null
		return s
	}
	name := r.name(t)
	ref := &huma.Schema{Ref: "#/components/schemas/" + name}
	if _, known := r.Registry.Map()[name]; !known {
		s := &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{}}
		r.Registry.Map()[name] = s // before its fields, which may be of the type itself
		r.fields(t, s)
		s.PrecomputeMessages()
	}
	if null {
		return &huma.Schema{AnyOf: []*huma.Schema{ref, {Type: "null"}}}
	}
	return ref
}

// name is a type's name in the document; those of different packages do not meet.
func (r *schemas) name(t reflect.Type) string {
	name := t.Name()
	return strings.ToUpper(name[:1]) + name[1:]
}

// fields describes the fields of a struct, those of embedded structs as its own.
func (r *schemas) fields(t reflect.Type, s *huma.Schema) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
			continue
		case f.Anonymous && name == "":
			r.fields(f.Type, s)
			continue
		case name == "":
			name = f.Name
		}
		s.Properties[name] = r.field(f.Type)
		if doc := f.Tag.Get("doc"); doc != "" {
			s.Properties[name].Description = doc
		}
		if !strings.Contains(options, "omitempty") {
			s.Required = append(s.Required, name)
		}
	}
}

func (r *schemas) field(t reflect.Type) *huma.Schema {
	switch {
	case wordy(t) != nil || t.Kind() == reflect.Struct || t.Kind() == reflect.Pointer:
		return r.Schema(t, true, "")
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return &huma.Schema{Type: "array", Items: r.field(t.Elem()), Nullable: true}
	case t.Kind() == reflect.Map:
		return &huma.Schema{Type: "object", AdditionalProperties: r.field(t.Elem()), Nullable: true}
	}
	return r.Registry.Schema(t, true, "")
}

// wordy describes the types that write themselves otherwise than their kind says; nil for all others.
func wordy(t reflect.Type) *huma.Schema {
	hex := func(digits int) string { return `^[0-9a-f]{` + strconv.Itoa(digits) + `}$` }
	switch t {
	case reflect.TypeFor[record.ID]():
		return &huma.Schema{Type: "string", Description: "a letter, _, 64 hex digits; empty: none", Pattern: `^([a-z]_[0-9a-f]{64})?$`}
	case reflect.TypeFor[record.Hash]():
		return &huma.Schema{Type: "string", Pattern: hex(64)}
	case reflect.TypeFor[record.Time]():
		return &huma.Schema{Type: "string", Format: "date-time", Description: "RFC 3339, UTC"}
	case reflect.TypeFor[record.Stage]():
		return &huma.Schema{Type: "string", Description: "a lifecycle stage: " + stageNames()}
	case reflect.TypeFor[record.Object]():
		return &huma.Schema{Description: "a text, a number, a boolean, {\"ref\": id}, or null for no value"}
	case reflect.TypeFor[ask.Target]():
		return &huma.Schema{Type: "string", Description: "an id, or agent:NAME"}
	case reflect.TypeFor[json.RawMessage]():
		return &huma.Schema{Description: "the fields of the error, by their names"}
	case reflect.TypeFor[recordBody]():
		extra := true
		return &huma.Schema{
			Type: "object", Description: "id, kind, lsn, recorded_at, check, then the fields of its kind", AdditionalProperties: extra, Required: []string{"id", "kind", "lsn", "recorded_at", "check"},
			Properties: map[string]*huma.Schema{
				"id": {Type: "string"}, "kind": {Type: "string"}, "lsn": {Type: "integer"}, "recorded_at": {Type: "string", Format: "date-time"}, "check": {Type: "string"},
			},
		}
	}
	return nil
}

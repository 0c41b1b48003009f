package intake

import (
	"cmp"

	"episteme/engine/record"
)

// toolCall reads what a tool was asked and what it answered.
func (r *reading) toolCall(o origin) (told bool, f *fault) {
	text := r.door.scrub(attribute(r.attrs, argumentKeys...))
	arguments := fieldsOf(text)
	if call := arguments.object("args"); call != nil && arguments.text("type") == "tool_call" {
		// LangChain hands a tool the model's whole call; what the tool sees is its args.
		text = string(arguments["args"])
		r.setToolCallID(arguments.text("id"))
		arguments = call
	}
	r.audit.Subject, r.audit.Predicate = "tool/"+o.service, r.task.name
	if subject := arguments.text("subject"); isName(subject) {
		r.audit.Subject = subject
		if predicate := arguments.text("predicate"); isName(predicate) {
			r.audit.Predicate = predicate
		}
	}
	if asOf, err := record.ParseTime(arguments.text("as_of")); err == nil {
		r.audit.AsOf = asOf
	}
	r.mapped(text)
	r.ask(cmp.Or(r.mappedTo(text, r.door.mapping.Question), text))

	output := r.door.scrub(attribute(r.attrs, outputKeys...))
	if output == "" {
		return r.untold("a tool call whose output was"), nil
	}
	return true, r.output(r.task.name, output, attribute(r.attrs, "output.mime_type"))
}

// isName reports whether an argument can be a subject or a predicate. One that is too long is no reason to refuse the
// call: it was never meant as a name.
func isName(s string) bool { return s != "" && len(s) <= record.MaxNameBytes }

func (r *reading) setToolCallID(id string) {
	if r.audit.ToolCallID == "" {
		r.audit.ToolCallID = id
	}
}

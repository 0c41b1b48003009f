package engine

import (
	"episteme/engine/record"
	"episteme/engine/trace/ask"
)

// Progress says how far the journal and the store have come, without reading either.
func (e *Engine) Progress() ask.Progress {
	head := e.log.Head()
	p := ask.Progress{Durable: record.LSN(head.Durable), Applied: e.worker.Applied(), Stopped: e.worker.Err()}
	if p.Stopped == nil {
		p.Stopped = head.Latched
	}
	if p.Stopped == nil {
		p.Stopped = e.worker.Stalled()
	}
	for _, n := range e.rejects.byAgent() {
		p.Rejects += n
	}
	return p
}

package engine

import "episteme/engine/trace/ask"

// Syncs says how long the journal's syncs took since it was opened.
func (e *Engine) Syncs() ask.Syncs { return ask.Syncs(e.log.SyncTimes()) }

package ask

import "episteme/engine/record"

// Progress is how far evidence has come, for those who watch over it.
type Progress struct {
	Durable record.LSN // newest durable record
	Applied record.LSN // newest record that questions see
	Rejects uint64     // lines refused so far, those of earlier processes that are remembered included
	Stopped error      // why nothing more can be written or seen for now; nil: it can
}

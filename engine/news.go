package engine

import (
	"fmt"

	"episteme/engine/wal"
)

// newsOf says in sentences what recovery did, for people; nothing when the journal had been closed properly.
func newsOf(r wal.Recovery) []string {
	var news []string
	if r.TornBytes > 0 {
		news = append(news, fmt.Sprintf("an unfinished last write of %d bytes was put aside in %s; nothing acknowledged is lost", r.TornBytes, r.TornFile))
	}
	if !r.Clean && !r.Created && r.TornBytes == 0 && r.Records > 0 {
		news = append(news, fmt.Sprintf("the journal had not been closed properly; %d records were checked and all are there", r.Checked))
	}
	if r.Holes > 0 {
		news = append(news, fmt.Sprintf("%d holes stand where a rebuild gave damaged records up", r.Holes))
	}
	return news
}

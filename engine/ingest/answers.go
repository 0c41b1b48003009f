package ingest

import (
	"bytes"
	"context"
	"fmt"

	"episteme/engine/kv"
	"episteme/engine/record"
)

// answers are what audits were told, the last ones by answer key. The worker keeps them: it alone writes, so there is nothing
// between one of them and the audit that it is about to write. Used by one goroutine.
type answers struct {
	last generations[record.Hash, answered]
}

// answersRemembered bounds each half, of some 150 bytes each.
const answersRemembered = 1 << 12

func newAnswers() *answers {
	return &answers{newGenerations[record.Hash, answered](answersRemembered)}
}

type answered struct {
	lsn    record.LSN
	id     record.ID
	result record.Hash
}

// AnswerBefore finds what the same question was told last before an LSN.
func (v *View) AnswerBefore(ctx context.Context, answerKey record.Hash, before record.LSN) (id record.ID, result record.Hash, ok bool, err error) {
	if before == 0 {
		return id, result, false, nil
	}
	if v.answers != nil {
		if last, ok := v.answers.last.get(answerKey); ok && last.lsn < before {
			return last.id, last.result, true, nil
		}
	}
	for e, err := range v.snap.Scan(ctx, answersKey(answerKey, before-1), kv.PrefixEnd(answersPrefix(answerKey))) {
		if err != nil {
			return id, result, false, err
		}
		if len(e.Value) != 32 {
			return id, result, false, &StoreError{bytes.Clone(e.Key), fmt.Sprintf("%d bytes", len(e.Value)), "32"}
		}
		result = record.Hash(e.Value)
		id, err = v.idAt(^lastLSN(e.Key), &densePack{})
		return id, result, err == nil, err
	}
	return id, result, false, nil
}

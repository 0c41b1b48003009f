package ingest

import (
	"hash/maphash"

	"episteme/engine/record"
)

// What is made of a topic is remembered as long as nothing new bears on it: questions come in bursts about the same few.

// topicsCost bounds each half of what is remembered of topics, in assertions, votes and transitions of some 250 bytes.
const topicsCost = 1 << 15

type topicKey struct {
	topic
	described bool
}

type heldTopic struct {
	upTo  record.LSN
	value any
}

// Memo returns what load makes of a subject and predicate as v sees them, or what it made of them before, when nothing
// that bears on them was applied since. With described, load may look at the descriptors of sources and at epochs as
// well; without, at neither. What load returns is shared: nobody may change it. cost is how many assertions, votes and
// transitions it holds.
func Memo[T any](v *View, subject, predicate string, described bool, load func() (value T, cost int, err error)) (T, error) {
	key := topicKey{topic{subject, predicate}, described}
	if held, ok := v.index.recallTopic(v, key); ok {
		if value, ok := held.(T); ok {
			return value, nil
		}
	}
	value, cost, err := load()
	if err == nil {
		v.index.rememberTopic(v, key, value, cost)
	}
	return value, err
}

func (x *Index) topicBucket(t topic) int {
	return int(maphash.Comparable(x.seed, t) % grownBuckets)
}

// topicGrows is told before something that bears on a topic becomes visible.
func (x *Index) topicGrows(t topic, lsn record.LSN) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.topicGrown[x.topicBucket(t)] = lsn
}

// recallTopic finds what was made of a topic by a View that saw just as much of it as v does.
func (x *Index) recallTopic(v *View, key topicKey) (any, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	held, ok := x.topics.get(key)
	if !ok || held.upTo > v.applied.LSN || x.topicGrown[x.topicBucket(key.topic)] > held.upTo || key.described && x.linksGrown > held.upTo {
		return nil, false
	}
	return held.value, true
}

func (x *Index) rememberTopic(v *View, key topicKey, value any, cost int) {
	if cost > topicsCost {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.topicCost += cost + 1; x.topicCost > topicsCost {
		x.topics.turn()
		x.topicCost = cost + 1
	}
	x.topics.put(key, heldTopic{v.applied.LSN, value})
}

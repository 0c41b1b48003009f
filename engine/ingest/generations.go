package ingest

// generations is a map that remembers what was used last: when the young half is full, it becomes the old one, and what
// was old is forgotten unless it was asked for meanwhile.
type generations[K comparable, V any] struct {
	max        int // of each half
	young, old map[K]V
}

func newGenerations[K comparable, V any](maxEach int) generations[K, V] {
	return generations[K, V]{max: maxEach, young: map[K]V{}}
}

func (g *generations[K, V]) get(key K) (V, bool) {
	if v, ok := g.young[key]; ok {
		return v, true
	}
	v, ok := g.old[key]
	if ok {
		g.put(key, v)
	}
	return v, ok
}

func (g *generations[K, V]) put(key K, value V) {
	g.young[key] = value
	if len(g.young) >= g.max {
		g.turn()
	}
}

// turn begins a new generation.
func (g *generations[K, V]) turn() { g.young, g.old = map[K]V{}, g.young }

func (g *generations[K, V]) clear() { g.young, g.old = map[K]V{}, nil }

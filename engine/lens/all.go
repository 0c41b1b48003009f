package lens

// All lists the lenses in the order people see them.
func All() []Lens { return []Lens{consensus(), authority(), recency(), skeptic()} }

// ByName finds a lens by its Name, spelled exactly.
func ByName(name string) (Lens, bool) {
	for _, l := range All() {
		if l.Name == name {
			return l, true
		}
	}
	return Lens{}, false
}

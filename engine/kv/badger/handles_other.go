//go:build !unix

package badger

func handleLimit() (int, bool) { return 0, false }

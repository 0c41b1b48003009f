//go:build unix

package badger

import "syscall"

// handleLimit is how many files this process may open. Go has raised it as far as it may when the program started.
func handleLimit() (int, bool) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return int(min(uint64(limit.Cur), 1<<30)), true
}

//go:build unix

package cli

import "syscall"

// keepPrivate makes every file of this process readable by its user alone, also those that libraries create: what
// agents asked is nobody else's business.
func keepPrivate() { syscall.Umask(0o077) }

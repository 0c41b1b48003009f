// Episteme says what an AI agent asked, what it was told, and which assertions decided that.
package main

import (
	"os"

	"episteme/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

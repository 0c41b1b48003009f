// Package termfix keeps the program from waiting for terminals that do not say which background they have.
//
// bubbletea asks for the background colour in its init, and a terminal that does not answer costs 5 s there. Go
// initialises packages in the order of their paths among those that are ready, and episteme/… sorts before
// github.com/…, so this package answers first: after it, nobody asks. Light or dark is decided later, from flags and
// the environment, by the theme.
//
// It imports lipgloss and nothing else: every further import would have to be initialised before it.
package termfix

import "github.com/charmbracelet/lipgloss"

func init() { lipgloss.SetHasDarkBackground(true) }

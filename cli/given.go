package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// given looks at all flags that were typed, before any command runs. An empty one is refused: it would mean the
// default, and whoever wrote --as-of "$WHEN" did not mean that when the variable had no value.
func (a *app) given(cmd *cobra.Command, _ []string) error {
	for _, f := range collected(cmd.Flags().Visit) {
		if err := checkGiven(f.Name, f.Usage, f.Value); err != nil {
			return err
		}
	}
	if err := a.chooseServer(cmd.Flags().Changed("server"), cmd.Flags().Changed("data")); err != nil {
		return err
	}
	_, err := a.format() // also for commands that print in one form only
	return err
}

// collected is all that visit visits. It names no type of the package behind cobra's flags, which is none of ours to know.
func collected[T any](visit func(func(T))) (all []T) {
	visit(func(t T) { all = append(all, t) })
	return all
}

// checkGiven checks the value of one flag; those that may be repeated have several.
func checkGiven(name, usedFor string, value fmt.Stringer) error {
	list := []string{value.String()}
	if many, ok := value.(interface{ GetSlice() []string }); ok {
		list = many.GetSlice()
	}
	if len(list) == 0 || slices.Contains(list, "") {
		return usage(fmt.Errorf("--%s: found nothing, expected %s; leave the flag out if there is none", name, usedFor))
	}
	if name == labelFlag {
		return labelsOnce(list)
	}
	return nil
}

// labelFlag is the name of every flag that takes labels.
const labelFlag = "label"

// labelsOnce refuses a label with two values: one of them would be gone without a word.
func labelsOnce(list []string) error {
	values := map[string]string{}
	for _, l := range list {
		name, value, _ := strings.Cut(l, "=")
		if before, twice := values[name]; twice && before != value {
			return usage(fmt.Errorf("--%s: found %s with the value %q and with %q, expected one value for a name", labelFlag, name, before, value))
		}
		values[name] = value
	}
	return nil
}

package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// parseShare reads a binary32 from low to 1 as a line of a file is read: what is out of range in its own digits is
// refused, even where rounding would bring it in. A sign or a missing zero before the point is fine.
func parseShare(flag, typed string, low float64) (float32, error) {
	refuse := func(found, more string) (float32, error) {
		return 0, usage(fmt.Errorf("%s: found %s, expected a number from %g to 1%s", flag, found, low, more))
	}
	exact, err := parseDecimal(typed)
	if err != nil || exact < low || exact > 1 {
		return refuse(strconv.Quote(typed), "")
	}
	v, _ := strconv.ParseFloat(typed, 32)
	if v == 0 && strings.HasPrefix(typed, "-") {
		return refuse(typed+", which is -0", "; write 0")
	}
	return float32(v), nil
}

// parseNumber reads a number object: a binary64, whole numbers only where each has one of its own.
func parseNumber(flag, typed string) (float64, error) {
	const wholeMax = 1 << 53
	v, err := parseDecimal(typed)
	if err != nil {
		return 0, usage(fmt.Errorf("%s: found %q, expected a number that a binary64 can hold", flag, typed))
	}
	if !strings.ContainsAny(typed, ".eE") {
		if n, err := strconv.ParseInt(typed, 10, 64); err != nil || n < -wholeMax || n > wholeMax {
			return 0, usage(fmt.Errorf("%s: found %s, expected a whole number from -2^53 to 2^53; without --number it is a text", flag, typed))
		}
	}
	if v == 0 && strings.HasPrefix(typed, "-") {
		return 0, usage(fmt.Errorf("%s: found %s, which is -0, expected a number; write 0", flag, typed))
	}
	return v, nil
}

// parseDecimal reads digits with a sign, a point and an exponent. NaN, Inf and hexadecimal are no numbers here.
func parseDecimal(typed string) (float64, error) {
	if strings.Trim(typed, "+-.0123456789eE") != "" || !strings.ContainsAny(typed, "0123456789") {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(typed, 64)
}

// protectNegatives lets people type a negative number as an argument: `episteme vote a_1f1c4f02 -0.5 --agent ann`. The
// parser of flags would take it for one. So where there is one all arguments move, in their order, behind a "--".
// Numbers that are the value of a flag stay with it.
func protectNegatives(root *cobra.Command, args []string) []string {
	cmd, rest, err := root.Find(args)
	if err != nil || slices.Contains(args, "--") {
		return args
	}
	var flags, positional []string
	found := false
	for i := 0; i < len(rest); i++ {
		arg := rest[i]
		switch {
		case isNegative(arg):
			found = true
			positional = append(positional, arg)
		case !strings.HasPrefix(arg, "-") || arg == "-":
			positional = append(positional, arg)
		default:
			flags = append(flags, arg)
			if takesValue(cmd, arg) && i+1 < len(rest) {
				i++
				flags = append(flags, rest[i])
			}
		}
	}
	if !found {
		return args
	}
	path := strings.Fields(cmd.CommandPath())[1:] // without the name of the program
	return slices.Concat(path, flags, []string{"--"}, positional)
}

func isNegative(arg string) bool {
	_, err := parseDecimal(arg)
	return err == nil && arg[0] == '-'
}

// takesValue reports whether arg is a flag whose value is the next argument.
func takesValue(cmd *cobra.Command, arg string) bool {
	if name, long := strings.CutPrefix(arg, "--"); long {
		f := cmd.Flag(name) // a name with "=value" is none
		return f != nil && f.NoOptDefVal == ""
	}
	if len(arg) != len("-o") {
		return false
	}
	f := cmd.Flags().ShorthandLookup(arg[1:])
	if f == nil {
		f = cmd.InheritedFlags().ShorthandLookup(arg[1:])
	}
	return f != nil && f.NoOptDefVal == ""
}

package record

import "strings"

// Nearest is the name that was probably meant by s: one that differs in case alone, in a part (agent and agent_id), or
// in at most 2 letters; "" when there is none. Of several as near it is the first.
func Nearest(s string, names []string) string {
	const typos = 2 // guess: one slip of the finger, or two letters swapped
	best, least := "", typos+1
	for _, name := range names {
		if strings.EqualFold(s, name) || strings.HasPrefix(name, s+"_") || strings.HasPrefix(s, name+"_") {
			return name
		}
		if n := distance(strings.ToLower(s), strings.ToLower(name)); n < least && n < len(name)/2 {
			best, least = name, n
		}
	}
	return best
}

// distance is how many letters must be put in, taken out or replaced to make a into b. A text much longer than a
// name is not near it.
func distance(a, b string) int {
	const longest = 64 // twice the longest name of a field
	if len(a) > longest {
		return longest
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

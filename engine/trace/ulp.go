package trace

import "math"

// withinUlp reports whether two non-negative weights are equal or neighbours among the float32 (rule 17).
func withinUlp(a, b float32) bool {
	x, y := int64(math.Float32bits(a)), int64(math.Float32bits(b))
	return x-y >= -1 && x-y <= 1
}

package lens

import "math"

// exp and exp2 are here because those of package math are assembly on some processors and not on others, and because
// a compiler may fuse x*y + z into one rounding where the processor can. Both change last bits, and an answer has to
// be the same wherever it is recomputed. Here every product is rounded by an explicit conversion, which the language
// forbids to fuse; a test sees to it for the whole package. Everything else is exact or a basic operation, and those
// round alike everywhere. Coefficients are 1/n!, worked out by the compiler.

// exp is e^x to within 2 ulp (measured: 1.05) for |x| <= 700; beyond, it is 0 or +Inf. A score is rounded to float32:
// an ulp here is 2^-29 of one there, and e^-104 is 0 there, so nobody can see either shortcut.
func exp(x float64) float64 {
	// 33 significant bits of ln 2, so that k*ln2Hi is exact for every |k| < 2^20; ln2Lo is the rest.
	const (
		limit = 700
		ln2Hi = 0x1.62e42feep-1
		ln2Lo = math.Ln2 - ln2Hi
	)
	switch {
	case x > limit:
		return math.Inf(1)
	case x < -limit:
		return 0
	}
	k := math.RoundToEven(float64(x * math.Log2E))
	r := x - float64(k*ln2Hi)
	r -= float64(k * ln2Lo)
	return scale(expSmall(r), int(k))
}

// exp2 is 2^x to within 2 ulp (measured: 1.06) for |x| <= 1000, exactly so for whole x; beyond, it is 0 or +Inf.
func exp2(x float64) float64 {
	const limit = 1000
	switch {
	case x > limit:
		return math.Inf(1)
	case x < -limit:
		return 0
	}
	k := math.RoundToEven(x)
	return scale(expSmall(float64((x-k)*math.Ln2)), int(k))
}

// expSmall is e^r for |r| <= ln(2)/2 by its Taylor series up to r^13/13!: the first term left out is under 2^-57.
func expSmall(r float64) float64 {
	p := 1.0 / 6227020800
	p = 1.0/479001600 + float64(r*p)
	p = 1.0/39916800 + float64(r*p)
	p = 1.0/3628800 + float64(r*p)
	p = 1.0/362880 + float64(r*p)
	p = 1.0/40320 + float64(r*p)
	p = 1.0/5040 + float64(r*p)
	p = 1.0/720 + float64(r*p)
	p = 1.0/120 + float64(r*p)
	p = 1.0/24 + float64(r*p)
	p = 1.0/6 + float64(r*p)
	p = 1.0/2 + float64(r*p)
	p = 1 + float64(r*p)
	return 1 + float64(r*p)
}

// scale is y * 2^k, exactly, for -1022 <= k <= 1023 and y in [1/2, 2) while the result is normal.
func scale(y float64, k int) float64 {
	const bias, mantissaBits = 1023, 52
	return float64(y * math.Float64frombits(uint64(k+bias)<<mantissaBits))
}

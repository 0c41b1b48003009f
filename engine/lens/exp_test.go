package lens

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// The bits must be these on every processor and under every compiler setting, or last month's answers do not come
// out again. Run this under GOAMD64=v3 and on arm64 too: there the compiler may fuse.
func TestExpBits(t *testing.T) {
	tests := []struct {
		x         float64
		exp, exp2 float64
	}{
		{0, 0x1p+00, 0x1p+00},
		{1, 0x1.5bf0a8b14576ap+01, 0x1p+01},
		{-1, 0x1.78b56362cef38p-02, 0x1p-01},
		{0.5, 0x1.a61298e1e069cp+00, 0x1.6a09e667f3bccp+00},
		{-0.5, 0x1.368b2fc6f960ap-01, 0x1.6a09e667f3bccp-01},
		{2, 0x1.d8e64b8d4ddaep+02, 0x1p+02},
		{-2, 0x1.152aaa3bf81ccp-03, 0x1p-02},
		{0.1, 0x1.1aec7b35a00d4p+00, 0x1.125fbee250664p+00},
		{-0.1, 0x1.cf46d99d52b3ap-01, 0x1.ddb680117ab12p-01},
		{0.34657359027997264, 0x1.6a09e667f3bccp+00, 0x1.45837513c59ep+00},
		{-0.3465735902799727, 0x1.6a09e667f3bccp-01, 0x1.92a989221021dp-01},
		{1e-9, 0x1.000000044b83p+00, 0x1.00000002fa1f9p+00},
		{-1e-300, 0x1p+00, 0x1p+00},
		{-5, 0x1.b993fe00d5376p-08, 0x1p-05},
		{10, 0x1.5829dcf95056p+14, 0x1p+10},
		{-10.25, 0x1.2899a7a835446p-15, 0x1.ae89f995ad3aep-11},
		{-36.7368, 0x1.0000098ebec5ep-53, 0x1.333c3a2e96b78p-37},
		{88.7, 0x1.f4705bbffae5cp+127, 0x1.9fdf8bcce534cp+88},
		{-103.97, 0x1.008843e713351p-150, 0x1.05610cf8bb59dp-104},
		{-333.333, 0x1.12c7b760b9f35p-481, 0x1.9677f46057b58p-334},
		{-699.5, 0x1.c89c2e339b392p-1010, 0x1.6a09e667f3bccp-700},
		{699.99, 0x1.d49054d269b94p+1009, 0x1.fc769e9b9c396p+699},
		{-1.0416666666666667, 0x1.6955b9deef07cp-02, 0x1.f16ca2748c5b4p-02},
	}
	for _, tt := range tests {
		if got := exp(tt.x); math.Float64bits(got) != math.Float64bits(tt.exp) {
			t.Errorf("exp(%v) = %x, want %x", tt.x, got, tt.exp)
		}
		if got := exp2(tt.x); math.Float64bits(got) != math.Float64bits(tt.exp2) {
			t.Errorf("exp2(%v) = %x, want %x", tt.x, got, tt.exp2)
		}
	}
}

func TestExpBeyondItsRange(t *testing.T) {
	tests := []struct {
		name string
		got  float64
		want float64
	}{
		{"e^701 is too big to matter", exp(701), math.Inf(1)},
		{"e^-701 is too small to matter", exp(-701), 0},
		{"e^+Inf", exp(math.Inf(1)), math.Inf(1)},
		{"e^-Inf", exp(math.Inf(-1)), 0},
		{"2^1001 is too big to matter", exp2(1001), math.Inf(1)},
		{"2^-1001 is too small to matter", exp2(-1001), 0},
		{"2^ of the greatest age over the least half-life", exp2(-math.MaxInt64 / 1e9), 0},
		{"e^0 is exact", exp(0), 1},
		{"2^-0 is exact", exp2(math.Copysign(0, -1)), 1},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

func TestExp2OfWholeNumbersIsExact(t *testing.T) {
	for k := -1000; k <= 1000; k++ {
		if got, want := exp2(float64(k)), math.Ldexp(1, k); got != want {
			t.Errorf("exp2(%d) = %x, want %x", k, got, want)
		}
	}
}

// The oracle sums the series in 200 bits; it shares nothing with the code under test.
func TestExpIsWithinTwoUlp(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	ln2 := bigLn2()
	var worst, worst2 float64
	for range 5_000 {
		x := (random.Float64() - 0.5) * []float64{1, 10, 200, 1400}[random.IntN(4)]
		worst = max(worst, ulps(exp(x), bigExp(big.NewFloat(x).SetPrec(oracleBits), ln2)))
		x2 := new(big.Float).SetPrec(oracleBits).SetFloat64(x)
		worst2 = max(worst2, ulps(exp2(x), bigExp(x2.Mul(x2, ln2), ln2)))
	}
	t.Logf("worst error: exp %.3f ulp, exp2 %.3f ulp", worst, worst2)
	if worst > 2 || worst2 > 2 {
		t.Errorf("worst error: exp %.3f ulp, exp2 %.3f ulp; want at most 2", worst, worst2)
	}
}

const oracleBits = 200

// bigLn2 is Σ 1/(n·2^n).
func bigLn2() *big.Float {
	sum := new(big.Float).SetPrec(oracleBits)
	for n := int64(oracleBits); n > 0; n-- {
		term := new(big.Float).SetPrec(oracleBits).SetInt64(n)
		term.Quo(big.NewFloat(1).SetPrec(oracleBits), term)
		sum.Add(sum, term.SetMantExp(term, -int(n)))
	}
	return sum
}

// bigExp is e^x: (e^(r/2^20))^(2^20) · 2^k with x = k·ln2 + r.
func bigExp(x, ln2 *big.Float) *big.Float {
	newFloat := func() *big.Float { return new(big.Float).SetPrec(oracleBits) }
	quotient, _ := newFloat().Quo(x, ln2).Float64()
	k := math.Round(quotient)
	r := newFloat().Sub(x, newFloat().Mul(newFloat().SetFloat64(k), ln2))
	const halvings = 20
	r.SetMantExp(r, -halvings)
	sum, term := newFloat().SetInt64(1), newFloat().SetInt64(1)
	for n := int64(1); n < 12; n++ {
		term.Mul(term, r)
		term.Quo(term, newFloat().SetInt64(n))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum.SetMantExp(sum, int(k))
}

// ulps is how far got is from want, in units of the last place of want.
func ulps(got float64, want *big.Float) float64 {
	rounded, _ := want.Float64()
	ulp := math.Nextafter(rounded, math.Inf(1)) - rounded
	diff := new(big.Float).SetPrec(oracleBits).SetFloat64(got)
	diff.Sub(diff, want)
	d, _ := diff.Float64()
	return math.Abs(d) / ulp
}

// A product that is not the operand of a conversion may be fused with the sum it goes into, on processors that can,
// and the goldens would not see it on those that cannot. So: every * in this package is inside float64( ).
func TestEveryProductIsRounded(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	products := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		rounded := map[ast.Expr]bool{}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if name, ok := n.Fun.(*ast.Ident); ok && name.Name == "float64" {
					rounded[n.Args[0]] = true
				}
			case *ast.BinaryExpr:
				if n.Op != token.MUL {
					break
				}
				products++
				if !rounded[n] {
					t.Errorf("%s: found a product outside float64( ), expected float64(x * y)", fset.Position(n.OpPos))
				}
			case *ast.AssignStmt:
				if n.Tok == token.MUL_ASSIGN {
					t.Errorf("%s: found *=, expected x = float64(x * y)", fset.Position(n.TokPos))
				}
			}
			return true
		})
	}
	if products == 0 {
		t.Error("found no product at all: is this test looking at the right files?")
	}
}

package mem_test

import (
	"testing"

	"episteme/engine/kv"
	"episteme/engine/kv/kvtest"
	"episteme/engine/kv/mem"
)

func TestConformance(t *testing.T) {
	kvtest.Run(t, func(string) (kv.Store, error) { return mem.New(), nil })
}

func BenchmarkMem(b *testing.B) {
	kvtest.Benchmark(b, func(string) (kv.Store, error) { return mem.New(), nil })
}

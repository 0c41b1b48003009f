package kv_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"episteme/engine/kv"
	"episteme/engine/kv/mem"
)

func TestPrefixEnd(t *testing.T) {
	tests := []struct {
		name         string
		prefix, want []byte
	}{
		{"the last byte counts up", []byte("ab"), []byte("ac")},
		{"0xff at the end is cut and the byte before counts up", []byte("a\xff\xff"), []byte("b")},
		{"0xfe becomes 0xff", []byte("a\xfe"), []byte("a\xff")},
		{"a zero byte is a byte", []byte{0}, []byte{1}},
		{"nothing is above 0xff", []byte("\xff\xff"), nil},
		{"the empty prefix is everything", []byte{}, nil},
		{"so is nil", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := bytes.Clone(tt.prefix)
			if got := kv.PrefixEnd(tt.prefix); !bytes.Equal(got, tt.want) || (got == nil) != (tt.want == nil) {
				t.Errorf("PrefixEnd(%q) = %#v, want %#v", tt.prefix, got, tt.want)
			}
			if !bytes.Equal(tt.prefix, before) {
				t.Errorf("PrefixEnd changed its argument %q to %q", before, tt.prefix)
			}
		})
	}
}

// FuzzPrefixEnd compares the bound with what it stands for: a key is below it just when it is below or has the prefix.
func FuzzPrefixEnd(f *testing.F) {
	f.Add([]byte("ab"), []byte("ab\xff"))
	f.Add([]byte("a\xff"), []byte("b"))
	f.Add([]byte("\xff"), []byte("\xff\xff"))
	f.Fuzz(func(t *testing.T, prefix, key []byte) {
		end := kv.PrefixEnd(prefix)
		below := end == nil || bytes.Compare(key, end) < 0
		want := bytes.HasPrefix(key, prefix) || bytes.Compare(key, prefix) < 0
		if below != want {
			t.Errorf("key %q below PrefixEnd(%q) = %q: %t, want %t", key, prefix, end, below, want)
		}
	})
}

func TestBatchTellsItsOperationsInOrder(t *testing.T) {
	var b kv.Batch
	b.Put([]byte("k1"), []byte("value"))
	b.Delete([]byte("k2"))
	b.Put([]byte("k3"), nil)

	var got []string
	for op := range b.Ops() {
		got = append(got, fmt.Sprintf("%s=%q deletes=%t nil=%t", op.Key, op.Value, op.Delete, op.Value == nil))
	}
	want := []string{
		`k1="value" deletes=false nil=false`,
		`k2="" deletes=true nil=true`,
		`k3="" deletes=false nil=false`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Ops (-want +got):\n%s", diff)
	}
	if b.Len() != 3 || b.Bytes() != len("k1valuek2k3") {
		t.Errorf("Len, Bytes = %d, %d, want 3, %d", b.Len(), b.Bytes(), len("k1valuek2k3"))
	}
	for range b.Ops() {
		break // a sequence that may be left
	}
}

func TestBatchThatIsReusedStopsAllocating(t *testing.T) {
	var b kv.Batch
	key, value := []byte("key"), make([]byte, 1000)
	fill := func() {
		b.Reset()
		for range 100 {
			b.Put(key, value)
		}
	}
	fill()
	if got := testing.AllocsPerRun(10, fill); got != 0 {
		t.Errorf("filling a reused batch allocates %v times, want 0", got)
	}
}

func TestBatchCheck(t *testing.T) {
	long := bytes.Repeat([]byte("k"), kv.MaxKeyBytes+1)
	tests := []struct {
		name string
		fill func(*kv.Batch)
		want error
		text string
	}{
		{"an empty batch is fine", func(*kv.Batch) {}, nil, ""},
		{"a key of MaxKeyBytes is fine", func(b *kv.Batch) { b.Put(long[1:], nil) }, nil, ""},
		{"an empty key is not", func(b *kv.Batch) { b.Put(nil, []byte("v")) }, kv.ErrKey, "0 bytes"},
		{"nor one byte more", func(b *kv.Batch) { b.Delete(long) }, kv.ErrKey, "4097 bytes"},
		{"the first bad key is the one named", func(b *kv.Batch) { b.Delete(long); b.Delete(nil) }, kv.ErrKey, "4097 bytes"},
		{"MaxBatchBytes is fine", func(b *kv.Batch) { b.Put([]byte("k"), make([]byte, kv.MaxBatchBytes-1)) }, nil, ""},
		{"one byte more is not", func(b *kv.Batch) { b.Put([]byte("k"), make([]byte, kv.MaxBatchBytes)) },
			kv.ErrBatchTooBig, "33554433 bytes"},
		{"Reset forgets what was wrong", func(b *kv.Batch) { b.Delete(nil); b.Reset() }, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b kv.Batch
			tt.fill(&b)
			err := b.Check()
			if !errors.Is(err, tt.want) || tt.want != nil && !strings.Contains(err.Error(), tt.text) {
				t.Errorf("Check() = %v, want %v with %q", err, tt.want, tt.text)
			}
		})
	}
}

func ExampleScanPrefix() {
	store := mem.New()
	defer store.Close()
	var b kv.Batch
	b.Put([]byte("fruit:apple"), []byte("red"))
	b.Put([]byte("fruit:plum"), []byte("blue"))
	b.Put([]byte("root:beet"), []byte("red"))
	if err := store.Apply(&b); err != nil {
		fmt.Println(err)
		return
	}
	snap, err := store.Snapshot()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer snap.Close()
	for entry, err := range kv.ScanPrefix(context.Background(), snap, []byte("fruit:")) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s is %s\n", entry.Key, entry.Value)
	}
	// Output:
	// fruit:apple is red
	// fruit:plum is blue
}

package intake

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// protobufs are the requests of body, one a line, in protobuf.
func protobufs(t testing.TB, body []byte) [][]byte {
	t.Helper()
	var requests [][]byte
	for line := range bytes.Lines(body) {
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
		if err != nil {
			t.Fatal(err)
		}
		b, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
		if err != nil {
			t.Fatal(err)
		}
		requests = append(requests, b)
	}
	return requests
}

func framed(requests [][]byte) []byte {
	var b []byte
	for _, q := range requests {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(q))), q...)
	}
	return b
}

// TestProtobufGivesTheSameRecords: what is sent does not depend on how it is written.
func TestProtobufGivesTheSameRecords(t *testing.T) {
	body, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	want := decode(t, bytes.NewReader(body))
	for i := range want.items {
		want.items[i].Number = 1
	}
	requests := protobufs(t, body)
	unknown := []byte{15<<3 | wireVarint, 7, 14<<3 | wireBytes, 2, 'h', 'i'}
	for name, file := range map[string][]byte{
		"one behind the other":        bytes.Join(requests, nil), // messages of protobuf merge
		"with their lengths":          framed(requests),
		"with fields nobody knows of": bytes.Join(requests, unknown),
	} {
		t.Run(name, func(t *testing.T) {
			if f, ok := Detect(file[:DetectBytes]); !ok || f.Name != "otlp" {
				t.Errorf("Detect = %q, want otlp", f.Name)
			}
			got := decode(t, bytes.NewReader(file))
			if diff := cmp.Diff(strings.Split(dump(t, want.items), "\n"), strings.Split(dump(t, got.items), "\n")); diff != "" {
				t.Errorf("records (-JSON +protobuf):\n%s", diff)
			}
			if got.spans != want.spans || len(got.rejects) > 0 || !cmp.Equal(got.dropped, want.dropped) {
				t.Errorf("%d spans, dropped %v, rejects %v; want %d, %v", got.spans, got.dropped, got.rejects, want.spans, want.dropped)
			}
		})
	}
}

func TestProtobufReject(t *testing.T) {
	whole := protobufs(t, []byte(good))[0]
	nested := func(depth int) []byte { // a span whose attribute is lists in lists
		value := []byte{}
		for range depth {
			value = field(5, field(1, value))
		}
		return field(1, field(2, field(2, field(9, field(2, value)))))
	}
	tests := []struct {
		name       string
		file       []byte
		want       string
		neighbours int // items that come all the same
	}{
		{"cut off", whole[:len(whole)-1], "found the end in the middle of a request", 0},
		{"a length beyond the limit", framed([][]byte{whole, nil})[: len(whole)+4 : len(whole)+4], "", 1},
		{"a frame that is cut off", append(framed([][]byte{whole}), 0, 0, 1), "found the end in the middle of a request", 1},
		{"a frame beyond the limit", append(framed([][]byte{whole}), 0xff, 0xff, 0xff, 0xff, 1), "found a request of 4294967295 bytes", 1},
		{"a field longer than its request", append(framed([][]byte{whole}), framed([][]byte{{tagResourceSpans, 9, 0}, whole})...), "a field of 9 bytes with 1 left of its request", 2},
		{"values in values beyond the limit", append(nested(maxProtoDepth+1), whole...), "more than 64 values in values", 1},
		{"a span that ends too early", append(field(1, field(2, append(field(2, []byte{9<<3 | wireBytes, 50}), field(3, nil)...))), whole...), "a field that does not end where its message does", 1},
		{"a group, which protobuf gave up", append(bytes.Clone(whole), 1<<3|3), "a field of type 3", 1},
		{"a resource of attributes beyond the limit", append(field(1, append(field(1, bytes.Repeat([]byte{1<<3 | wireBytes, 0}, maxSpanObjects+1)), field(2, field(2, spanOf(t, whole)))...)), whole...), "resource: found more than 131072", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := decode(t, bytes.NewReader(tt.file))
			if len(d.items) != tt.neighbours {
				t.Errorf("%d items, want %d", len(d.items), tt.neighbours)
			}
			if tt.want == "" {
				if len(d.rejects) > 0 {
					t.Errorf("reject %v, want none", d.rejects[0])
				}
				return
			}
			if len(d.rejects) != 1 || !strings.Contains(d.rejects[0].Error(), tt.want) || !strings.Contains(d.rejects[0].Error(), "at byte ") {
				t.Errorf("rejects %v, want one that says %q and at which byte", d.rejects, tt.want)
			}
		})
	}
}

// field is a field of protobuf that has a length.
func field(number int, value []byte) []byte {
	return append(binary.AppendUvarint([]byte{byte(number<<3 | wireBytes)}, uint64(len(value))), value...)
}

// spanOf is the first span of a request, in protobuf.
func spanOf(t *testing.T, request []byte) []byte {
	t.Helper()
	at := extent{0, len(request)}
	for _, number := range []int{1, 2, 2} {
		f := protoFields(request, at, func(n int, e extent) *fault {
			if n == number {
				at = e
			}
			return nil
		})
		if f != nil {
			t.Fatal(f)
		}
	}
	return request[at.start:at.end]
}

func TestUnpack(t *testing.T) {
	var zipped, standard bytes.Buffer
	gz := gzip.NewWriter(&zipped)
	zs, err := zstd.NewWriter(&standard)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.WriteCloser{gz, zs} {
		if _, err := io.WriteString(w, good); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name   string
		file   []byte
		want   string
		packed bool
		fails  bool
	}{
		{"gzip", zipped.Bytes(), good, true, false},
		{"two gzip files, one behind the other", append(zipped.Bytes(), zipped.Bytes()...), good + good, true, false},
		{"zstd", standard.Bytes(), good, true, false},
		{"neither", []byte(good), good, false, false},
		{"nothing", nil, "", false, false},
		{"text that begins as zstd does", []byte("("), "(", false, false},
		{"gzip that is cut off", zipped.Bytes()[:zipped.Len()-9], good, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, packed, err := Unpack(bytes.NewReader(tt.file))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if packed != tt.packed || (err != nil) != tt.fails || !tt.fails && string(got) != tt.want {
				t.Errorf("Unpack = %.40q, packed %t, %v; want %.40q, %t, an error %t", got, packed, err, tt.want, tt.packed, tt.fails)
			}
			if err := r.Close(); err != nil && !tt.fails {
				t.Error(err)
			}
		})
	}
}

package intake

import (
	"encoding/binary"
	"fmt"
)

// Wire types of protobuf that are in use.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// protoFields calls visit for each field of the message at e that has a length, with its number and where its value
// stands. Others are stepped over.
func protoFields(b []byte, e extent, visit func(number int, at extent) *fault) *fault {
	for i := e.start; i < e.end; {
		tag, n := binary.Uvarint(b[i:e.end])
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29-1 {
			return brokenProto(i)
		}
		at := i
		i += n
		size := uint64(0)
		switch tag & 7 {
		case wireVarint:
			if _, n = binary.Uvarint(b[i:e.end]); n <= 0 {
				return brokenProto(at)
			}
			i += n
			continue
		case wireFixed64:
			size = 8
		case wireFixed32:
			size = 4
		case wireBytes:
			if size, n = binary.Uvarint(b[i:e.end]); n <= 0 {
				return brokenProto(at)
			}
			i += n
		default:
			return brokenProto(at)
		}
		if size > uint64(e.end-i) {
			return brokenProto(at)
		}
		end := i + int(size)
		if tag&7 == wireBytes {
			if f := visit(int(tag>>3), extent{i, end}); f != nil {
				return f
			}
		}
		i = end
	}
	return nil
}

func brokenProto(at int) *fault {
	return &fault{at: at, found: "a field that does not end where its message does", expected: "OTLP in protobuf"}
}

// protoBounds holds a span or a resource to the limits that brackets have in JSON, before pdata, which recurses and
// allocates per attribute, sees it. It knows where attributes stand:
//
//	span 9 attributes, 11 events (3 attributes), 13 links (4 attributes); resource 1 attributes
//	key_value 2 value; any_value 5 array (1 values), 6 kvlist (1 key_values)
type protoBounds struct {
	b       []byte
	objects int
}

// maxProtoDepth is of values in values.
const maxProtoDepth = 64

func (p *protoBounds) span(e extent) *fault {
	return protoFields(p.b, e, func(number int, at extent) *fault {
		switch number {
		case 9:
			return p.keyValue(at, 0)
		case 11:
			return p.within(at, 3)
		case 13:
			return p.within(at, 4)
		}
		return nil
	})
}

// within checks the attributes of a part, which are its field of that number.
func (p *protoBounds) within(e extent, attributes int) *fault {
	if f := p.count(e); f != nil {
		return f
	}
	return protoFields(p.b, e, func(number int, at extent) *fault {
		if number == attributes {
			return p.keyValue(at, 0)
		}
		return nil
	})
}

func (p *protoBounds) count(at extent) *fault {
	if p.objects++; p.objects > maxSpanObjects {
		return &fault{at: at.start, found: fmt.Sprintf("more than %d attributes and values", maxSpanObjects), expected: "a span or a resource of at most that many"}
	}
	return nil
}

func (p *protoBounds) keyValue(e extent, depth int) *fault {
	if f := p.count(e); f != nil {
		return f
	}
	return protoFields(p.b, e, func(number int, at extent) *fault {
		if number == 2 {
			return p.value(at, depth)
		}
		return nil
	})
}

func (p *protoBounds) value(e extent, depth int) *fault {
	if depth == maxProtoDepth {
		return &fault{at: e.start, found: fmt.Sprintf("more than %d values in values", maxProtoDepth), expected: "at most that many"}
	}
	if f := p.count(e); f != nil {
		return f
	}
	return protoFields(p.b, e, func(kind int, at extent) *fault {
		if kind != 5 && kind != 6 {
			return nil
		}
		return protoFields(p.b, at, func(number int, at extent) *fault {
			switch {
			case number != 1:
				return nil
			case kind == 5:
				return p.value(at, depth+1)
			}
			return p.keyValue(at, depth+1)
		})
	})
}

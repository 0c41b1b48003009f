package api

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// paced counts how much is written between two deadlines.
type paced struct {
	*httptest.ResponseRecorder
	since, most int // bytes
}

func (p *paced) SetWriteDeadline(time.Time) error { p.since = 0; return nil }

func (p *paced) Write(b []byte) (int, error) {
	p.since += len(b)
	p.most = max(p.most, p.since)
	return p.ResponseRecorder.Write(b)
}

// TestLongAnswersMayTakeLong says that a reader has its time for each part of an answer, not for all of a long one.
func TestLongAnswersMayTakeLong(t *testing.T) {
	p := &paced{ResponseRecorder: httptest.NewRecorder()}
	a := &answer{ResponseWriter: p, control: http.NewResponseController(p), stall: time.Second}
	long := make([]byte, 5*writeBytes+1)
	if n, err := a.Write(long); n != len(long) || err != nil || p.Body.Len() != len(long) {
		t.Errorf("Write of %d bytes = %d, %v, and %d arrived", len(long), n, err, p.Body.Len())
	}
	if p.most > writeBytes {
		t.Errorf("%d bytes have to be taken within one wait, want at most %d", p.most, writeBytes)
	}
}

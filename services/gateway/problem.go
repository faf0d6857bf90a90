package gateway

import (
	"net/http"
	"strconv"
	"time"

	"github.com/nabz/nabz/services/internal/door"
)

// problem is a refusal by RFC 9457.
type problem struct {
	status int
	field  string // parameter or member that is meant; empty: the whole
	detail string
	wait   time.Duration // when to come again, for 429 and 503
}

func bad(field, detail string) *problem {
	return &problem{status: http.StatusBadRequest, field: field, detail: detail}
}

func tooMuch(field, detail string) *problem {
	return &problem{status: http.StatusUnprocessableEntity, field: field, detail: detail}
}

func unavailable(detail string, wait time.Duration) *problem {
	return &problem{status: http.StatusServiceUnavailable, detail: detail, wait: wait}
}

func notFound(field, detail string) *problem {
	return &problem{status: http.StatusNotFound, field: field, detail: detail}
}

// write answers with the problem.
func (p *problem) write(w http.ResponseWriter) {
	door.Refuse(w.Header(), p.status, p.wait)
	b := appendText([]byte(`{"type":"about:blank","title":`), http.StatusText(p.status))
	b = strconv.AppendInt(append(b, `,"status":`...), int64(p.status), 10)
	b = appendText(append(b, `,"detail":`...), p.detail)
	if p.field != "" {
		b = appendText(append(b, `,"field":`...), p.field)
	}
	w.WriteHeader(p.status)
	// Who is gone needs no answer.
	_, _ = w.Write(append(b, "}\n"...))
}

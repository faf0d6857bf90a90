package collector

import (
	"net/http"
	"strconv"
	"time"

	"github.com/nabz/nabz/services/internal/door"
)

// appendResults writes the answer to events that were taken.
func appendResults(dst []byte, results []result) []byte {
	dst = append(dst, `{"results":[`...)
	for i := range results {
		r := &results[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(strconv.AppendInt(append(dst, `{"index":`...), int64(i), 10), `,"id":`...)
		if r.id == "" {
			dst = append(dst, "null"...)
		} else {
			dst = appendQuote(dst, r.id)
		}
		switch {
		case r.problem == nil:
			dst = append(dst, `,"status":"accepted"`...)
		case r.kept:
			dst = append(dst, `,"status":"dead_lettered"`...)
		default:
			dst = append(dst, `,"status":"rejected"`...)
		}
		if r.everyone != nil {
			dst = append(dst, `,"offsets":[`...)
			for p, record := range r.everyone {
				if p > 0 {
					dst = append(dst, ',')
				}
				dst = strconv.AppendInt(dst, record.Offset, 10)
			}
			dst = append(dst, ']')
		}
		if r.problem != nil {
			dst = append(r.problem.appendMembers(append(dst, `,"error":{`...)), '}')
		}
		dst = append(dst, '}')
	}
	return append(dst, "]}\n"...)
}

func (p *problem) appendMembers(dst []byte) []byte {
	dst = appendQuote(append(dst, `"reason":`...), string(p.reason))
	if p.field != "" {
		dst = appendQuote(append(dst, `,"field":`...), p.field)
	}
	return appendQuote(append(dst, `,"detail":`...), p.detail)
}

// writeProblem answers by RFC 9457.
func writeProblem(w http.ResponseWriter, p *problem, kept bool, wait time.Duration) {
	status := p.status()
	door.Refuse(w.Header(), status, wait)
	body := appendQuote([]byte(`{"type":"about:blank","title":`), http.StatusText(status))
	body = strconv.AppendInt(append(body, `,"status":`...), int64(status), 10)
	body = p.appendMembers(append(body, ','))
	body = append(body, `,"dead_lettered":`...)
	body = append(strconv.AppendBool(body, kept), "}\n"...)
	w.WriteHeader(status)
	// A sender that is gone needs no answer.
	_, _ = w.Write(body)
}

package collector

import (
	"net/http"
	"strings"
)

// Reason says why an event or a request was refused. The set is closed;
// docs/http.md lists it.
type Reason string

// The reasons that concern one event. Such an event is kept as a dead letter,
// except where forbidden.
const (
	BadJSON      Reason = "bad_json"
	DuplicateKey Reason = "duplicate_key"
	InvalidUTF8  Reason = "invalid_utf8"
	TooDeep      Reason = "too_deep"
	TooLarge     Reason = "too_large"
	MissingField Reason = "missing_field"
	UnknownField Reason = "unknown_field"
	UnknownType  Reason = "unknown_type"
	BadType      Reason = "bad_type"
	BadValue     Reason = "bad_value"
	BadID        Reason = "bad_id"
	FutureTime   Reason = "future_time"
	Forbidden    Reason = "forbidden"
)

// The reasons that concern a whole request; nothing of it is kept.
const (
	Unauthorized Reason = "unauthorized"
	Unsupported  Reason = "unsupported_media_type"
	BadEncoding  Reason = "bad_encoding"
	TooMany      Reason = "too_many_events"
	NotFound     Reason = "not_found"
	BadMethod    Reason = "method_not_allowed"
	SlowBody     Reason = "body_timeout"
	OverQuota    Reason = "over_quota"
	Unavailable  Reason = "unavailable"
)

// reasons is every reason with the status of a single event's request.
var reasons = map[Reason]int{
	BadJSON: http.StatusBadRequest, DuplicateKey: http.StatusBadRequest, InvalidUTF8: http.StatusBadRequest,
	TooDeep: http.StatusBadRequest, TooLarge: http.StatusRequestEntityTooLarge, MissingField: http.StatusBadRequest,
	UnknownField: http.StatusBadRequest, UnknownType: http.StatusUnprocessableEntity, BadType: http.StatusBadRequest,
	BadValue: http.StatusBadRequest, BadID: http.StatusBadRequest, FutureTime: http.StatusUnprocessableEntity,
	Forbidden: http.StatusForbidden, Unauthorized: http.StatusUnauthorized, Unsupported: http.StatusUnsupportedMediaType,
	BadEncoding: http.StatusBadRequest, TooMany: http.StatusRequestEntityTooLarge, NotFound: http.StatusNotFound,
	BadMethod: http.StatusMethodNotAllowed, SlowBody: http.StatusRequestTimeout,
	OverQuota: http.StatusTooManyRequests, Unavailable: http.StatusServiceUnavailable,
}

// problem is a refusal: of one event, or of a request. Detail never quotes a
// value, because values may be personal.
type problem struct {
	reason Reason
	field  string // such as time or data.queue_id; empty: the whole
	detail string
}

// status gives the HTTP status of a request that is refused for it: what
// breaks the form of a CloudEvent is 400, what breaks the schema of the
// event's type is 422.
func (p *problem) status() int {
	switch p.reason {
	case MissingField, UnknownField, BadType, BadValue:
		if strings.HasPrefix(p.field, "data.") {
			return http.StatusUnprocessableEntity
		}
	default: // by the reason alone
	}
	return reasons[p.reason]
}

// kept tells whether an event so refused becomes a dead letter.
func (p *problem) kept() bool { return p.reason != Forbidden }

func refuse(reason Reason, field, detail string) *problem {
	return &problem{reason: reason, field: field, detail: detail}
}

// maxName is the longest unknown name that a message repeats.
const maxName = 64

// shown gives a name that came from outside in a form fit for messages and
// logs: one that is long, has unusual characters or looks like a number of a
// person is not repeated.
func shown(name string) string {
	digits := 0
	for i := range len(name) {
		switch c := name[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == '-', c == '.':
		default:
			return "(a name with unusual characters)"
		}
	}
	if len(name) > maxName || digits > 4 {
		return "(a long name)"
	}
	return `"` + name + `"`
}

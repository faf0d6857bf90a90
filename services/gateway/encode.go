package gateway

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/nabz/nabz/pkg/row"
)

// stamp is how every instant is written: UTC, ms.
const stamp = "2006-01-02T15:04:05.000Z"

// appendTime writes an instant, in ms since 1970 UTC; 0 is none.
func appendTime(b []byte, ms int64) []byte {
	if ms == 0 {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = time.UnixMilli(ms).UTC().AppendFormat(b, stamp)
	return append(b, '"')
}

// appendText writes a text as JSON.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			// Marshalling a text does not fail; what is no UTF-8 is replaced.
			q, _ := json.Marshal(s)
			return append(b, q...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// appendNumber writes a number; JSON has no word for the infinite.
func appendNumber(b []byte, x float64) []byte {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, x, 'g', -1, 64)
}

// since is the number that is an instant.
const since = "since"

// appendReading writes a reading as the API has it.
func appendReading(b []byte, r *row.Reading) []byte {
	b = appendText(append(b, `{"kpi":`...), r.KPI)
	b = append(b, `,"scope":[`...)
	for i, name := range r.Scope {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, name)
	}
	b = append(b, `],"dims":{`...)
	for i, name := range r.Scope {
		if i >= len(r.Dims) {
			break
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(appendText(b, name), ':'), r.Dims[i])
	}
	b = appendTime(append(b, `},"as_of":`...), r.AsOf)
	b = appendTime(append(b, `,"changed_at":`...), r.ChangedAt)
	b = append(b, `,"windows":{`...)
	for i := range r.Windows {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendWindow(b, &r.Windows[i])
	}
	return append(b, "}}"...)
}

func appendWindow(b []byte, w *row.Window) []byte {
	b = append(appendText(b, w.Name), `:{"from":`...)
	b = appendTime(b, w.From)
	for _, n := range w.Numbers {
		b = append(appendText(append(b, ','), n.Name), ':')
		if n.Name == since {
			b = appendTime(b, int64(n.Value))
			continue
		}
		b = appendNumber(b, n.Value)
	}
	return append(b, '}')
}

// appendPromise writes a verdict as the API has it.
func appendPromise(b []byte, v *row.Verdict) []byte {
	text := func(name, s string) {
		b = appendText(append(append(append(b, '"'), name...), `":`...), s)
		b = append(b, ',')
	}
	b = append(b, '{')
	text("policy", v.Policy)
	text("kind", v.Kind)
	text("item", v.Item)
	b = append(b, `"labels":{`...)
	for i, l := range v.Labels {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(appendText(b, l.Name), ':'), l.Value)
	}
	b = append(b, "},"...)
	text("severity", v.Severity)
	text("state", v.State)
	text("stage", v.Stage)
	b = strconv.AppendBool(append(b, `"uncertain":`...), v.Uncertain)
	b = strconv.AppendBool(append(b, `,"quiet":`...), v.Quiet)
	b = appendTime(append(b, `,"due_at":`...), v.DueAt)
	b = appendTime(append(b, `,"decided_at":`...), v.DecidedAt)
	if v.Kind == row.Deadline {
		b = appendNumber(append(b, `,"target_s":`...), float64(v.Target)/1000)
		b = append(b, `,"value":null,"bound":null`...)
	} else {
		b = appendNumber(append(b, `,"target_s":null,"value":`...), v.Value)
		b = appendNumber(append(b, `,"bound":`...), v.Bound)
	}
	b = appendTime(append(b, `,"episode":`...), v.Episode)
	return append(b, '}')
}

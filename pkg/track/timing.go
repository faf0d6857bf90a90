package track

import (
	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/strictyaml"
)

// ParseTimings reads the table of timings by kind. Its errors carry file, line
// and column.
func ParseTimings(file string, data []byte) (map[string]Timing, error) {
	r, root, err := strictyaml.Open(file, data)
	if err != nil {
		return nil, err
	}
	out := map[string]Timing{}
	r.Pairs(root, func(k, n *yaml.Node) {
		var t Timing
		span := func(to *int64) func(*yaml.Node) {
			return func(n *yaml.Node) {
				ms, err := kpi.ParseSpan(n.Value)
				if err != nil {
					r.Errorf(n, "%v", err)
				}
				*to = ms
			}
		}
		r.Map(n, strictyaml.Keys{
			"settle": span(&t.Settle), "lateness": span(&t.Lateness), "linger": span(&t.Linger),
			"horizon": span(&t.Horizon), "max_age": span(&t.MaxAge), "panes": span(&t.Panes), "keep": span(&t.Keep),
			"heartbeat": span(&t.Heartbeat),
		}, "settle", "lateness", "linger", "horizon", "max_age", "panes")
		if t.Horizon < t.Lateness {
			r.Errorf(n, "the horizon is shorter than the lateness: cells would close before events are refused")
		}
		t.Keep = max(t.Keep, t.Linger)
		if t.Heartbeat == 0 {
			t.Heartbeat = t.MaxAge
		}
		out[k.Value] = t
	})
	return out, r.Err()
}

package loader

import (
	"encoding/json"
	"strings"

	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/clickhouse"
)

// shownBlock is the table of what was shown.
type shownBlock struct {
	block                                                                                             *clickhouse.Block
	tenant, kpi, window, minute, scope, dims, from, asOf, changed, epoch, partition, version, numbers int
}

func (s *shownBlock) open(t tables) (err error) {
	s.block, err = t.columns(warehouse.ShownReadings, map[string]*int{
		"tenant": &s.tenant, "kpi": &s.kpi, "window": &s.window, "minute": &s.minute, "scope": &s.scope, "dims": &s.dims, "from": &s.from,
		"as_of": &s.asOf, "changed_at": &s.changed, "epoch": &s.epoch, "partition": &s.partition, "version": &s.version, "numbers": &s.numbers,
	})
	return err
}

// add takes a reading of a minute's end: a row for each of its windows.
func (s *shownBlock) add(v *row.Reading) (reason string) {
	if v.Kept < 0 || v.Kept > maxSecond || !instant(v.AsOf) || !instant(v.ChangedAt) {
		return reasonOutOfRange
	}
	for i := range v.Windows {
		if !instant(v.Windows[i].From) {
			return reasonOutOfRange
		}
	}
	if len(v.Scope) != len(v.Dims) {
		return reasonMalformed
	}
	dims, err := json.Marshal(append([]string{}, v.Dims...))
	if err != nil {
		return reasonMalformed
	}
	b := s.block
	for i := range v.Windows {
		w := &v.Windows[i]
		keys, vals := make([]string, len(w.Numbers)), make([]float64, len(w.Numbers))
		for j, n := range w.Numbers {
			keys[j], vals[j] = n.Name, n.Value
		}
		b.Text(s.tenant, v.Tenant)
		b.Text(s.kpi, v.KPI)
		b.Text(s.window, w.Name)
		b.Int(s.minute, v.Kept/1000)
		b.Text(s.scope, strings.Join(v.Scope, ","))
		b.Text(s.dims, string(dims))
		b.Int(s.from, w.From)
		b.Int(s.asOf, v.AsOf)
		b.Int(s.changed, v.ChangedAt)
		b.Int(s.epoch, v.Epoch)
		b.Int(s.partition, int64(v.Partition))
		b.Int(s.version, v.Version)
		b.Floats(s.numbers, keys, vals)
		b.EndRow()
	}
	return ""
}

package warehouse

import (
	"fmt"
	"slices"

	"github.com/nabz/nabz/pkg/kpi"
)

// axisDims are the dimensions kept that an axis's family has.
func (q Query) axisDims(a *kpi.Axis) []string {
	var out []string
	for _, dim := range q.By {
		if slices.Contains(a.Measure.Family.Dims, dim) {
			out = append(out, dim)
		}
	}
	return out
}

// axis gives each entity's number in each interval: tenant, feed, the axis's
// dimensions, key, slot, newest, value.
func (m *Model) axis(q Query, a *kpi.Axis) string {
	value := map[kpi.Op]string{kpi.Sum: "toFloat64(sum(src.amount))", kpi.Count: "toFloat64(count())"}[a.Measure.Op]
	if a.Mean {
		value = "toFloat64(sum(src.amount)) / count()"
	}
	dims, kept := "", ""
	for _, dim := range q.axisDims(a) {
		dims += fmt.Sprintf(", src.%[1]s AS %[1]s", dim)
		kept += ", " + dim
	}
	slot, group := q.slot()
	return fmt.Sprintf("SELECT src.tenant AS tenant, src.feed AS feed%s, src.key AS key, %s AS slot, max(src.bucket) AS newest, %s AS value, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (\n%s\n) AS src%s\nGROUP BY tenant, feed%s, key%s",
		dims, slot, value, m.entityFacts(q, a.Measure), where(q.Where, q.Within), kept, group)
}

// both are the entities that have a number on both axes: tenant, feed, the
// dimensions kept, key, slot, newest, x, y.
func (m *Model) both(q Query) string {
	g := q.Definition.Grid
	on, dims := "b.tenant = a.tenant AND b.feed = a.feed AND b.key = a.key", ""
	if q.Grain != All {
		on += " AND b.slot = a.slot"
	}
	mine, others := q.axisDims(&g.X), q.axisDims(&g.Y)
	for _, dim := range mine {
		dims += fmt.Sprintf(", a.%[1]s AS %[1]s", dim)
		if slices.Contains(others, dim) {
			on += fmt.Sprintf(" AND b.%[1]s = a.%[1]s", dim)
		}
	}
	return fmt.Sprintf("SELECT a.tenant AS tenant, a.feed AS feed%s, a.key AS key, a.slot AS slot, greatest(a.newest, b.newest) AS newest, a.value AS xv, b.value AS yv, a.as_of AS as_of, a.closed AS closed FROM (\n%s\n) AS a INNER JOIN (\n%s\n) AS b ON %s",
		dims, m.axis(q, &g.X), m.axis(q, &g.Y), on)
}

// group are the columns of one grid.
func (q Query) gridGroup() string {
	group := "tenant, feed"
	for _, dim := range q.axisDims(&q.Definition.Grid.X) {
		group += ", " + dim
	}
	if q.Grain != All {
		group += ", slot"
	}
	return group
}

const label = "leftPad(toString(%s), 2, '0')"

// inBounds renders the part of a number by its bounds.
func inBounds(a *kpi.Axis, value string) string {
	n := "1"
	for _, b := range a.Bounds {
		n += fmt.Sprintf(" + toUInt8(%s >= %d)", value, b)
	}
	return n
}

// cellsOf counts the entities of each cell, or adds their numbers up.
func (m *Model) cellsOf(q Query, e *kpi.Measure) string {
	part := func(a *kpi.Axis, value string) string {
		if a.Into == 0 {
			return fmt.Sprintf(label, inBounds(a, value))
		}
		group := q.gridGroup()
		return fmt.Sprintf(label, fmt.Sprintf("intDiv((row_number() OVER (PARTITION BY %s ORDER BY %s, key) - 1) * %d, count() OVER (PARTITION BY %s)) + 1", group, value, a.Into, group))
	}
	g := q.Definition.Grid
	placed := fmt.Sprintf("SELECT *, %s AS x, %s AS y FROM (\n%s\n)", part(&g.X, "xv"), part(&g.Y, "yv"), m.both(q))
	return q.gridCells(e, placed)
}

// gridCells adds the entities of each cell up.
func (q Query) gridCells(e *kpi.Measure, placed string) string {
	count := map[string]string{"": "count()", kpi.GridX: "toInt64(sum(xv))", kpi.GridY: "toInt64(sum(yv))"}[e.Axis]
	dims := ""
	for _, dim := range q.By {
		switch {
		case dim == kpi.GridX, dim == kpi.GridY, slices.Contains(q.Definition.Grid.X.Measure.Family.Dims, dim):
			dims += ", " + dim
		}
	}
	if q.Grain == All {
		return q.ends(fmt.Sprintf("SELECT tenant, feed%[1]s, min(slot) AS oldest, max(newest) AS newest, %[2]s AS n, any(as_of) AS as_of, any(closed) AS closed FROM (\n%[3]s\n) GROUP BY tenant, feed%[1]s", dims, count, placed))
	}
	return fmt.Sprintf("SELECT tenant, feed%[1]s, slot AS bucket, %[2]s AS n, any(as_of) AS as_of, any(closed) AS closed FROM (\n%[3]s\n) GROUP BY tenant, feed%[1]s, slot", dims, count, placed)
}

// cellsNaively sorts the entities of each grid as arrays.
func (m *Model) cellsNaively(q Query, e *kpi.Measure) string {
	g := q.Definition.Grid
	group := q.gridGroup()
	part := func(a *kpi.Axis, value, ranks string) string {
		if a.Into == 0 {
			return fmt.Sprintf(label, inBounds(a, value))
		}
		return fmt.Sprintf(label, fmt.Sprintf("intDiv((indexOf(%s, (%s, one.1)) - 1) * %d, length(%s)) + 1", ranks, value, a.Into, ranks))
	}
	all := fmt.Sprintf("SELECT %s, groupArray((key, xv, yv, slot, newest)) AS ones, arraySort(arrayMap(o -> (o.2, o.1), ones)) AS xs, arraySort(arrayMap(o -> (o.3, o.1), ones)) AS ys, any(as_of) AS as_of, any(closed) AS closed FROM (\n%s\n) GROUP BY %s",
		group, m.both(q), group)
	slot := "one.4 AS slot, "
	if q.Grain != All {
		slot = ""
	}
	return q.gridCells(e, fmt.Sprintf("SELECT %s, %sone.5 AS newest, one.2 AS xv, one.3 AS yv, %s AS x, %s AS y, as_of, closed FROM (\n%s\n) ARRAY JOIN ones AS one",
		group, slot, part(&g.X, "one.2", "xs"), part(&g.Y, "one.3", "ys"), all))
}

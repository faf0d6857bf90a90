package warehouse

import (
	"fmt"
	"strings"
)

// Copies is the query that holds the copies of every event of a feed against
// the routing of the catalogue: an event is there once for each entity that it
// concerns, and for no other. Its one row: events, differences, and up to ten
// examples as text. Conditions are on the columns of nabz_internal.events.
func (m *Model) Copies(where []string) string {
	var types, routes []string
	for _, t := range m.Events.Types() {
		if len(t.Concerns) == 0 {
			continue
		}
		var pairs []string
		for _, c := range t.Concerns {
			pairs = append(pairs, fmt.Sprintf("(%s, %s)", Quote(c.Kind), Quote(c.Field.Name)))
		}
		types = append(types, Quote(t.Name))
		routes = append(routes, "["+strings.Join(pairs, ", ")+"]")
	}
	return fmt.Sprintf(`WITH [%s] AS types, [%s] AS routes
SELECT toInt64(count()) AS events, toInt64(countIf(have != want)) AS differences,
  groupArrayIf(10)(concat(tenant, '/', feed, ' ', type, ' ', toString(uid), ' is there for ', toString(have), ', should be for ', toString(want)), have != want) AS examples
FROM (
SELECT tenant, feed, any(e.type) AS type, uid,
  arraySort(groupUniqArray((toString(kind), entity))) AS have,
  arraySort(arrayDistinct(arrayMap(r -> (r.1, any(e.texts)[r.2]), arrayFilter(r -> any(e.texts)[r.2] != '', routes[indexOf(types, any(e.type))])))) AS want
FROM %s.events AS e FINAL
WHERE withdrawn = 0%s
GROUP BY tenant, feed, generation, session, uid, time, hash
)`, strings.Join(types, ", "), strings.Join(routes, ", "), Internal, and(where))
}

func and(where []string) string {
	var b strings.Builder
	for _, w := range where {
		b.WriteString(" AND " + w)
	}
	return b.String()
}

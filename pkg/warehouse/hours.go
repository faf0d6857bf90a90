package warehouse

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nabz/nabz/pkg/calendar"
)

// OpenTime renders a function of ClickHouse that gives the open time of a team
// of a tenant between two instants, all of them ms: (tenant, team, from, to). It
// works from what calendars say of days, hours and holidays, by ClickHouse's
// own zones, and shares nothing with how the stream counts.
func OpenTime(s *calendar.Set) string {
	type use struct {
		user calendar.User
		of   *calendar.Calendar
	}
	var uses []use
	for _, c := range s.Calendars {
		for _, u := range c.Users {
			uses = append(uses, use{u, c})
		}
	}
	slices.SortStableFunc(uses, func(a, b use) int { return b.user.Compare(a.user) })
	var b strings.Builder
	b.WriteString("(h_tenant, h_team, h_from, h_to) -> multiIf(")
	for _, u := range uses {
		conds := []string{fmt.Sprintf("h_to >= %s", int64Text(u.user.From))}
		if u.user.Tenant != "" {
			conds = append(conds, "h_tenant = "+Quote(u.user.Tenant))
		}
		if u.user.Team != "" {
			conds = append(conds, "h_team = "+Quote(u.user.Team))
		}
		fmt.Fprintf(&b, "%s, %s, ", strings.Join(conds, " AND "), openTimeOf(u.of, "h_to"))
	}
	b.WriteString("false, toInt64(0), h_to - h_from)")
	return b.String()
}

// isOpen gives 1 at an instant, ms, at which a calendar is open, as it was known
// then: it has a millisecond of open time there.
func isOpen(c *calendar.Calendar, at string) string {
	return fmt.Sprintf("arrayMap((h_from, h_to) -> %s, [%s], [%[2]s + 1])[1]", openTimeOf(c, "h_from"), at)
}

const msOfDay = 86_400_000

// openTimeOf adds up what lies between the instants of the periods of all days
// that may reach there: a period ends two days after its day at most, and a day
// begins within one of that of UTC. Periods may overlap. The calendar is taken as
// it was known at an instant: that is its edition e.
func openTimeOf(c *calendar.Calendar, known string) string {
	var knowns []string
	for _, e := range c.Editions() {
		knowns = append(knowns, int64Text(e.Known))
	}
	return fmt.Sprintf(`arrayMap(e -> arrayFold((acc, p) -> (acc.1 + greatest(0, p.2 - greatest(p.1, acc.2)), greatest(acc.2, p.2)),
  arraySort(arrayMap(p -> (greatest(p.1, h_from), least(p.2, h_to)), arrayFilter(p -> p.1 < h_to AND p.2 > h_from, arrayFlatten(arrayMap(d -> %s,
    range(intDiv(h_from, %[2]d) - 4, intDiv(h_to, %[2]d) + 4)))))), (toInt64(0), toInt64(h_from))).1, [arrayLastIndex(k -> k <= %[3]s, [%[4]s])])[1]`,
		periodsOf(c, known), msOfDay, known, strings.Join(knowns, ", "))
}

// periodsOf gives the periods of day d, as instants.
func periodsOf(c *calendar.Calendar, known string) string {
	const list = "Array(Tuple(Int64, Int64))"
	var froms, weeks, zones []string // by edition and version
	var names []string               // of zones
	for _, e := range c.Editions() {
		var from, week, zone []string
		for _, v := range e.Versions {
			var days []string
			for _, day := range v.Week {
				days = append(days, periodsText(day))
			}
			if !slices.Contains(names, v.Zone) {
				names = append(names, v.Zone)
			}
			from, week = append(from, int64Text(v.From)), append(week, "["+strings.Join(days, ",")+"]")
			zone = append(zone, strconv.Itoa(slices.Index(names, v.Zone)))
		}
		froms, weeks, zones = append(froms, "["+strings.Join(from, ",")+"]"), append(weeks, "["+strings.Join(week, ",")+"]"), append(zones, "["+strings.Join(zone, ",")+"]")
	}
	zoned := "ps"
	for i, name := range names {
		instants := fmt.Sprintf("arrayMap(p -> (%s, %s), ps)", instantAt("d * 86400000 + p.1", name), instantAt("d * 86400000 + p.2", name))
		if zoned = fmt.Sprintf("if([%s][e][v] = %d, %s, %s)", strings.Join(zones, ","), i, instants, zoned); len(names) == 1 {
			zoned = instants
		}
	}
	days := fmt.Sprintf("CAST('[%s]', 'Array(Array(Array(%s)))')[e][v][positiveModulo(d + 4, 7) + 1]", strings.Join(weeks, ","), list)
	if special, places, numbers := specialDays(c); len(special) > 0 {
		days = fmt.Sprintf("arrayMap(h -> if(h.1 = 0 OR h.2 = 1, %s, h.3), [arrayLast(x -> x.1 <= %s, CAST('[%s]', 'Array(Array(Tuple(Int64, UInt8, %s)))')[transform(d, [%s], [%s], 0)])])[1]",
			days, known, strings.Join(special, ","), list, strings.Join(numbers, ","), strings.Join(places, ","))
	}
	return fmt.Sprintf("arrayMap(v -> arrayMap(ps -> %s, [%s])[1], [arrayLastIndex(f -> f <= d, [%s][e])])[1]", zoned, days, strings.Join(froms, ","))
}

// specialDays are the numbers of all days of which anything was ever said, of
// each the place of what was said, and what that is: since when it is known, never 0,
// whether the day is as usual, and its periods.
func specialDays(c *calendar.Calendar) (said, places, numbers []string) {
	all := c.Holidays()
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Day == all[0].Day {
			n++
		}
		var entries []string
		for _, h := range all[:n] {
			usual := 0
			if h.Usual {
				usual = 1
			}
			entries = append(entries, fmt.Sprintf("(%s,%d,%s)", int64Text(h.Known), usual, periodsText(h.Periods)))
		}
		text := "[" + strings.Join(entries, ",") + "]"
		at := slices.Index(said, text)
		if at < 0 {
			at, said = len(said), append(said, text)
		}
		places, numbers = append(places, strconv.Itoa(at+1)), append(numbers, strconv.FormatInt(all[0].Day, 10))
		all = all[n:]
	}
	return said, places, numbers
}

func periodsText(periods []calendar.Period) string {
	var out []string
	for _, p := range periods {
		out = append(out, fmt.Sprintf("(%d,%d)", p.Open, p.Close))
	}
	return "[" + strings.Join(out, ",") + "]"
}

// instantAt gives the first instant at which the clock on the wall of a zone
// shows a time of day, or has jumped past it: by the offset of the day before, or
// else by that of the day after, or else when clocks are set forward.
func instantAt(wall, zone string) string {
	off := func(ms string) string {
		return fmt.Sprintf("timeZoneOffset(toDateTime(intDiv(%s, 1000), %s)) * 1000", ms, Quote(zone))
	}
	return fmt.Sprintf(`arrayMap((w, o1, o2) -> arrayMap((c1, c2) -> multiIf(%s = o1, c1, %s = o2, c2,
    arrayFirst(x -> %s != o1, range(c2, c1 + 1, 60000))), [w - o1], [w - o2])[1], [%[4]s], [%[5]s], [%[6]s])[1]`,
		off("c1"), off("c2"), off("x"), wall, off(fmt.Sprintf("(%s - %d)", wall, msOfDay)), off(fmt.Sprintf("(%s + %d)", wall, msOfDay)))
}

// int64Text writes a number that may be the least of all.
func int64Text(v int64) string {
	if v == -1<<63 {
		return "-9223372036854775807"
	}
	return strconv.FormatInt(v, 10)
}

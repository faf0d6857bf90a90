package calendar

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/strictyaml"
)

// Limits of a file. They bound what the timetables of one calendar take: some
// megabytes at most.
const (
	maxHolidays = 2_000  // entries: forty years of fifty
	maxDays     = 30_000 // days of holidays, a yearly one counting for each year
	maxRange    = 366    // days of one entry
	maxChanges  = 64     // changes of hours
	maxPeriods  = 12     // periods of a day
	maxEditions = 200    // instants at which something became known
)

// Load reads every <name>.yaml of a tree. Zones holds a file for each zone, in
// its compiled form, under the name of the zone. The error joins all mistakes,
// each with file, line and column.
func Load(tree, zones fs.FS) (*Set, error) {
	files, err := fs.Glob(tree, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list calendars: %w", err)
	}
	s := &Set{}
	var errs []error
	for _, file := range files {
		data, err := fs.ReadFile(tree, file)
		if err != nil {
			errs = append(errs, fmt.Errorf("read calendar: %w", err))
			continue
		}
		c, err := Parse(file, strings.TrimSuffix(file, ".yaml"), data, zones)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.Calendars = append(s.Calendars, c)
	}
	if err := s.contested(); err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return s, nil
}

// loading is one calendar being read.
type loading struct {
	r       *strictyaml.Reader
	c       *Calendar
	zones   fs.FS
	read    map[string]*Zone
	entries int // entries of holidays so far
	spreads int // days of holidays so far
}

// Parse reads one calendar and works out its timetables.
func Parse(file, name string, data []byte, zones fs.FS) (*Calendar, error) {
	r, root, err := strictyaml.Open(file, data)
	if err != nil {
		return nil, err
	}
	l := &loading{
		r: r, c: &Calendar{Name: name, holidays: map[int64][]*holiday{}},
		zones: zones, read: map[string]*Zone{},
	}
	first := version{from: ever, known: ever, weekStart: time.Monday}
	var changes, holidays, users *yaml.Node
	keys := l.version(&first)
	keys["doc"] = func(n *yaml.Node) { l.c.Doc = r.Text(n) }
	keys["changes"] = func(n *yaml.Node) { changes = n }
	keys["holidays"] = func(n *yaml.Node) { holidays = n }
	keys["used_by"] = func(n *yaml.Node) { users = n }
	r.Map(root, keys, "doc", "zone", "hours")
	l.c.versions = append(l.c.versions, first)
	if changes != nil {
		r.Items(changes, l.change)
	}
	if holidays != nil {
		r.Items(holidays, l.holiday)
	}
	if users != nil {
		r.Items(users, l.user)
	}
	for _, list := range l.c.holidays {
		slices.SortStableFunc(list, func(a, b *holiday) int { return cmp.Compare(a.known, b.known) })
	}
	knowns := l.knowns()
	if len(knowns) > maxEditions {
		r.Errorf(root, "%d instants of `known`, more than %d: what was known long before it counts needs none", len(knowns), maxEditions)
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	l.c.compile(knowns)
	return l.c, nil
}

// knowns gives the instants at which something became known, ascending.
func (l *loading) knowns() []int64 {
	var out []int64
	for _, v := range l.c.versions {
		out = append(out, v.known)
	}
	for _, list := range l.c.holidays {
		for _, h := range list {
			out = append(out, h.known)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// version gives the keys that a calendar and its changes have in common.
func (l *loading) version(v *version) strictyaml.Keys {
	return strictyaml.Keys{
		"zone":       func(n *yaml.Node) { v.zone = l.zone(n) },
		"week_start": func(n *yaml.Node) { v.weekStart = time.Weekday(max(l.weekday(n, n.Value), 0)) },
		"hours":      func(n *yaml.Node) { v.hours = true; l.hours(n, &v.week) },
	}
}

func (l *loading) change(n *yaml.Node) {
	v := version{known: ever, weekStart: -1}
	keys := l.version(&v)
	keys["from"] = func(n *yaml.Node) { v.from, _ = l.date(n) }
	keys["known"] = func(n *yaml.Node) { v.known = l.instant(n) }
	l.r.Map(n, keys, "from")
	if v.zone == nil && v.weekStart < 0 && !v.hours {
		l.r.Errorf(n, "a change has hours, a zone or a week_start")
	}
	if len(l.c.versions) > maxChanges {
		l.r.Errorf(n, "more than %d changes", maxChanges)
		return
	}
	l.c.versions = append(l.c.versions, v)
}

// zone reads a zone by its name, once.
func (l *loading) zone(n *yaml.Node) *Zone {
	name := l.r.Text(n)
	if z, ok := l.read[name]; ok {
		return z
	}
	z, err := LoadZone(l.zones, name)
	if err != nil {
		var names []string
		_ = fs.WalkDir(l.zones, ".", func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				names = append(names, path)
			}
			return err
		})
		l.r.Errorf(n, "no zone %q%s", name, strictyaml.Hint(name, names))
	}
	l.read[name] = z
	return z
}

// LoadZone reads a zone from a tree that holds a file for each.
func LoadZone(zones fs.FS, name string) (*Zone, error) {
	data, err := fs.ReadFile(zones, name)
	if err != nil {
		return nil, fmt.Errorf("read zone: %w", err)
	}
	return NewZone(name, data)
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// weekday reads one of the seven names; -1 where it is none.
func (l *loading) weekday(n *yaml.Node, name string) int {
	i := slices.Index(weekdays, name)
	if i < 0 {
		l.r.Errorf(n, "%q is not one of %s%s", name, strings.Join(weekdays, ", "), strictyaml.Hint(name, weekdays))
	}
	return i
}

// hours reads the periods of each weekday. A day that is not named is closed.
func (l *loading) hours(n *yaml.Node, week *[7][]period) {
	var named [7]bool
	l.r.Pairs(n, func(k, v *yaml.Node) {
		first, last := 0, 6
		if k.Value != "daily" {
			from, to, isRange := strings.Cut(k.Value, "-")
			first = l.weekday(k, from)
			last = first
			if isRange {
				last = l.weekday(k, to)
			}
			if first < 0 || last < 0 {
				return
			}
		}
		periods, _ := l.periods(v, false)
		for i := first; ; i = (i + 1) % 7 {
			if named[i] {
				l.r.Errorf(k, "%s is there twice", weekdays[i])
			}
			named[i], week[i] = true, periods
			if i == last {
				break
			}
		}
	})
}

// periods reads `closed`, one period, or a list of them; of a holiday also
// `usual`.
func (l *loading) periods(n *yaml.Node, mayBeUsual bool) (out []period, usual bool) {
	if n.Kind == yaml.SequenceNode {
		l.r.Items(n, func(n *yaml.Node) {
			p, ok := l.period(n)
			switch {
			case !ok:
			case len(out) == maxPeriods:
				l.r.Errorf(n, "more than %d periods of a day", maxPeriods)
			case len(out) > 0 && p.open < out[len(out)-1].close:
				l.r.Errorf(n, "%s begins before the one before it ends", n.Value)
			default:
				out = append(out, p)
			}
		})
		return out, false
	}
	switch {
	case n.Value == "closed":
		return nil, false
	case n.Value == "usual" && mayBeUsual:
		return nil, true
	}
	if p, ok := l.period(n); ok {
		out = append(out, p)
	}
	return out, false
}

// period reads 08:00-17:00. What ends no later than it begins ends on the next
// day.
func (l *loading) period(n *yaml.Node) (period, bool) {
	text := digits(l.r.Text(n))
	from, to, _ := strings.Cut(text, "-")
	open, ok := clock(from)
	close, ok2 := clock(to)
	if !ok || !ok2 || open == day {
		l.r.Errorf(n, "%s is no period: write 08:00-17:00, 22:00-06:00, 00:00-24:00 or closed", strictyaml.Kind(n))
		return period{}, false
	}
	if open == close {
		l.r.Errorf(n, "%s has no length: a whole day is 00:00-24:00, one from %s is %s-24:00 and 00:00-%s of the next", n.Value, from, from, from)
		return period{}, false
	}
	if close < open {
		close += day
	}
	return period{open, close}, true
}

// clock reads HH:MM up to 24:00, as ms since midnight.
func clock(s string) (int64, bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	h, ok := number(s[:2])
	m, ok2 := number(s[3:])
	return int64(h*60+m) * 60_000, ok && ok2 && m < 60 && h*60+m <= 24*60
}

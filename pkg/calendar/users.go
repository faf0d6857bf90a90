package calendar

import (
	"cmp"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/strictyaml"
)

// User says whose hours a calendar has, from an instant on. What is empty is
// any.
type User struct {
	Tenant, Team string
	From         int64 // ms since 1970 UTC, or the least int64: from ever on
}

// Fits tells whether it speaks of a team of a tenant at an instant.
func (u User) Fits(tenant, team string, at int64) bool {
	return (u.Tenant == "" || u.Tenant == tenant) && (u.Team == "" || u.Team == team) && u.From <= at
}

// Compare orders by what stands above what: one that names a team above one
// that does not, then one that names a tenant, then one that holds from later on.
func (u User) Compare(o User) int {
	named := func(s string) int { return min(len(s), 1) }
	return cmp.Or(cmp.Compare(named(u.Team), named(o.Team)), cmp.Compare(named(u.Tenant), named(o.Tenant)), cmp.Compare(u.From, o.From))
}

// Of finds the calendar of a team of a tenant at an instant; nil where nobody
// says whose: it is open at all hours.
func (s *Set) Of(tenant, team string, at int64) *Calendar {
	var found *Calendar
	var best User
	for _, c := range s.Calendars {
		for _, u := range c.Users {
			if u.Fits(tenant, team, at) && (found == nil || u.Compare(best) > 0) {
				found, best = c, u
			}
		}
	}
	return found
}

// Elapsed gives the open time of a team of a tenant between two instants, ms: by
// the calendar that it has at the later one, as that was known then.
func (s *Set) Elapsed(tenant, team string, from, to int64) int64 {
	c := s.Of(tenant, team, to)
	if c == nil {
		return to - from
	}
	return c.AsOf(to).Elapsed(from, to)
}

// contested finds two calendars that are the same user's from the same instant
// on.
func (s *Set) contested() error {
	type claim struct {
		calendar string
		user     User
	}
	var all []claim
	for _, c := range s.Calendars {
		for _, u := range c.Users {
			for _, o := range all {
				if o.user == u {
					return fmt.Errorf("calendars %s and %s are both used by tenant %q, team %q from the same instant on", o.calendar, c.Name, u.Tenant, u.Team)
				}
			}
			all = append(all, claim{c.Name, u})
		}
	}
	return nil
}

// user reads one of
//
//	used_by:
//	  - {tenant: acme, team: support, from: 2026-03-21T00:00+03:30}
func (l *loading) user(n *yaml.Node) {
	u := User{From: ever}
	l.r.Map(n, strictyaml.Keys{
		"tenant": func(n *yaml.Node) { u.Tenant = l.r.Text(n) },
		"team":   func(n *yaml.Node) { u.Team = l.r.Text(n) },
		"from":   func(n *yaml.Node) { u.From = l.instant(n) },
	})
	l.c.Users = append(l.c.Users, u)
}

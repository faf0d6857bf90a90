package calendar

import (
	"strings"
	"testing"
	"testing/fstest"
)

// desk is a calendar with some hours and users.
func desk(hours, users string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("doc: D.\nzone: UTC\nhours: {daily: " + hours + "}\nused_by:\n" + users)}
}

func TestUsers(t *testing.T) {
	set, err := Load(fstest.MapFS{
		"all.yaml":   desk("08:00-18:00", "  - {from: 2026-03-02T00:00Z}\n"),
		"acme.yaml":  desk("08:00-10:00", "  - {tenant: acme}\n"),
		"night.yaml": desk("00:00-08:00", "  - {team: night}\n  - {tenant: acme, from: 2026-03-03T00:00+03:30}\n"),
		"vip.yaml":   desk("00:00-01:00", "  - {team: night, tenant: acme, from: 2026-03-05T00:00Z}\n"),
		"none.yaml":  {Data: []byte("doc: D.\nzone: UTC\nhours: {daily: closed}\n")},
	}, zones(t))
	if err != nil {
		t.Fatal(err)
	}
	const march = int64(1_772_323_200_000) // 2026-03-01, ms
	f := func(tenant, team string, day, hours float64) {
		t.Helper()
		at := march + int64((day-1)*86_400_000)
		if got := float64(set.Elapsed(tenant, team, at-86_400_000, at)) / 3_600_000; got != hours {
			t.Errorf("team %q of %q on the day before March %v: open for %v h, should be %v", team, tenant, day, got, hours)
		}
	}
	f("", "", 2, 10)      // from that instant on
	f("", "", 1.999, 24)  // before it nobody says whose hours there are
	f("acme", "", 2.5, 2) // its own stand above everybody's
	f("acme", "", 3, 8)   // from half past eight of the evening before on
	f("acme", "night", 3, 8)
	f("acme", "night", 6, 1) // a team of a tenant stands above a team
	f("other", "night", 6, 8)
	_, err = Load(fstest.MapFS{"a.yaml": desk("closed", "  - {team: x}\n"), "b.yaml": desk("closed", "  - {team: x}\n")}, zones(t))
	if err == nil || !strings.Contains(err.Error(), `calendars a and b are both used by tenant "", team "x"`) {
		t.Errorf("got %v", err)
	}
	_, err = Load(fstest.MapFS{"a.yaml": desk("closed", "  - {teem: x}\n")}, zones(t))
	if err == nil || !strings.Contains(err.Error(), `a.yaml:5:6: unknown key "teem", did you mean "team"?`) {
		t.Errorf("got %v", err)
	}
}

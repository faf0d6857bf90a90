package proof_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nabz/nabz/services/internal/proof"
)

// TestVerdictsOfHistories holds how the deadlines of random histories ended
// against the SQL over their facts.
func TestVerdictsOfHistories(t *testing.T) {
	conn, s := told(t, *seeds/2, "contact")
	for _, f := range []struct {
		feed       string
		generation int64
	}{{"", 0}, {"old", 1}, {"old", 2}} {
		s.Feed, s.Generation = f.feed, f.generation
		r, err := proof.Verdicts(t.Context(), conn, s)
		if err != nil {
			t.Fatal(err)
		}
		of := fmt.Sprintf("FROM nabz_internal.verdict FINAL WHERE feed = '%s' AND generation = %d AND ", f.feed, f.generation)
		for _, state := range []string{"met", "met_late"} {
			if count(t, conn, "SELECT count() "+of+"state = '"+state+"'") == 0 {
				t.Errorf("feed %q: no deadline is %s", f.feed, state)
			}
		}
		if stored := int64(count(t, conn, "SELECT count() "+of+"state != 'withdrawn'")); r.Compared != stored || r.Different != 0 {
			t.Errorf("feed %q: %d compared of %d, %d differ:\n%s", f.feed, r.Compared, stored, r.Different, strings.Join(r.Examples, "\n"))
		}
	}
}

// TestVerdictsFindFaults damages stored deadlines and wants to hear of it.
func TestVerdictsFindFaults(t *testing.T) {
	conn, s := told(t, few, "contact")
	f := func(name, sql, want string) {
		t.Helper()
		if err := conn.Exec(t.Context(), "INSERT INTO nabz_internal.verdict "+sql); err != nil {
			t.Fatal(err)
		}
		r, err := proof.Verdicts(t.Context(), conn, s)
		if err != nil {
			t.Fatal(err)
		}
		if r.Different == 0 || !strings.Contains(strings.Join(r.Examples, "\n"), want) {
			t.Errorf("%s: %d differences, want %q:\n%s", name, r.Different, want, strings.Join(r.Examples, "\n"))
		}
		// What was there stands again.
		if err := conn.Exec(t.Context(), "ALTER TABLE nabz_internal.verdict DELETE WHERE quiet = 7 SETTINGS mutations_sync = 2"); err != nil {
			t.Fatal(err)
		}
	}
	const one = "FROM (SELECT * FROM nabz_internal.verdict FINAL WHERE kind = 'deadline' AND feed = '' AND state = 'met' LIMIT 1)"
	f("late", "SELECT * REPLACE ('met_late' AS state, 7 AS quiet) "+one, "is met_late due")
	f("due", "SELECT * REPLACE (addMilliseconds(due_at, 1) AS due_at, 7 AS quiet) "+one, ", should be met due")
	f("gone", "SELECT * REPLACE ('withdrawn' AS state, 7 AS quiet) "+one, "is not there, should be met due")
	f("open", "SELECT * REPLACE ('breached' AS state, 7 AS quiet) "+one, "is open, should be met due")
	f("foreign", "SELECT * REPLACE ('nobody' AS item, 7 AS quiet) "+one, "should be not there")
}

package proof_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/sim"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/proof"
)

// summed loads random histories with what they add up to: every version of
// every pane, and the progress of the readers of panes.
func summed(t *testing.T, histories int) (driver.Conn, *warehouse.Model) {
	t.Helper()
	conn, model := house(t, "Asia/Tehran")
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	x := newTables(t, cat, model)
	tell(t, cat, histories, true, func(partition int32, records []sim.Record) {
		x.play(partition, records)
		task := track.NewTask(cat.Task(partition))
		for i := range records {
			task.Step(int64(i), records[i].Bytes)
			if i%10 == 0 || i == len(records)-1 {
				task.Flush(func(e track.Effect) { x.pane(e.Value) })
			}
		}
	})
	x.insert(conn)
	return conn, model
}

// pane adds a pane, or a reader's progress, to the tables.
func (x *tables) pane(value []byte) {
	x.t.Helper()
	r, err := row.Decode(value)
	if err != nil {
		x.t.Fatal(err)
	}
	switch r := r.(type) {
	case *row.Pane:
		values := place(r.Place, map[string]any{
			"grain": int64(r.Grain), "bucket": r.Bucket / 1000, "incarnation": r.Incarnation, "version": r.Version, "changed_at": r.ChangedAt,
		})
		f := x.families[r.Family]
		for i, d := range f.Dims {
			values[d] = r.Dims[i]
		}
		x.cells(f, r.Cells, values)
		x.put("pane_"+r.Family, values)
	case *row.Progress:
		x.put("progress", place(r.Place, map[string]any{
			"topic": "nabz.panes.v1", "topic_partition": int64(r.Partition), "position": r.Position, "now": r.Now, "state": r.State, "session": r.Session,
		}))
	}
}

// cells finds what the cells of a pane say of the parts of its family.
func (x *tables) cells(f *fact.Family, cells []row.Cell, values map[string]any) {
	parts, ok := x.parts[f]
	if !ok {
		for _, m := range x.cat.KPIs.Measures(f.Name) {
			parts = append(parts, m.Parts()...)
		}
		parts = slices.DeleteFunc(parts, func(p kpi.Part) bool { return p.Column == "" })
		x.parts[f] = parts
	}
	for i := range parts {
		p := &parts[i]
		buckets := map[uint16]int64{}
		for _, c := range cells {
			switch {
			case p.Width > 1 && c.Part >= p.ID && c.Part-p.ID < p.Width:
				buckets[uint16(c.Part-p.ID)] = c.Value
				values[p.Column] = buckets
			case c.Part == p.ID:
				values[p.Column] = c.Value
			}
		}
	}
}

func cells(t *testing.T, conn driver.Conn, m *warehouse.Model, d *kpi.Definition, feed string, g warehouse.Grain) proof.Report {
	t.Helper()
	r, err := proof.Cells(t.Context(), conn, m, d, warehouse.Filter{Feed: feed}, g)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestCellsOfHistories holds every KPI of random histories, with all that a
// feed can go through, against the naive count. Levels of stretched histories
// fill millions of panes, so it takes fewer of them.
func TestCellsOfHistories(t *testing.T) {
	conn, m := summed(t, *seeds/5)
	for _, feed := range []string{"", "old"} {
		for _, d := range m.KPIs.Definitions {
			if *only != "" && *only != d.Of.Kind || *only == "" && ofData(d) {
				continue // of declared kinds random words are seldom those that a KPI asks for: TestClaims has cells of each
			}
			t.Run(d.Name+"_"+feed, func(t *testing.T) {
				t.Parallel()
				r := cells(t, conn, m, d, feed, "")
				// Nobody gives up within seconds in a past where all takes long, and
				// few conversations end in some hours, few of them complaints.
				rare := feed == "old" && d.Name == "short_abandoned" || d.Of.Kind == "conversation" || ofData(d)
				few := r.Compared < 8 && !rare
				if few || r.Different != 0 {
					t.Errorf("%d cells compared, %d differ:\n%s", r.Compared, r.Different, strings.Join(r.Examples, "\n"))
				}
			})
		}
	}
}

// TestCellsFindFaults damages a stored number of every kind of measure of every
// kind of entity: each shows.
func TestCellsFindFaults(t *testing.T) {
	conn, m := summed(t, few)
	done := map[string]bool{}
	damaged := map[string]int{} // measures, by kind
	for _, d := range m.KPIs.Definitions {
		if *only != "" && *only != d.Of.Kind {
			continue
		}
		for _, n := range d.Measures {
			if n.Measure.Family != d.Of {
				continue // it counts where the definition's own facts are, and they may be elsewhere
			}
			family := d.Of.Name
			for i, p := range n.Measure.Parts() {
				key := fmt.Sprint(d.Of.Kind, n.Measure.Op, i) // one code adds up what is of one kind
				if p.Column == "" || done[key] || !hasPanes(t, conn, family) {
					continue
				}
				r := cells(t, conn, m, d, "", warehouse.Minute)
				if r.Compared == 0 && ofData(d) {
					continue // random words are seldom those that a KPI asks for
				}
				if r.Different != 0 || r.Compared == 0 {
					t.Fatalf("%s: %d of %d cells differ before any damage:\n%s", d.Name, r.Different, r.Compared, strings.Join(r.Examples, "\n"))
				}
				done[key] = true
				damaged[d.Of.Kind]++
				damage(t, conn, family, &p, 1)
				if r := cells(t, conn, m, d, "", warehouse.Minute); r.Different == 0 || len(r.Examples) == 0 {
					t.Errorf("%s: one more in %s goes unnoticed", d.Name, p.Column)
				}
				damage(t, conn, family, &p, -1)
			}
		}
	}
	for kind, least := range map[string]int{"contact": 6, "conversation": 4, "agent": 3, "order": 1, "customer": 1} {
		if *only == "" && damaged[kind] < least {
			t.Errorf("%d measures of kind %s were damaged, should be %d", damaged[kind], kind, least)
		}
	}
}

// ofData tells whether the facts of a definition are declared as data.
func ofData(d *kpi.Definition) bool {
	return !slices.Contains([]string{"contact", "conversation", "agent"}, d.Of.Kind)
}

// hasPanes tells whether there is a pane of a family to damage.
func hasPanes(t *testing.T, conn driver.Conn, family string) bool {
	t.Helper()
	var n uint64
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM nabz_internal.pane_"+family+" WHERE grain = 60 AND feed = ''").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n > 0
}

// damage adds to one number of one minute in place.
func damage(t *testing.T, conn driver.Conn, family string, p *kpi.Part, by int) {
	t.Helper()
	more := fmt.Sprintf("%s + %d", p.Column, by)
	if p.Width > 1 {
		more = fmt.Sprintf("mapAdd(%s, map(toUInt16(7), toInt64(%d)))", p.Column, by)
	}
	exec(t, conn, fmt.Sprintf(`ALTER TABLE nabz_internal.pane_%[1]s UPDATE %[2]s = %[3]s
WHERE grain = 60 AND feed = '' AND (partition, bucket) = (SELECT min((partition, bucket)) FROM nabz_internal.pane_%[1]s WHERE grain = 60 AND feed = '')
SETTINGS mutations_sync = 1`, family, p.Column, more))
}

// TestCopies holds the copies of events against the catalogue: an answered
// contact concerns its agent and its customer too.
func TestCopies(t *testing.T) {
	conn, m := house(t, "UTC")
	put := func(kind, entity, uid, texts string) {
		t.Helper()
		exec(t, conn, fmt.Sprintf(`INSERT INTO nabz_internal.events (tenant, kind, entity, type, uid, time, received_at, texts)
VALUES ('t', '%s', '%s', 'contact.answered', '%s', '2026-03-02 09:00:00', '2026-03-02 09:00:00', %s)`, kind, entity, uid, texts))
	}
	const whole, part = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
	texts := "map('contact_id', 'c1', 'agent_id', 'amy')"
	put("contact", "c1", whole, texts)
	put("agent", "amy", whole, texts)
	check := func(compared, different int64) {
		t.Helper()
		r, err := proof.Copies(t.Context(), conn, m, warehouse.Filter{})
		if err != nil || r.Compared != compared || r.Different != different {
			t.Errorf("got %+v, %v, want %d compared, %d different", r, err, compared, different)
		}
	}
	check(1, 0)
	put("contact", "c2", part, "map('contact_id', 'c2', 'agent_id', 'bob')")
	check(2, 1)
	put("agent", "bob", part, "map('contact_id', 'c2', 'agent_id', 'bob')")
	check(2, 0)
	put("agent", "someone", part, "map('contact_id', 'c2', 'agent_id', 'bob')")
	check(2, 1)
}

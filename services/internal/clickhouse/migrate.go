package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strings"

	"github.com/nabz/nabz/pkg/warehouse"
)

// ErrIncompatible is the error of a table whose columns differ in what an
// addition cannot mend.
var ErrIncompatible = errors.New("the table is not compatible")

// Schema is what a migration brings about.
type Schema struct {
	Tables []warehouse.Table
	// Views are statements that make or replace something; each runs again
	// when its text has changed.
	Views   []warehouse.Statement
	Inserts Inserts
}

// Inserts says whether an insert waits until its rows are on the disk.
type Inserts string

const (
	// Kept leaves tables as they are; in new ones inserts wait.
	Kept Inserts = "kept"
	// Synced lets inserts wait.
	Synced Inserts = "synced"
	// Lazy lets no insert wait: whoever writes calls [Sync] before relying on
	// what is written.
	Lazy Inserts = "lazy"
)

// tableSettings make an insert durable against the loss of power: without
// them an acknowledged part may still be in the page cache, until [Sync].
var tableSettings = []string{"fsync_after_insert", "fsync_part_directory"}

// ledger remembers which text of each view is in force.
const ledger = "CREATE TABLE IF NOT EXISTS " + warehouse.Internal + ".migrations (name String COMMENT 'What the statement makes.', " +
	"hash UInt64 COMMENT 'Of the statement.', at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it ran, UTC.') " +
	"ENGINE = ReplacingMergeTree(at) ORDER BY name COMMENT 'The statements that made the views, by the text that is in force.'"

// Plan gives the statements that are missing, in order. It changes nothing.
func Plan(ctx context.Context, conn Conn, s Schema) ([]warehouse.Statement, error) {
	now, err := inspect(ctx, conn)
	if err != nil {
		return nil, err
	}
	var plan []warehouse.Statement
	for _, db := range []string{warehouse.Internal, warehouse.Public} {
		if !now.databases[db] {
			plan = append(plan, warehouse.Statement{Name: db, SQL: "CREATE DATABASE IF NOT EXISTS " + db})
		}
	}
	if now.tables["migrations"] == nil {
		plan = append(plan, warehouse.Statement{Name: warehouse.Internal + ".migrations", SQL: ledger})
	}
	for i := range s.Tables {
		changes, err := now.changes(&s.Tables[i], s.Inserts)
		if err != nil {
			return nil, err
		}
		plan = append(plan, changes...)
	}
	for _, v := range s.Views {
		if now.hashes[v.Name] != hash(v.SQL) {
			plan = append(plan, v)
		}
	}
	return append(plan, now.orphans(s.Views)...), nil
}

// orphans are the views of KPIs that nothing defines any more: nobody fills what
// they show, and a sum of nothing would look like a number. They go last, when
// no other view asks them.
func (s *state) orphans(views []warehouse.Statement) []warehouse.Statement {
	wanted := map[string]bool{}
	for _, v := range views {
		wanted[v.Name] = true
	}
	var out []warehouse.Statement
	for name := range s.hashes {
		ofKPI := strings.HasPrefix(name, warehouse.Public+".kpi_") || strings.HasPrefix(name, warehouse.Internal+".")
		if ofKPI && !wanted[name] {
			out = append(out, warehouse.Statement{Name: name, SQL: "DROP VIEW IF EXISTS " + name})
		}
	}
	slices.SortFunc(out, func(a, b warehouse.Statement) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Migrate carries out what [Plan] gives, each statement printed before it
// runs. Running it again, or twice at once, does no harm.
func Migrate(ctx context.Context, conn Conn, s Schema, out io.Writer) error {
	plan, err := Plan(ctx, conn, s)
	if err != nil {
		return err
	}
	views := make(map[string]bool, len(s.Views))
	for _, v := range s.Views {
		views[v.Name] = true
	}
	var notes []string
	for _, st := range plan {
		if _, err := fmt.Fprintf(out, "%s;\n\n", st.SQL); err != nil {
			return fmt.Errorf("print the migration: %w", err)
		}
		if err := conn.Exec(ctx, st.SQL); err != nil {
			return fmt.Errorf("make %s: %w", st.Name, err)
		}
		if views[st.Name] {
			notes = append(notes, fmt.Sprintf("(%s, %d)", warehouse.Quote(st.Name), hash(st.SQL)))
		}
	}
	if len(notes) == 0 {
		return nil
	}
	// All at once: a note of its own for each takes as long as the view. Views
	// without a note are made again.
	note := "INSERT INTO " + warehouse.Internal + ".migrations (name, hash) VALUES " + strings.Join(notes, ", ")
	if err := conn.Exec(durable(ctx), note); err != nil {
		return fmt.Errorf("note the views: %w", err)
	}
	return nil
}

func hash(text string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, text) // never fails
	return h.Sum64()
}

// state is what a server has now.
type state struct {
	databases map[string]bool
	tables    map[string]*table // of the internal database
	hashes    map[string]uint64 // of the views' statements
}

type table struct {
	comment string
	engine  string // with its settings
	columns map[string]field
}

type field struct{ typ, comment string }

func inspect(ctx context.Context, conn Conn) (*state, error) {
	s := &state{databases: map[string]bool{}, tables: map[string]*table{}, hashes: map[string]uint64{}}
	err := each(ctx, conn, "SELECT name, '', '', '' FROM system.databases", func(name, _, _, _ string) { s.databases[name] = true })
	if err != nil {
		return nil, err
	}
	err = each(ctx, conn, "SELECT name, comment, engine_full, '' FROM system.tables WHERE database = '"+warehouse.Internal+"'",
		func(name, comment, engine, _ string) {
			s.tables[name] = &table{comment: comment, engine: engine, columns: map[string]field{}}
		})
	if err != nil {
		return nil, err
	}
	err = each(ctx, conn, "SELECT table, name, type, comment FROM system.columns WHERE database = '"+warehouse.Internal+"'",
		func(of, name, typ, comment string) {
			if t := s.tables[of]; t != nil {
				t.columns[name] = field{typ, comment}
			}
		})
	if err != nil || s.tables["migrations"] == nil {
		return s, err
	}
	// A view that somebody dropped has no hash, so it is made again.
	rows, err := conn.Query(ctx, "SELECT name, hash FROM "+warehouse.Internal+".migrations FINAL "+
		"WHERE name IN (SELECT concat(database, '.', name) FROM system.tables)")
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var h uint64
		if err := rows.Scan(&name, &h); err != nil {
			return nil, fmt.Errorf("read the migrations: %w", err)
		}
		s.hashes[name] = h
	}
	return s, rows.Err()
}

func each(ctx context.Context, conn Conn, query string, f func(a, b, c, d string)) error {
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return fmt.Errorf("inspect the server: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var a, b, c, d string
		if err := rows.Scan(&a, &b, &c, &d); err != nil {
			return fmt.Errorf("inspect the server: %w", err)
		}
		f(a, b, c, d)
	}
	return rows.Err()
}

// changes gives what is missing from one table.
func (s *state) changes(want *warehouse.Table, inserts Inserts) ([]warehouse.Statement, error) {
	name := warehouse.Internal + "." + want.Name
	var plan []warehouse.Statement
	add := func(what, sql string) { plan = append(plan, warehouse.Statement{Name: what, SQL: sql}) }
	now := s.tables[want.Name]
	if now == nil {
		plan = append(plan, want.Create())
		now = &table{comment: want.Comment}
	} else {
		for _, c := range want.Columns {
			was, there := now.columns[c.Name]
			switch {
			case !there:
				plan = append(plan, want.Add(c))
			case was.typ != c.Type:
				return nil, fmt.Errorf("%s.%s is %s, %s is needed: compute a new epoch into new tables: %w", name, c.Name, was.typ, c.Type, ErrIncompatible)
			case was.comment != c.Comment:
				add(name+"."+c.Name, fmt.Sprintf("ALTER TABLE %s COMMENT COLUMN %s %s", name, c.Name, warehouse.Quote(c.Comment)))
			}
		}
		if now.comment != want.Comment {
			add(name, fmt.Sprintf("ALTER TABLE %s MODIFY COMMENT %s", name, warehouse.Quote(want.Comment)))
		}
	}
	var missing []string
	for _, setting := range tableSettings {
		value := " = 1"
		if inserts == Lazy {
			value = " = 0"
		}
		is := strings.Contains(now.engine, setting+value)
		kept := inserts != Synced && inserts != Lazy && strings.Contains(now.engine, setting+" = ")
		if !is && !kept {
			missing = append(missing, setting+value)
		}
	}
	if len(missing) > 0 {
		add(name, fmt.Sprintf("ALTER TABLE %s MODIFY SETTING %s", name, strings.Join(missing, ", ")))
	}
	return plan, nil
}

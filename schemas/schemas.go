// Package schemas holds the contracts of Nabz as data: the catalogue of events,
// mappings, definitions. They are part of the binary.
//
// It does not know what anything in them means: the packages that read them do.
package schemas

import (
	"embed"
	"io/fs"

	"github.com/nabz/nabz/pkg/event"
)

//go:embed events/*.yaml
var events embed.FS

//go:embed kpi
var kpis embed.FS

//go:embed sla
var deadlines embed.FS

// Deadlines holds one folder for each policy on a deadline.
func Deadlines() fs.FS { return sub(deadlines, "sla") }

//go:embed alert
var alerts embed.FS

// Alerts holds one folder for each threshold rule.
func Alerts() fs.FS { return sub(alerts, "alert") }

//go:embed record
var records embed.FS

// Records holds the kinds whose facts are declared as data, <kind>.yaml, and
// beside each its scenario, <kind>.txt.
func Records() fs.FS { return sub(records, "record") }

//go:embed families.yaml
var families []byte

// KPIs holds one folder for each KPI.
func KPIs() fs.FS { return sub(kpis, "kpi") }

// Families is the table of timings by kind, families.yaml.
func Families() []byte { return families }

//go:embed mapping/*.yaml
var mappings embed.FS

// Mappings holds the mappings that are part of the binary, <name>.yaml.
func Mappings() fs.FS { return sub(mappings, "mapping") }

//go:embed clickhouse/proof/*.sql
var proofs embed.FS

// Proofs holds the SQL that makes facts of raw events on its own: <kind>.sql,
// and members.sql, with which each begins.
func Proofs() fs.FS { return sub(proofs, "clickhouse/proof") }

// Events holds fields.yaml and one file for each family of events.
func Events() fs.FS { return sub(events, "events") }

// Catalogue reads the catalogue of events that is part of the binary.
func Catalogue() (*event.Catalogue, error) { return event.ParseCatalogue(Events()) }

// sub gives the named folder of an embedded tree, which exists by the
// directive that embeds it.
func sub(tree embed.FS, folder string) fs.FS {
	out, err := fs.Sub(tree, folder)
	if err != nil {
		panic("schemas: " + err.Error())
	}
	return out
}

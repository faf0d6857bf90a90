// Package gateway is where people and programs ask: the catalogue of KPIs, the
// values of each, what is true this second as a stream of events, incidents,
// and the wallboard's page. What is live comes from Kafka and stays when
// ClickHouse is away; what is asked for over a range comes from ClickHouse.
// Whose numbers somebody sees, their key alone decides.
//
// It does not know how a number is made.
package gateway

import (
	"errors"
	"fmt"
	"time"

	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/keys"
)

// Config is everything a gateway needs to be told.
type Config struct {
	Listen     string   // host:port; port 0 picks a free one
	Kafka      []string // host:port of brokers
	ClickHouse string   // clickhouse://USER:PASS@HOST:PORT/DB
	// Keys are those that may ask. The one named [Administrator] also makes
	// the tickets of [Ticket] and signs sessions; without it sessions end with
	// the process, and there are no tickets.
	Keys          keys.Config
	DefaultTenant string // whom a key of every tenant asks about; empty: default
	Zone          string // IANA name of the zone of days; empty: UTC
	WeekStart     int    // 1 Monday to 7 Sunday; 0: 1
	Definitions   string // folder of definitions beside those of the binary; empty: none
	Limits        Limits
}

// Administrator is the name of the key that an installation makes for itself.
const Administrator = "administrator"

// Limits bound what one asker can cost. Zero values take the default.
type Limits struct {
	Connections int // open connections
	PerAddress  int // open connections of one address
	Streams     int // open streams
	PerKey      int // open streams of one key
	Rows        int // of one answer
	Queries     int // of ClickHouse at once
	// Write is how long one write to a page may take: who does not read for so
	// long is cut off.
	Write time.Duration
}

// The limits, each with the reason for its number.
const (
	// defaultConnections and defaultPerAddress: an idle connection costs about
	// 20 KB, so all of them cost 20 MB. A wall of screens is one address.
	defaultConnections = 1024
	defaultPerAddress  = 256
	// defaultStreams: each may hold a snapshot that it is being sent.
	defaultStreams = 256
	// defaultPerKey is a wallboard in every room of a building.
	defaultPerKey = 64
	// defaultRows is a week of minutes, or a day of them by seven queues.
	defaultRows = 10_000
	// defaultQueries leaves ClickHouse to those who load.
	defaultQueries = 4
	// defaultWrite is a lift, or a tunnel, and not a page that is gone.
	defaultWrite = 10 * time.Second
)

func (l Limits) orDefault() Limits {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&l.Connections, defaultConnections)
	set(&l.PerAddress, defaultPerAddress)
	set(&l.Streams, defaultStreams)
	set(&l.PerKey, defaultPerKey)
	set(&l.Rows, defaultRows)
	set(&l.Queries, defaultQueries)
	if l.Write <= 0 {
		l.Write = defaultWrite
	}
	return l
}

// resolve fills in defaults and checks all.
func (c Config) resolve() (Config, error) {
	var errs []error
	if len(c.Kafka) == 0 {
		errs = append(errs, errors.New("kafka: no broker"))
	}
	if c.ClickHouse == "" {
		errs = append(errs, errors.New("clickhouse: no URL"))
	} else if conn, err := clickhouse.Open(c.ClickHouse); err != nil {
		errs = append(errs, err)
	} else {
		errs = append(errs, conn.Close())
	}
	if c.DefaultTenant == "" {
		c.DefaultTenant = "default"
	}
	if !keys.IsTenant(c.DefaultTenant) {
		errs = append(errs, fmt.Errorf("default tenant: %q is no name of a tenant", c.DefaultTenant))
	}
	if c.Zone == "" {
		c.Zone = "UTC"
	}
	if _, err := time.LoadLocation(c.Zone); err != nil || c.Zone == "Local" {
		errs = append(errs, fmt.Errorf("zone: %q is no IANA name", c.Zone))
	}
	if c.WeekStart == 0 {
		c.WeekStart = 1
	}
	if c.WeekStart < 1 || c.WeekStart > 7 {
		errs = append(errs, fmt.Errorf("week start: %d is no day: 1 is Monday, 7 is Sunday", c.WeekStart))
	}
	c.Limits = c.Limits.orDefault()
	return c, errors.Join(errs...)
}

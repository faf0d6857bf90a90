// Package collector is the front door: it takes CloudEvents over HTTP, checks
// them against the catalogue, puts keyed tokens in place of customers'
// identifiers, and answers 200 only when every event is durable in Kafka, once
// for each entity it concerns. What it cannot take goes to the dead-letter
// topic with a reason of a closed set.
//
// It does not know what an event means for a number.
package collector

import (
	"errors"
	"fmt"
	"time"

	"github.com/nabz/nabz/services/internal/keys"
)

// Rights of a key.
const (
	RightWrite = keys.Write
	RightFeeds = keys.Feeds
	RightRead  = keys.Read // the collector ignores it
	RightAdmin = keys.Admin
)

// Config is everything a collector needs to be told.
type Config struct {
	Listen      string   // host:port; port 0 picks a free one
	Kafka       []string // host:port of brokers
	Events      string   // topic of events; empty: nabz.events.v1
	DeadLetters string   // topic of dead letters; empty: nabz.events.v1.dlq
	Keys        []Key
	// KeysFile is a file of further keys, made and revoked while the
	// collector runs; empty: none.
	KeysFile string
	// IdentityKey is the secret from which each tenant's key for tokens and
	// sealed dead letters is derived: 32 characters or more.
	IdentityKey     string
	IdentityKeyFile string // holds IdentityKey
	// TenantKeys gives single tenants an identity key of their own, so that
	// deleting it erases whom the tokens stand for.
	TenantKeys map[string]string
	// DefaultTenant is whom an event belongs to that comes with a key of every
	// tenant and names none; empty: default.
	DefaultTenant string
	Limits        Limits
}

// Key is an API key and what it may do.
type Key = keys.Static

// Limits bound what one sender can cost. Zero values take the default.
type Limits struct {
	Body        int           // bytes of a body, before and after decompression
	Event       int           // bytes of one event
	Batch       int           // events of one request
	Connections int           // open connections
	PerAddress  int           // open connections of one address
	InFlight    int64         // bytes of all bodies being worked on
	Timeout     time.Duration // for Kafka to acknowledge a request
}

// The limits, each with the reason for its number.
const (
	// defaultBody is four times what a broker takes as one record batch, so a
	// full batch of ordinary events fits and a bomb does not.
	defaultBody = 4 << 20
	// defaultEvent is four times what CloudEvents asks every consumer to take.
	defaultEvent = 256 << 10
	// defaultBatch is twice the batch at which throughput stops growing (500);
	// with three copies an event it stays far below the client's 65,536
	// buffered records, so one request cannot fill the buffer.
	defaultBatch = 1000
	// defaultConnections and defaultPerAddress: an idle connection costs about
	// 20 KB, so all of them cost 20 MB.
	defaultConnections = 1024
	defaultPerAddress  = 256
	// defaultInFlight bounds memory: a body's records take about three times
	// the body beside it.
	defaultInFlight = 64 << 20
	// defaultTimeout is below the 15 s after which most senders give up.
	defaultTimeout = 10 * time.Second
	// maxDepth: events are flat; their deepest part, data.replaced_entities,
	// stands in the third level.
	maxDepth = 16
	// maxRatio is the greatest expansion of a compressed body beyond the first
	// ratioFloor bytes. Batches of alike events reach 30 to 60.
	maxRatio   = 100
	ratioFloor = 1 << 20
	// maxAhead is how far time may be ahead of the collector's clock on the
	// live feed: beyond it, a clock is wrong and not merely fast.
	maxAhead = time.Minute
	// minIdentity is the least length of an identity key: 32 hexadecimal
	// digits are 128 bits.
	minIdentity = 32
	// maxWord is the most characters of id, source, subject and feed.
	maxWord = 256
)

func (l Limits) orDefault() Limits {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&l.Body, defaultBody)
	set(&l.Event, defaultEvent)
	set(&l.Batch, defaultBatch)
	set(&l.Connections, defaultConnections)
	set(&l.PerAddress, defaultPerAddress)
	if l.InFlight <= 0 {
		l.InFlight = defaultInFlight
	}
	if l.Timeout <= 0 {
		l.Timeout = defaultTimeout
	}
	l.Event = min(l.Event, l.Body)
	l.InFlight = max(l.InFlight, int64(l.Body))
	return l
}

// resolve reads secrets from their files, fills in defaults and checks all but
// the keys, which their ring checks.
func (c Config) resolve() (Config, error) {
	var errs []error
	note := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(c.Kafka) == 0 {
		note("kafka: no broker")
	}
	if c.Events == "" {
		c.Events = "nabz.events.v1"
	}
	if c.DeadLetters == "" {
		c.DeadLetters = "nabz.events.v1.dlq"
	}
	if c.DefaultTenant == "" {
		c.DefaultTenant = "default"
	}
	if !keys.IsTenant(c.DefaultTenant) {
		note("default tenant: %q is no name of a tenant", c.DefaultTenant)
	}
	var err error
	if c.IdentityKey, err = keys.Secret(c.IdentityKey, c.IdentityKeyFile); err != nil {
		note("identity key: %w", err)
	} else if len(c.IdentityKey) < minIdentity {
		note("identity key: %d characters, at least %d are needed", len(c.IdentityKey), minIdentity)
	}
	for tenant, key := range c.TenantKeys {
		if !keys.IsTenant(tenant) || len(key) < minIdentity {
			note("tenant key of %q: no name of a tenant, or fewer than %d characters", tenant, minIdentity)
		}
	}
	c.Limits = c.Limits.orDefault()
	return c, errors.Join(errs...)
}

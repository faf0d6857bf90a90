package clickhouse

import (
	"context"
	"errors"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Bounded makes the queries of a context read only, and ends them when they
// take longer or more memory, in bytes.
func Bounded(ctx context.Context, longest time.Duration, memory int64) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"readonly":           2, // the driver's own settings are still taken
		"max_execution_time": int(longest.Seconds()),
		"max_memory_usage":   memory,
	}))
}

// The codes of queries that were ended for what they cost.
const (
	codeTimeout = 159
	codeTooSlow = 160
	codeMemory  = 241
)

// TooCostly tells whether an error says that a query passed its bounds.
func TooCostly(err error) bool {
	e, ok := errors.AsType[*clickhouse.Exception](err)
	return ok && (e.Code == codeTimeout || e.Code == codeTooSlow || e.Code == codeMemory)
}

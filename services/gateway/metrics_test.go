package gateway

import (
	"testing"

	"github.com/nabz/nabz/services/internal/testkit"
)

func TestMetricsAreDocumented(t *testing.T) {
	m := newMetrics()
	m.watch(newLive(func(string) bool { return true }, func(string) {}))
	testkit.DocumentedMetrics(t, m.registry, "nabz_gateway_")
}

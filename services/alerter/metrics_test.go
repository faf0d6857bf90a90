package alerter

import (
	"testing"

	"github.com/nabz/nabz/services/internal/testkit"
)

func TestMetricsAreDocumented(t *testing.T) {
	testkit.DocumentedMetrics(t, newMetrics(nil).registry, "nabz_alerter_")
}

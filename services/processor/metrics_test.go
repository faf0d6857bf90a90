package processor

import (
	"testing"

	"github.com/nabz/nabz/services/internal/testkit"
)

func TestMetricsAreDocumented(t *testing.T) {
	testkit.DocumentedMetrics(t, newMetrics().registry, "nabz_processor_", "nabz_board_")
}

package testkit

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	metricName       = regexp.MustCompile(`fqName: "([^"]+)"`)
	documentedMetric = regexp.MustCompile("(?m)^\\| `(nabz_[a-z0-9_]+)")
)

// DocumentedMetrics holds the list of docs/operations.md against what a
// service registers: each metric whose name begins with one of the prefixes is
// in both.
func DocumentedMetrics(tb testing.TB, registry *prometheus.Registry, prefixes ...string) {
	tb.Helper()
	root, err := Root()
	if err != nil {
		tb.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "operations.md"))
	if err != nil {
		tb.Fatal(err)
	}
	listed, there := map[string]bool{}, map[string]bool{}
	for _, m := range documentedMetric.FindAllStringSubmatch(string(text), -1) {
		for _, p := range prefixes {
			if strings.HasPrefix(m[1], p) {
				listed[m[1]] = true
			}
		}
	}
	descriptions := make(chan *prometheus.Desc)
	go func() { // ends with the registry's descriptions
		registry.Describe(descriptions)
		close(descriptions)
	}()
	for d := range descriptions {
		m := metricName.FindStringSubmatch(d.String())
		if m == nil {
			tb.Fatalf("no name in %s", d)
		}
		if there[m[1]] = true; !listed[m[1]] {
			listed[m[1]] = true // said once
			tb.Errorf("docs/operations.md does not list %s", m[1])
		}
	}
	for name := range listed {
		if !there[name] {
			tb.Errorf("docs/operations.md lists %s, which is not there", name)
		}
	}
	if len(there) == 0 {
		tb.Error("no metrics")
	}
}

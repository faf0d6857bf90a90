package catalog

import (
	"strings"
	"testing"
)

// TestZoneIsPartOfTheComputation holds that facts by day of another zone are
// another computation, and that a zone is one of the release in the binary.
func TestZoneIsPartOfTheComputation(t *testing.T) {
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if c.Zone() != "UTC" {
		t.Errorf("the zone is %s at first", c.Zone())
	}
	first := c.Fingerprint()
	if err := c.SetZone("Asia/Tehran"); err != nil || c.Zone() != "Asia/Tehran" || c.Fingerprint() == first {
		t.Errorf("%v: zone %s", err, c.Zone())
	}
	for _, name := range []string{"", "Local", "Asia/Teheran", "../UTC"} {
		if err := c.SetZone(name); err == nil || !strings.Contains(err.Error(), "no such zone in release") || c.Zone() != "Asia/Tehran" {
			t.Errorf("%q: %v", name, err)
		}
	}
}

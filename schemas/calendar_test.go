package schemas_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nabz/nabz/pkg/calendar"
	"github.com/nabz/nabz/schemas"
)

// zonesSum is the sum of the archive of zones: an archive has no version
// inside, so that of schemas.ZoneVersion is bound to its bytes here.
const zonesSum = "8f55634d05f8bca1f7bc7c69c5933428c69357e0bdf565e5ba224e3f88ff12e8"

// TestZonesArePinned says which release of zones this is. Where the Go
// toolchain carries the same release, the archive is the toolchain's.
func TestZonesArePinned(t *testing.T) {
	data, err := os.ReadFile("calendar/zoneinfo.zip")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); got != zonesSum {
		t.Errorf("the archive of zones is %s, want %s, which is release %s", got, zonesSum, schemas.ZoneVersion)
	}
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatalf("ask for GOROOT: %v", err)
	}
	folder := filepath.Join(strings.TrimSpace(string(out)), "lib", "time")
	script, err := os.ReadFile(filepath.Join(folder, "update.bash"))
	if err != nil {
		t.Skipf("MISSING: this toolchain does not say its release of zones: %v", err)
	}
	release := regexp.MustCompile(`(?m)^DATA=(\S+)$`).FindSubmatch(script)
	if release == nil || string(release[1]) != schemas.ZoneVersion {
		t.Skipf("the toolchain carries %s, not %s: nothing to compare with", release, schemas.ZoneVersion)
	}
	theirs, err := os.ReadFile(filepath.Join(folder, "zoneinfo.zip"))
	if err != nil || string(theirs) != string(data) {
		t.Errorf("release %s of the toolchain has other bytes (%v)", schemas.ZoneVersion, err)
	}
}

// TestZonesIgnoreTheMachine reads Tehran with $ZONEINFO set to nonsense.
func TestZonesIgnoreTheMachine(t *testing.T) {
	t.Setenv("ZONEINFO", "/nowhere")
	t.Setenv("TZ", "America/New_York")
	z, err := calendar.LoadZone(schemas.Zones(), "Asia/Tehran")
	if err != nil {
		t.Fatal(err)
	}
	const july2022, july2023 = 1_656_633_600_000, 1_688_169_600_000
	if a, b := z.Offset(july2022), z.Offset(july2023); a != 4.5*3_600_000 || b != 3.5*3_600_000 {
		t.Errorf("Tehran is %d ms ahead in July 2022 and %d in July 2023", a, b)
	}
}

// TestEveryZoneIsRead reads all zones of the archive.
func TestEveryZoneIsRead(t *testing.T) {
	read := 0
	err := fs.WalkDir(schemas.Zones(), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		read++
		_, err = calendar.LoadZone(schemas.Zones(), path)
		return err
	})
	if err != nil || read < 590 {
		t.Errorf("read %d zones: %v", read, err)
	}
}

// TestCalendars reads what is part of the binary, and the example of the page.
func TestCalendars(t *testing.T) {
	set, err := calendar.Load(schemas.Calendars(), schemas.Zones())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"always", "iran_support", "europe_example"} {
		if _, ok := set.Get(name); !ok {
			t.Errorf("no calendar %s", name)
		}
	}
	page, err := os.ReadFile("../docs/calendars.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(page, -1)
	if len(examples) == 0 {
		t.Fatal("the page has no example")
	}
	for _, m := range examples {
		if _, err := calendar.Parse("docs/calendars.md", "example", m[1], schemas.Zones()); err != nil {
			t.Error(err)
		}
	}
}

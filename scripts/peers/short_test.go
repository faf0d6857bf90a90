package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestNabzPassesItsGates runs Nabz alone over short logs of two workloads, on
// a real broker: what it writes is what the events say, and the way to measure
// it still fits. How fast it was is not looked at.
func TestNabzPassesItsGates(t *testing.T) {
	for _, need := range []string{"java", "mvn", "taskset"} {
		if _, err := exec.LookPath(need); err != nil {
			t.Skipf("SKIPPED: %s is needed to run an Apache Kafka broker on a core: %v", need, err)
		}
	}
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	nabz := filepath.Join(dir, "nabz")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", nabz, "./services/nabz")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	o, err := parse([]string{"--events", "10000", "--partitions", "2", "--once", "--tries", "1", "--engines", "nabz", "--engine-core", "0", "--nabz", nabz})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []Workload{minutes(), promises()} {
		t.Run(w.Short, func(t *testing.T) {
			home, err := os.MkdirTemp(dir, w.Short)
			if err != nil {
				t.Fatal(err)
			}
			found, err := runWorkload(&Bench{ctx: t.Context(), opts: o, root: root, dir: home}, &w)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found {
				if f.Gate != 0 || f.Wrong != 0 || f.Failed != "" {
					t.Errorf("%+v", f)
				}
			}
			if len(found) != 1 {
				t.Errorf("%d engines ran, want one", len(found))
			}
		})
	}
}

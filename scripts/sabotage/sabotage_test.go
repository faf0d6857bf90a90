package sabotage

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var seeds = flag.Int("seeds", 1500, "how many seeds may pass before a sabotage counts as not caught")

// TestEverySabotageIsCaught makes one small change at a time to the core and
// demands that the simulation fails. A sabotage that survives means a rule that
// nothing holds, or one that is not needed.
func TestEverySabotageIsCaught(t *testing.T) {
	root, err := filepath.Abs("../../pkg")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sabotages() {
		t.Run(s.name, func(t *testing.T) {
			seed, out, err := s.try(t.TempDir(), root, *seeds)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if seed == 0 {
				t.Fatalf("not caught in %d seeds: %s", *seeds, s.why)
			}
			t.Logf("caught by seed %d: %s", seed, s.why)
		})
	}
}

// TestEveryFaultOfAFoldIsCaught does the same with the folds of contacts, agents
// and conversations, whose own tests must fail.
func TestEveryFaultOfAFoldIsCaught(t *testing.T) {
	root, err := filepath.Abs("../../pkg")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range ofFolds() {
		t.Run(s.name, func(t *testing.T) {
			overlay, err := s.overlay(t.TempDir(), root)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("go", "test", "-overlay", overlay, "-count=1", "-vet=off", "./"+path.Dir(s.file))
			cmd.Dir = root
			out, err := cmd.CombinedOutput()
			switch {
			case err == nil:
				t.Fatalf("not caught: %s", s.why)
			case !strings.Contains(string(out), "--- FAIL"):
				t.Fatalf("%v\n%s", err, out)
			}
		})
	}
}

var failing = regexp.MustCompile(`seed (\d+):`)

// try runs the simulation with the sabotage in place, by an overlay, so that
// the tree stays as it is. Seed 0 means that it was not noticed.
func (s *sabotage) try(dir, root string, seeds int) (seed int, out string, err error) {
	overlay, err := s.overlay(dir, root)
	if err != nil {
		return 0, "", err
	}
	sim := "./sim"
	switch {
	case strings.HasPrefix(s.file, "incident/"):
		sim = "./incident"
	case strings.HasPrefix(s.file, "track/record/"):
		sim = "./track/record"
	}
	cmd := exec.Command("go", "test", "-overlay", overlay, "-count=1", "-vet=off", sim,
		"-run", "TestSeeds", "-seeds", strconv.Itoa(seeds))
	cmd.Dir = root
	b, err := cmd.CombinedOutput()
	if err == nil {
		return 0, string(b), nil
	}
	m := failing.FindSubmatch(b)
	if m == nil {
		return 0, string(b), err
	}
	seed, err = strconv.Atoi(string(m[1]))
	return seed, string(b), err
}

// overlay writes the changed file, and what puts it in the place of the other.
func (s *sabotage) overlay(dir, root string) (string, error) {
	file := filepath.Join(root, filepath.FromSlash(s.file))
	source, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), s.old); n != 1 {
		return "", &misplaced{s.name, s.file, n}
	}
	changed := filepath.Join(dir, "changed.go")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(source), s.old, s.new, 1)), 0o644); err != nil {
		return "", err
	}
	replaced, err := json.Marshal(map[string]any{"Replace": map[string]string{file: changed}})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, replaced, 0o644)
}

type misplaced struct {
	name, file string
	n          int
}

func (e *misplaced) Error() string {
	return "sabotage " + e.name + ": its line stands " + strconv.Itoa(e.n) + " times in " + e.file + ", should once"
}

package ready_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/nabz/nabz/services/internal/ready"
)

func TestWriteAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", ready.FileName)
	want := ready.File{Collector: "http://127.0.0.1:1", APIKey: "k", PIDs: map[string]int{"run": os.Getpid(), "kafka": 7}, Version: "v"}
	for range 2 { // the second replaces the first
		if err := ready.Write(path, want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ready.Read(path)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the file of secrets: %v, %v, want mode 0600", st.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("files beside it: %v, %v", left, err)
	}
}

// gone gives the id of a process that has ended.
func gone(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

func TestRead(t *testing.T) {
	dead, alive := gone(t), os.Getpid()
	f := func(name string, pids map[string]int, runs bool) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), ready.FileName)
			if err := ready.Write(path, ready.File{PIDs: pids}); err != nil {
				t.Fatal(err)
			}
			if _, err := ready.Read(path); errors.Is(err, ready.ErrNotRunning) == runs {
				t.Errorf("got %v, runs is %v", err, runs)
			}
		})
	}
	f("supervisor_lives", map[string]int{"run": alive, "collector": dead}, true)
	f("supervisor_gone", map[string]int{"run": dead, "collector": alive}, false)
	f("service_alone_lives", map[string]int{"loader": alive}, true)
	f("service_alone_gone", map[string]int{"loader": dead}, false)
	f("names_no_process", nil, true)

	path := filepath.Join(t.TempDir(), ready.FileName)
	if _, err := ready.Read(path); !errors.Is(err, ready.ErrNotRunning) || !strings.Contains(err.Error(), path) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(path, []byte(`{"pids":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ready.Read(path); err == nil || errors.Is(err, ready.ErrNotRunning) || !strings.Contains(err.Error(), path) {
		t.Errorf("half a file: %v", err)
	}
}

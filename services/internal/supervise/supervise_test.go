package supervise_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nabz/nabz/services/internal/supervise"
	"github.com/nabz/nabz/services/internal/testkit"
)

// The parts of these tests are shells: each writes its name into a journal
// when it starts and when it is asked to stop.
const script = `trap 'echo "-$1" >> "$2"; exit 0' TERM; echo "+$1" >> "$2"; while :; do sleep 0.02; done`

type world struct {
	t       *testing.T
	journal string
	changed chan map[string]int
}

func newWorld(t *testing.T) *world {
	return &world{t: t, journal: filepath.Join(t.TempDir(), "journal"), changed: make(chan map[string]int, 64)}
}

func (w *world) part(name string, after ...string) supervise.Part {
	return supervise.Part{Name: name, Args: []string{"-c", script, "sh", name, w.journal}, After: after, Grace: testkit.Patience,
		Probe: func(context.Context) error {
			if !strings.Contains(w.lines(), "+"+name) {
				return errors.New("not yet")
			}
			return nil
		}}
}

func (w *world) once(name, command string, after ...string) supervise.Part {
	return supervise.Part{Name: name, Args: []string{"-c", command + `; echo "=$1" >> "$2"`, "sh", name, w.journal}, After: after, Once: true}
}

func (w *world) lines() string {
	b, err := os.ReadFile(w.journal)
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(b)), " ")
}

func (w *world) run(parts ...supervise.Part) (stop func()) {
	w.t.Helper()
	s, err := supervise.New(supervise.Config{Program: "/bin/sh", Parts: parts, Changed: func(pids map[string]int) error {
		w.changed <- pids
		return nil
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return func() {
		w.t.Helper()
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				w.t.Error(err)
			}
		case <-time.After(2 * testkit.Patience):
			w.t.Fatal("the supervisor does not stop")
		}
	}
}

func (w *world) next() map[string]int {
	w.t.Helper()
	select {
	case pids := <-w.changed:
		return pids
	case <-time.After(testkit.Patience):
		w.t.Fatalf("nothing changed; the journal is %q", w.lines())
		return nil
	}
}

func TestOrder(t *testing.T) {
	w := newWorld(t)
	stop := w.run(w.part("a"), w.once("prepare", "true", "a"), w.part("b", "prepare"), w.part("c", "b"))
	if pids := w.next(); len(pids) != 3 || pids["a"] == 0 || pids["c"] == 0 {
		t.Errorf("process ids %v", pids)
	}
	stop()
	if got, want := w.lines(), "+a =prepare +b +c -c -b -a"; got != want {
		t.Errorf("the journal is %q, want %q", got, want)
	}
}

func TestRestart(t *testing.T) {
	w := newWorld(t)
	stop := w.run(w.part("a"), w.part("b", "a"))
	defer stop()
	first := w.next()
	for range 3 {
		if err := syscall.Kill(first["a"], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		next := w.next()
		if next["a"] == first["a"] || next["b"] != first["b"] {
			t.Errorf("after a kill: %v, before: %v", next, first)
		}
		first = next
	}
}

func TestPreparationIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	tried := filepath.Join(t.TempDir(), "tried")
	stop := w.run(w.once("prepare", `[ -e `+tried+` ] || { touch `+tried+`; exit 1; }`), w.part("a", "prepare"))
	w.next()
	stop()
	if got, want := w.lines(), "=prepare +a -a"; got != want {
		t.Errorf("the journal is %q, want %q", got, want)
	}
}

func TestStubbornChildIsKilled(t *testing.T) {
	w := newWorld(t)
	p := w.part("a")
	p.Args[1] = `trap '' TERM; echo "+$1" >> "$2"; while :; do sleep 0.02; done`
	p.Grace = 100 * time.Millisecond
	stop := w.run(p)
	pid := w.next()["a"]
	stop()
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d still lives: %v", pid, err)
	}
}

func TestStdinAndOutput(t *testing.T) {
	w := newWorld(t)
	var out bytes.Buffer
	stop := w.run(supervise.Part{Name: "a", Args: []string{"-c", "echo up; cat >/dev/null; echo down"}, Stdin: true, Output: &out, Grace: testkit.Patience})
	w.next()
	stop()
	if got := out.String(); got != "up\ndown\n" {
		t.Errorf("it said %q", got)
	}
}

func TestBadParts(t *testing.T) {
	for _, parts := range [][]supervise.Part{
		{{Name: "a"}, {Name: "a"}},
		{{Name: "a", After: []string{"b"}}, {Name: "b"}},
	} {
		if _, err := supervise.New(supervise.Config{Parts: parts}); err == nil {
			t.Errorf("%v is taken", parts)
		}
	}
}

func TestPorts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ports.json")
	first, err := supervise.Ports(t.Context(), file, "127.0.0.1", []string{"a", "b"})
	if err != nil || first["a"] == first["b"] || first["a"] == 0 {
		t.Fatal(first, err)
	}
	again, err := supervise.Ports(t.Context(), file, "127.0.0.1", []string{"b", "a", "c"})
	if err != nil || again["a"] != first["a"] || again["b"] != first["b"] || again["c"] == 0 {
		t.Errorf("%v, before %v: %v", again, first, err)
	}
}

// TestPartThatNeverStarts holds that a part that ends again and again, and one
// that lives and is never ready, end the whole with an error that names them.
// The good part has four times as long to start as the bad one may end.
func TestPartThatNeverStarts(t *testing.T) {
	never := func(context.Context) error { return errors.New("not ready") }
	f := func(name, script, words string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			w := newWorld(t)
			bad := supervise.Part{Name: "bad", Args: []string{"-c", script}, After: []string{"good"}, Probe: never}
			s, err := supervise.New(supervise.Config{Program: "/bin/sh", GiveUp: 5 * time.Second,
				Parts: []supervise.Part{w.part("good"), bad}})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Run(testkit.Context(t)); err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("the error is %v, should say %q", err, words)
			}
			if got := w.lines(); got != "+good -good" {
				t.Errorf("the other part: %s", got)
			}
		})
	}
	f("ends", "exit 3", "start bad: it ends before it is ready, for 5s now: exit status 3")
	f("ends_well", "exit 0", "start bad: it ends before it is ready, for 5s now: exit status 0")
	f("lives", "while :; do sleep 0.02; done", "start bad: it lives and is not ready, for 20s now")
}

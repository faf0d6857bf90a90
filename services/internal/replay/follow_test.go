package replay

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nabz/nabz/pkg/source/asterisk"
)

// taker is a collector that remembers what it was sent.
type taker struct {
	url    string
	events []taken
}

type taken struct{ ID, Type, Time string }

func newTaker(t *testing.T) *taker {
	t.Helper()
	k := &taker{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var batch []taken
		if err := json.NewDecoder(r.Body).Decode(&batch); err != nil {
			t.Error(err)
		}
		var results []string
		for _, e := range batch {
			offsets := ""
			if strings.HasPrefix(e.Type, "feed.") {
				offsets = `,"offsets":[1,1]`
			}
			results = append(results, fmt.Sprintf(`{"id":%q,"status":"accepted"%s}`, e.ID, offsets))
		}
		k.events = append(k.events, batch...)
		fmt.Fprintf(w, `{"results":[%s]}`, strings.Join(results, ","))
	}))
	t.Cleanup(server.Close)
	k.url = server.URL
	return k
}

// pbx writes a queue_log and has it rotated.
type pbx struct {
	t    *testing.T
	path string
	tick int64
}

func (p *pbx) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// write appends to a file, later than all that was written before.
func (p *pbx) write(file, text string) {
	p.t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	p.must(err)
	_, err = f.WriteString(text)
	p.must(err)
	p.must(f.Close())
	p.touch(file)
}

func (p *pbx) touch(file string) {
	p.tick++
	at := time.Unix(1_700_000_000+p.tick, 0)
	p.must(os.Chtimes(file, at, at))
}

// shift moves the rotated files on.
func (p *pbx) shift() {
	for n := 30; n > 0; n-- {
		if err := os.Rename(fmt.Sprintf("%s.%d", p.path, n), fmt.Sprintf("%s.%d", p.path, n+1)); err != nil && !os.IsNotExist(err) {
			p.t.Fatal(err)
		}
	}
}

// move rotates by moving; late is written to the old file by who still has it.
func (p *pbx) move(late string) {
	p.shift()
	p.must(os.Rename(p.path, p.path+".1"))
	if late != "" {
		p.write(p.path+".1", late)
	}
	p.write(p.path, "")
}

// cut rotates by copying and cutting short.
func (p *pbx) cut() {
	p.shift()
	b, err := os.ReadFile(p.path)
	p.must(err)
	p.must(os.WriteFile(p.path+".1", b, 0o600))
	p.touch(p.path + ".1")
	p.must(os.Truncate(p.path, 0))
	p.touch(p.path)
}

func followed(t *testing.T, k *taker, path, feed string) *follower {
	t.Helper()
	f, err := newFollower(t.Context(), FollowConfig{
		Config: Config{
			File: path, Feed: feed, Collector: k.url, Out: io.Discard, Progress: testProgress{t},
			Native: func() Native { return asterisk.New(asterisk.Config{Instance: "pbx1"}) },
		},
		State: filepath.Join(filepath.Dir(path), "state.json"), Disorder: time.Minute, Poll: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	return f
}

// testProgress fails a test that is told of rows which are missed.
type testProgress struct{ t *testing.T }

func (p testProgress) Write(b []byte) (int, error) {
	if strings.Contains(string(b), "missed") || strings.Contains(string(b), "gone") {
		p.t.Errorf("told: %s", b)
	}
	return len(b), nil
}

// logRows are the rows of the log of the tests, with calls and shifts that are
// open for long.
func logRows(t *testing.T) (rows []string, ids []string) {
	t.Helper()
	b, err := os.ReadFile("../../../pkg/source/asterisk/testdata/queue_log")
	if err != nil {
		t.Fatal(err)
	}
	rows = append(rows, "1699286000|NONE|NONE|SIP/9|AGENTLOGIN|SIP/9", "1699286001|open.1|sales|NONE|ENTERQUEUE||555|1")
	rows = append(rows, strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")...)
	rows = append(rows, "1699287000|open.1|sales|SIP/9|CONNECT|999|x.1|3", "1699287100|open.1|sales|SIP/9|COMPLETEAGENT|999|100|1", "1699287101|NONE|NONE|SIP/9|AGENTLOGOFF|SIP/9|1101")
	whole := asterisk.New(asterisk.Config{Instance: "pbx1"})
	for i, row := range rows {
		events, err := whole.Row(int64(i), row)
		if err != nil {
			continue
		}
		for _, e := range events {
			ids = append(ids, e.ID)
		}
	}
	return rows, ids
}

// TestFollowThroughRotations writes a log bit by bit and rotates it in every
// way, between looks at it and between lives of who looks. Every event arrives,
// once, in the log's order.
func TestFollowThroughRotations(t *testing.T) {
	rows, want := logRows(t)
	for seed := range uint64(200) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 7))
			k := newTaker(t)
			p := &pbx{t: t, path: filepath.Join(t.TempDir(), "queue_log")}
			p.write(p.path, "")
			f := followed(t, k, p.path, "live")
			step := func() {
				t.Helper()
				if err := f.step(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			text := strings.Join(rows, "\n") + "\n"
			for len(text) > 0 {
				switch n := rnd.IntN(10); {
				case n < 5: // any number of bytes, not of rows
					part := text[:min(len(text), 1+rnd.IntN(200))]
					p.write(p.path, part)
					text = text[len(part):]
				case n == 5:
					part := text[:strings.IndexByte(text, '\n')+1]
					if st, err := os.Stat(p.path); err == nil && st.Size() > 0 {
						p.move(part)
						text = text[len(part):]
						// Who writes ends the row in the file where it began.
						if i := strings.IndexByte(text, '\n'); i >= 0 && len(text) > 0 {
							p.write(p.path, text[:i+1])
							text = text[i+1:]
						}
					}
				case n == 6:
					if b, err := os.ReadFile(p.path); err == nil && len(b) > 0 && b[len(b)-1] == '\n' {
						step() // what nobody has begun to read has no head to be known by
						p.cut()
					}
				case n == 7:
					f.close()
					f = followed(t, k, p.path, "live")
				default:
					step()
				}
			}
			step()
			var got []string
			for _, e := range k.events {
				got = append(got, e.ID)
			}
			if !slices.Equal(got, want) {
				for i := range want {
					if i >= len(got) || got[i] != want[i] {
						t.Errorf("%d events arrived, want %d, each once; number %d is another: %v", len(got), len(want), i, got[min(i, len(got)):])
						break
					}
				}
			}
		})
	}
}

// TestFollowIntoAFeed keeps the clock of a named feed behind every event that is
// still to come, under one session through all lives.
func TestFollowIntoAFeed(t *testing.T) {
	k := newTaker(t)
	p := &pbx{t: t, path: filepath.Join(t.TempDir(), "queue_log")}
	p.write(p.path, "")
	for i := range 6 {
		f := followed(t, k, p.path, "history")
		at := 1_700_000_000 + int64(i)*100
		p.write(p.path, fmt.Sprintf("%d|c%d|sales|NONE|ENTERQUEUE||555|1\n%d|c%d|sales|SIP/9|CONNECT|20|x|3\n", at, i, at+20, i))
		for range 2 {
			if err := f.step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if f.session == 0 || !strings.Contains(f.extensions, fmt.Sprintf(`"feedsession":"%d"`, f.state.Session)) {
			t.Errorf("session %d, envelope %s", f.session, f.extensions)
		}
		f.close()
	}
	clock, ids, opened, told := "", map[string]bool{}, 0, 0
	for _, e := range k.events {
		if ids[e.ID] {
			t.Errorf("%s %s twice", e.Type, e.ID)
		}
		ids[e.ID] = true
		switch e.Type {
		case "feed.opened", "feed.advanced":
			if e.Time < clock {
				t.Errorf("the clock goes from %s to %s", clock, e.Time)
			}
			if clock = e.Time; e.Type == "feed.opened" {
				opened++
			}
		case "feed.closed":
			t.Error("a log that goes on is closed")
		default:
			if told++; e.Time < clock {
				t.Errorf("%s at %s comes when the clock is at %s", e.Type, e.Time, clock)
			}
		}
	}
	if opened != 6 || told != 6*4 || clock != "2023-11-14T22:21:00.000Z" {
		t.Errorf("opened %d times, %d events, the clock at %s", opened, told, clock)
	}
}

// TestFollowTells says what is missed, and refuses a state of another log.
func TestFollowTells(t *testing.T) {
	k := newTaker(t)
	p := &pbx{t: t, path: filepath.Join(t.TempDir(), "queue_log")}
	state := filepath.Join(filepath.Dir(p.path), "state.json")
	row := func(i int) string { return fmt.Sprintf("%d|c%d|sales|NONE|ENTERQUEUE||555|1\n", 1_700_000_000+i, i) }
	var said strings.Builder
	life := func(feed string) error {
		f, err := newFollower(t.Context(), FollowConfig{
			Config: Config{File: p.path, Feed: feed, Collector: k.url, Out: io.Discard, Progress: &said,
				Native: func() Native { return asterisk.New(asterisk.Config{Instance: "pbx1"}) }},
			State: state, Poll: time.Millisecond,
		})
		if err != nil {
			return err
		}
		defer f.close()
		return f.step(t.Context())
	}
	p.write(p.path, row(0))
	if err := life("live"); err != nil {
		t.Fatal(err)
	}
	if err := life("other"); err == nil || !strings.Contains(err.Error(), "give another --state") {
		t.Errorf("a state of another feed: %v", err)
	}
	// Rotated, compressed and gone while nobody looked.
	p.write(p.path, row(1))
	p.must(os.Rename(p.path, p.path+".1.gz"))
	p.write(p.path, row(2)+"no row\n"+row(3))
	said.Reset()
	if err := life("live"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "the file that was read last is gone") || !strings.Contains(said.String(), `"no row"`) {
		t.Errorf("told: %q", said.String())
	}
	// Cut short without a copy.
	p.must(os.Truncate(p.path, 0))
	p.write(p.path, row(4))
	said.Reset()
	if err := life("live"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "is missed") {
		t.Errorf("told: %q", said.String())
	}
	if len(k.events) != 4 {
		t.Errorf("%d events arrived, want those of rows 0, 2, 3 and 4", len(k.events))
	}
	if err := os.WriteFile(state, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := life("live"); err == nil || !strings.Contains(err.Error(), state) {
		t.Errorf("a state that cannot be read: %v", err)
	}
}

// Command fuzz sends bodies that no sane client sends to the collector of a
// running installation, and holds it to its word: no answer is a 5xx, what is
// answered as kept is kept, and memory stays bounded.
//
// It does not know how the collector works: it reads its answers, its counters
// and the end of the topic of dead letters.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// maxResident is what the collector's memory may come to, bytes: the bodies
// that are worked on at once are bounded by 64 MiB, and the garbage behind them.
const maxResident = 512 << 20

const usage = `Sends mutated bodies to a running collector and checks its answers.

  go run ./scripts/fuzz --ready .nabz/ready.json --bodies 1000000 --seed 1

`

func main() {
	path := flag.String("ready", ".nabz/ready.json", "the ready `file` of the installation")
	n := flag.Int("bodies", 100_000, "how many bodies to send")
	seed := flag.Uint64("seed", 1, "what chance begins with: the same bodies again")
	workers := flag.Int("workers", 8, "requests at once")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	if err := run(context.Background(), *path, *n, *seed, *workers); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

// installation is what the ready file says.
type installation struct {
	Collector string         `json:"collector"`
	Kafka     string         `json:"kafka"`
	APIKey    string         `json:"api_key"`
	PIDs      map[string]int `json:"pids"`
}

// tally is what answers said.
type tally struct {
	mu       sync.Mutex
	statuses map[int]int
	accepted int
	kept     int // as dead letters
	rejected int
	broken   int // the connection was, by the server: a body above the bounds
	faults   []string
}

func run(ctx context.Context, path string, n int, seed uint64, workers int) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read ready file: %w", err)
	}
	var in installation
	if err := json.Unmarshal(text, &in); err != nil {
		return fmt.Errorf("read ready file %s: %w", path, err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(in.Kafka))
	if err != nil {
		return fmt.Errorf("open Kafka client: %w", err)
	}
	defer client.Close()
	before, err := letters(ctx, client)
	if err != nil {
		return err
	}
	had, err := in.counted(ctx)
	if err != nil {
		return err
	}
	t := &tally{statuses: map[int]int{}}
	most := in.attack(ctx, t, n, seed, workers)
	after, err := letters(ctx, client)
	if err != nil {
		return err
	}
	has, err := in.counted(ctx)
	if err != nil {
		return err
	}
	t.report(n, most)
	if t.accepted == 0 || has-had != t.accepted {
		t.fault(fmt.Sprintf("answers said %d events accepted, the collector counted %d", t.accepted, has-had))
	}
	if after-before != int64(t.kept) {
		t.fault(fmt.Sprintf("answers said %d dead letters, the topic has %d more", t.kept, after-before))
	}
	if most > maxResident {
		t.fault(fmt.Sprintf("the collector's memory came to %d MiB", most>>20))
	}
	if len(t.faults) > 0 {
		return fmt.Errorf("%d faults, the first: %s", len(t.faults), t.faults[0])
	}
	fmt.Println("no fault")
	return nil
}

// attack sends n bodies and gives the most memory that the collector took.
func (in *installation) attack(ctx context.Context, t *tally, n int, seed uint64, workers int) (most int64) {
	run := strconv.FormatInt(time.Now().UnixNano(), 36)
	var group sync.WaitGroup
	var mu sync.Mutex
	sent, told := 0, time.Now()
	for w := range workers {
		group.Go(func() {
			m := &maker{rnd: rand.New(rand.NewPCG(seed, uint64(w))), run: fmt.Sprintf("%s-%d", run, w)}
			client := &http.Client{Timeout: 30 * time.Second}
			for range n / workers {
				in.send(ctx, client, m.next(), t)
				mu.Lock()
				sent++
				if time.Since(told) > 5*time.Second {
					told = time.Now()
					fmt.Printf("%d of %d bodies\n", sent, n)
				}
				if sent%1000 == 0 {
					most = max(most, resident(in.PIDs["collector"]))
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return max(most, resident(in.PIDs["collector"]))
}

func (in *installation) send(ctx context.Context, client *http.Client, b body, t *tally) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, in.Collector+"/v1/events", bytes.NewReader(b.bytes))
	if err != nil {
		t.fault(err.Error())
		return
	}
	req.Header.Set("Authorization", "Bearer "+in.APIKey)
	req.Header.Set("Content-Type", b.kind)
	if b.encoding != "" {
		req.Header.Set("Content-Encoding", b.encoding)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.mu.Lock()
		t.broken++
		t.mu.Unlock()
		return
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		t.fault(fmt.Sprintf("answer %d: %v", resp.StatusCode, err))
		return
	}
	t.take(resp.StatusCode, text)
}

// take counts an answer.
func (t *tally) take(status int, text []byte) {
	var a struct {
		Results []struct{ Status string } `json:"results"`
		Kept    bool                      `json:"dead_lettered"`
	}
	if err := json.Unmarshal(text, &a); err != nil {
		t.fault(fmt.Sprintf("answer %d is no JSON: %.200s", status, text))
		return
	}
	if status >= 500 {
		t.fault(fmt.Sprintf("answer %d: %.200s", status, text))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.statuses[status]++
	if a.Kept {
		t.kept++
	}
	for _, r := range a.Results {
		switch r.Status {
		case "accepted":
			t.accepted++
		case "dead_lettered":
			t.kept++
		case "rejected":
			t.rejected++
		}
	}
}

func (t *tally) fault(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = append(t.faults, what)
}

func (t *tally) report(n int, most int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Printf("%d bodies; answers by status %v, %d connections broken\n", n, t.statuses, t.broken)
	fmt.Printf("%d events accepted, %d kept as dead letters, %d rejected; collector at most %d MiB\n", t.accepted, t.kept, t.rejected, most>>20)
}

// counted is how many events the collector says it has accepted.
func (in *installation) counted(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, in.Collector+"/metrics", nil)
	if err != nil {
		return 0, fmt.Errorf("read counters: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("read counters: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, fmt.Errorf("read counters: %w", err)
	}
	_, rest, there := strings.Cut(string(text), "\nnabz_collector_events_accepted_total ")
	if !there {
		return 0, errors.New("read counters: no nabz_collector_events_accepted_total")
	}
	v, err := strconv.ParseFloat(strings.SplitN(rest, "\n", 2)[0], 64)
	if err != nil {
		return 0, fmt.Errorf("read counters: %w", err)
	}
	return int(v), nil
}

// letters is how many dead letters there are.
func letters(ctx context.Context, client *kgo.Client) (n int64, err error) {
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, "nabz.events.v1.dlq")
	if err != nil {
		return 0, fmt.Errorf("list the ends of the dead letters: %w", err)
	}
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n, ends.Error()
}

// resident is the memory that a process takes, bytes; 0 where nobody tells.
func resident(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kb, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.SplitN(rest, "\n", 2)[0], "kB")), 10, 64)
	return kb << 10
}

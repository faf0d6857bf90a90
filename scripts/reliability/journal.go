package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// acked is one event that the collector acknowledged, as the client noted it.
type acked struct {
	sent, acked    int64 // the first try, and the answer; ms since 1970 UTC
	time           int64 // of the event, ms since 1970 UTC
	typ, id        string
	tenant, source string
	contact, queue string
	channel, agent string
	more           string
}

// journal is the client's own record of what was acknowledged. The oracle
// reads nothing else.
type journal struct {
	mu   sync.Mutex
	file *os.File
	out  *bufio.Writer
	n    int64
}

func createJournal(path string) (*journal, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create the journal: %w", err)
	}
	return &journal{file: f, out: bufio.NewWriterSize(f, 1<<20)}, nil
}

func (j *journal) note(e *event, at time.Time) {
	h := &e.happening
	j.mu.Lock()
	defer j.mu.Unlock()
	j.n++
	fmt.Fprintf(j.out, "%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
		e.sent.UnixMilli(), at.UnixMilli(), e.time.UnixMilli(), h.typ, h.id(), h.tenant, h.source, h.contact, h.queue, h.channel, h.agent, h.more)
}

func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.out.Flush(); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return j.file.Close()
}

// readJournal gives each event once: of one that was acknowledged again the
// first time.
func readJournal(path string) (map[string]*acked, int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("open the journal: %w", err)
	}
	defer f.Close()
	all, repeats := map[string]*acked{}, 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	same := map[string]string{} // one copy of words that come again and again
	word := func(s string) string {
		if w, ok := same[s]; ok {
			return w
		}
		s = strings.Clone(s)
		same[s] = s
		return s
	}
	for lines.Scan() {
		p := strings.Split(lines.Text(), "\t")
		if len(p) != 12 {
			return nil, 0, fmt.Errorf("read the journal: a line of %d columns: %q", len(p), lines.Text())
		}
		var number [3]int64
		for i := range number {
			if number[i], err = strconv.ParseInt(p[i], 10, 64); err != nil {
				return nil, 0, fmt.Errorf("read the journal: %w", err)
			}
		}
		key := p[5] + " " + p[4]
		if was := all[key]; was != nil {
			repeats++
			was.sent, was.acked = min(was.sent, number[0]), min(was.acked, number[1])
			continue
		}
		all[key] = &acked{
			sent: number[0], acked: number[1], time: number[2], typ: word(p[3]), id: strings.Clone(p[4]), tenant: word(p[5]), source: word(p[6]),
			contact: strings.Clone(p[7]), queue: word(p[8]), channel: word(p[9]), agent: word(p[10]), more: word(p[11]),
		}
	}
	return all, repeats, lines.Err()
}

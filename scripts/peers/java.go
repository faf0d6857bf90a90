package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// buildJava builds the peers in the cache and gives the folder of their
// programs. What Maven has fetched it does not fetch again.
func buildJava(ctx context.Context, root string) (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "peers")
	if fresh(filepath.Join(root, "scripts", "peers", "java"), filepath.Join(dir, "streams", "streams-1.jar"), filepath.Join(dir, "flink", "flink-1.jar")) {
		return dir, nil
	}
	say("building the peers with Maven in %s", dir)
	args := []string{"-q", "-B", "-f", filepath.Join(root, "scripts", "peers", "java", "pom.xml"), "-Dpeers.build=" + dir, "package"}
	// Without the network first: Maven asks for nothing then.
	if exec.CommandContext(ctx, "mvn", append([]string{"-o"}, args...)...).Run() == nil {
		return dir, nil
	}
	if out, err := exec.CommandContext(ctx, "mvn", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the peers: %w: %s", err, out)
	}
	return dir, nil
}

// fresh tells whether files are there and newer than all of a folder.
func fresh(folder string, files ...string) bool {
	oldest := time.Now()
	for _, f := range files {
		st, err := os.Stat(f)
		if err != nil {
			return false
		}
		if st.ModTime().Before(oldest) {
			oldest = st.ModTime()
		}
	}
	return filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err == nil && !d.IsDir() && !st.ModTime().Before(oldest) {
			return errors.New(path + " is newer")
		}
		return err
	}) == nil
}

// heapPerKey is what a key may take of a peer's heap, with what its garbage
// collector needs beside it, bytes.
const heapPerKey = 1_500

// heap is what a peer's Java machine may take, and its collector: on one core
// the serial one takes the least.
func (b *Bench) heap() []string {
	most := int64(2 << 30)
	if b.filled.Open {
		most += heapPerKey * int64(b.filled.Events)
	}
	return []string{"-Xms1g", fmt.Sprintf("-Xmx%dm", most>>20), "-XX:+UseSerialGC", "-XX:+AlwaysPreTouch", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"}
}

// opens are the packages that Flink looks into.
func opens() []string {
	var out []string
	for _, p := range []string{"java.util", "java.lang", "java.nio", "java.net", "java.util.concurrent", "java.time"} {
		out = append(out, "--add-opens=java.base/"+p+"=ALL-UNNAMED")
	}
	return out
}

// startStreams starts a workload in Kafka Streams under a guarantee.
func startStreams(workload, guarantee string) func(*Bench, string) (*Running, error) {
	return func(b *Bench, dir string) (*Running, error) {
		return b.startJava(dir, "streams", "nabz.streams.Main", nil, workload, b.broker.Address, b.group, guarantee, filepath.Join(dir, "state"))
	}
}

// startFlink starts a workload in Flink with a kind of state.
func startFlink(workload, state string) func(*Bench, string) (*Running, error) {
	return func(b *Bench, dir string) (*Running, error) {
		return b.startJava(dir, "flink", "nabz.flink.Main", opens(), workload, b.broker.Address, b.group, state, dir)
	}
}

func (b *Bench) startJava(dir, module, class string, flags []string, args ...string) (*Running, error) {
	path := filepath.Join(b.classes, module)
	argv := append([]string{"java"}, b.heap()...)
	argv = append(argv, flags...)
	argv = append(argv, "-cp", filepath.Join(path, module+"-1.jar")+string(os.PathListSeparator)+filepath.Join(path, "lib", "*"), class)
	return b.start(dir, module, append(argv, args...), nil)
}

// prepareOut makes the topic of results anew.
func prepareOut(b *Bench) error {
	if err := remove(b.ctx, b.broker.Address, topicOut); err != nil {
		return fmt.Errorf("remove %s: %w", topicOut, err)
	}
	return make1(b.ctx, b.broker.Address, topicOut, int32(b.opts.Partitions))
}

// Form of a cell as the peers write it: numbers of eight bytes each, then
// buckets that are not empty, one byte and four.
const (
	numbersLen = 8 * cellNumbers
	binLen     = 5
)

func decodeCell(b []byte) (*cell, error) {
	if len(b) < numbersLen || (len(b)-numbersLen)%binLen != 0 {
		return nil, fmt.Errorf("read a cell: %d bytes", len(b))
	}
	c := &cell{}
	for i := range c.numbers {
		c.numbers[i] = int64(binary.BigEndian.Uint64(b[8*i:]))
	}
	for b = b[numbersLen:]; len(b) > 0; b = b[binLen:] {
		if b[0] >= bins {
			return nil, fmt.Errorf("read a cell: bucket %d", b[0])
		}
		c.waits[b[0]] = int64(binary.BigEndian.Uint32(b[1:]))
	}
	return c, nil
}

// decodeKey reads queue|channel|start.
func decodeKey(b []byte) (cellKey, error) {
	f := strings.Split(string(b), "|")
	if len(f) != 3 {
		return cellKey{}, fmt.Errorf("read the key %q", b)
	}
	at, err := strconv.ParseInt(f[2], 10, 64)
	return cellKey{f[0], f[1], at}, err
}

// outCells reads the cells that a peer has written, of each the newest.
func outCells(b *Bench) (map[cellKey]*cell, error) {
	cells := map[cellKey]*cell{}
	err := read(b.ctx, b.broker.Address, topicOut, func(r *kgo.Record) error {
		k, err1 := decodeKey(r.Key)
		c, err2 := decodeCell(r.Value)
		cells[k] = c
		return errors.Join(err1, err2)
	})
	return cells, err
}

// wrongOut holds a peer against the events, and as its gate against deliveries:
// it does not know repeats.
func wrongOut(b *Bench) (fromEvents, fromGate int, err error) {
	got, err := outCells(b)
	if err != nil {
		return 0, 0, err
	}
	return differences(b.filled.Oracle.Events, got), differences(b.filled.Oracle.Deliveries, got), nil
}

// wrongOutWindows is [wrongOut] for windows.
func wrongOutWindows(b *Bench) (fromEvents, fromGate int, err error) {
	got, err := outCells(b)
	if err != nil {
		return 0, 0, err
	}
	return differences(windows(b.filled.Oracle.Events), got), differences(windows(b.filled.Oracle.Deliveries), got), nil
}

// between tells whether a group has read all that lies in the topics between
// the stages of its topology. The last record of each partition is the mark of
// a transaction, which nobody commits an offset behind.
func between(ctx context.Context, admin *kadm.Client, group string) bool {
	const marks = 1
	committed, err := admin.FetchOffsets(ctx, group)
	if err != nil {
		return false
	}
	topics, err := admin.ListTopics(ctx)
	if err != nil {
		return false
	}
	for name := range topics {
		if !strings.HasPrefix(name, group+"-") || !strings.HasSuffix(name, "-repartition") {
			continue
		}
		listed, err := admin.ListEndOffsets(ctx, name)
		if err != nil {
			return false
		}
		read := true
		listed.Each(func(end kadm.ListedOffset) {
			if o, ok := committed.Lookup(name, end.Partition); end.Offset > 0 && (!ok || o.At < end.Offset-marks) {
				read = false
			}
		})
		if !read {
			return false
		}
	}
	return true
}

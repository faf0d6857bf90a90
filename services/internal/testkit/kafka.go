package testkit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/nabz/nabz/services/internal/embedded"
	"github.com/nabz/nabz/services/internal/supervise"
)

// RealKafka is one Apache Kafka broker, a single node in KRaft, assembled from
// the jars that scripts/kafka/pom.xml names.
type RealKafka struct {
	Brokers []string
	stop    func()
}

const kafkaVersion = "4.3.0"

// clusterID is any 16 bytes in base64. Every broker of a test is alone.
const clusterID = "bmFiei10ZXN0LWJyb2tlcg"

// quickJVM are the flags of a machine that lives for a minute: it compiles for
// a quick start.
func quickJVM() []string {
	return []string{"-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"}
}

const serverProperties = `process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:%[2]d
listeners=PLAINTEXT://127.0.0.1:%[1]d,CONTROLLER://127.0.0.1:%[2]d
advertised.listeners=PLAINTEXT://127.0.0.1:%[1]d
controller.listener.names=CONTROLLER
log.dirs=%[3]s
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
`

func startKafka(ctx context.Context) (*RealKafka, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	jars, err := fetchJars(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "nabz-kafka-")
	if err != nil {
		return nil, fmt.Errorf("make the broker's folder: %w", err)
	}
	ports, err := supervise.Ports(ctx, filepath.Join(dir, "ports.json"), "127.0.0.1", []string{"broker", "controller"})
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "server.properties")
	text := fmt.Sprintf(serverProperties, ports["broker"], ports["controller"], filepath.Join(dir, "log"))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write the broker's settings: %w", err)
	}
	java := append(quickJVM(), "-cp", filepath.Join(jars, "*"))
	format := exec.CommandContext(ctx, "java", slices.Concat(java, []string{"kafka.tools.StorageTool", "format", "--standalone", "-t", clusterID, "-c", conf})...)
	if out, err := format.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("format the broker's log: %w: %s", err, out)
	}
	broker := exec.CommandContext(context.WithoutCancel(ctx), "java", slices.Concat(java, []string{"kafka.Kafka", conf})...)
	said, err := os.Create(filepath.Join(dir, "broker.log"))
	if err != nil {
		return nil, fmt.Errorf("open the broker's log file: %w", err)
	}
	broker.Stdout, broker.Stderr = said, said
	r := &RealKafka{Brokers: []string{fmt.Sprintf("127.0.0.1:%d", ports["broker"])}}
	ended, err := StartTethered(broker)
	if err != nil {
		return nil, err
	}
	r.stop = sync.OnceFunc(func() {
		_ = broker.Process.Signal(syscall.SIGKILL)
		<-ended
		said.Close()
		os.RemoveAll(dir)
	})
	if err := awaitBroker(ctx, r.Brokers[0], ended); err != nil {
		out, _ := os.ReadFile(said.Name())
		r.stop()
		return nil, fmt.Errorf("start Apache Kafka: %w: %s", err, out)
	}
	return r, nil
}

func awaitBroker(ctx context.Context, addr string, ended <-chan struct{}) error {
	client := &kafkago.Client{Addr: kafkago.TCP(addr), Timeout: time.Second, Transport: &kafkago.Transport{}}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr); err == nil {
			c.Close()
			if m, err := client.Metadata(ctx, &kafkago.MetadataRequest{}); err == nil && len(m.Brokers) > 0 {
				return nil
			}
		}
		select {
		case <-ended:
			return errors.New("the broker ended")
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// Root is the repository's folder, found from the test's own.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("find the repository: no go.work above the test's folder")
		}
		dir = up
	}
}

// fetchJars gives the folder of the broker's jars; Maven fetches them where
// the cache does not hold them, and each is checked against jars.sha256.
func fetchJars(ctx context.Context, progress io.Writer) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	list, err := os.ReadFile(filepath.Join(root, "scripts", "kafka", "jars.sha256"))
	if err != nil {
		return "", fmt.Errorf("read the jars' checksums: %w", err)
	}
	cache, err := embedded.CacheDir()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("make the cache folder: %w", err)
	}
	home := filepath.Join(cache, "kafka-"+kafkaVersion)
	unlock, err := embedded.LockFile(ctx, home+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if checkJars(home, string(list)) == nil {
		return home, nil
	}
	fmt.Fprintf(progress, "Apache Kafka %s: fetching %d jars (54 MB) with Maven into %s\n", kafkaVersion, strings.Count(string(list), "\n"), home)
	if err := os.RemoveAll(home); err != nil {
		return "", fmt.Errorf("replace %s: %w", home, err)
	}
	mvn := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", filepath.Join(root, "scripts", "kafka", "pom.xml"),
		"org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies", "-DoutputDirectory="+home)
	if out, err := mvn.CombinedOutput(); err != nil {
		return "", fmt.Errorf("fetch Apache Kafka with Maven: %w: %s", err, out)
	}
	return home, checkJars(home, string(list))
}

func checkJars(dir, list string) error {
	for line := range strings.Lines(list) {
		want, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			return fmt.Errorf("read jars.sha256: %q", line)
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return fmt.Errorf("check the jars: %w", err)
		}
		if h := sha256.Sum256(b); hex.EncodeToString(h[:]) != want {
			return fmt.Errorf("check %s: SHA-256 is %x, pinned is %s", name, h, want)
		}
	}
	return nil
}

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const kafkaVersion = "4.3.0"

// Broker is one Apache Kafka broker, a single node in KRaft, from the jars that
// scripts/kafka/pom.xml names.
type Broker struct {
	Address string
	process *Process
	dir     string
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
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.segment.delete.delay.ms=1000
num.network.threads=1
num.io.threads=2
`

// cacheDir is where what is fetched and built is kept.
func cacheDir() (string, error) {
	if dir := os.Getenv("NABZ_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder (NABZ_CACHE names one): %w", err)
	}
	return filepath.Join(dir, "nabz"), nil
}

// StartBroker starts a broker on the core given, with an empty log in a new
// folder of dir.
func StartBroker(ctx context.Context, root, dir, core string) (*Broker, error) {
	jars, err := fetchJars(ctx, root)
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp(dir, "broker-")
	if err != nil {
		return nil, fmt.Errorf("make the broker's folder: %w", err)
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(home, "server.properties")
	text := fmt.Sprintf(serverProperties, ports[0], ports[1], filepath.Join(home, "log"))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write the broker's settings: %w", err)
	}
	java := []string{"-Xmx1500m", "-Xms1500m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", filepath.Join(jars, "*")}
	format := exec.CommandContext(ctx, "java", append(java, "kafka.tools.StorageTool", "format", "--standalone", "-t", "bmFiei10ZXN0LWJyb2tlcg", "-c", conf)...)
	if out, err := format.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("format the broker's log: %w: %s", err, out)
	}
	p, err := Start(ctx, home, "broker", core, append([]string{"java"}, append(java, "kafka.Kafka", conf)...), nil)
	if err != nil {
		return nil, err
	}
	b := &Broker{Address: fmt.Sprintf("127.0.0.1:%d", ports[0]), process: p, dir: home}
	if err := b.await(ctx); err != nil {
		b.Stop()
		return nil, err
	}
	return b, nil
}

func (b *Broker) await(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Address))
	if err != nil {
		return fmt.Errorf("open Kafka client: %w", err)
	}
	defer client.Close()
	return poll(ctx, time.Minute, func() (bool, error) {
		if b.process.Ended() {
			return false, errors.New("start Apache Kafka: " + b.process.Said())
		}
		return client.Ping(ctx) == nil, nil
	})
}

// Stop ends the broker and removes its log.
func (b *Broker) Stop() {
	b.process.Kill()
	os.RemoveAll(b.dir)
}

// freePorts finds ports that nobody listens on.
func freePorts(n int) ([]int, error) {
	var out []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close()
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out, nil
}

// fetchJars gives the folder of the broker's jars; Maven fetches them where
// the cache does not hold them, and each is checked against its checksum.
func fetchJars(ctx context.Context, root string) (string, error) {
	list, err := os.ReadFile(filepath.Join(root, "scripts", "kafka", "jars.sha256"))
	if err != nil {
		return "", fmt.Errorf("read the jars' checksums: %w", err)
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, "kafka-"+kafkaVersion)
	if checkJars(home, string(list)) == nil {
		return home, nil
	}
	say("fetching Apache Kafka %s with Maven into %s", kafkaVersion, home)
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

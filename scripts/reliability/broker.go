package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Apache Kafka, assembled from the jars that scripts/kafka names.
const kafkaVersion = "4.3.0"

// clusterID is any 16 bytes in base64: the broker is alone.
const clusterID = "bmFiei1yZWxpYWJpbGl0eQ"

// jvm are the flags of the broker's machine.
func jvm() []string {
	return []string{"-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"}
}

// broker gives the part of a broker with a listener of its own for each of the
// named clients, which is told to come through the proxy of that name.
func broker(ctx context.Context, ports *portBook, jars, dir, logs string, links map[string]*link) (*part, string, error) {
	inside, controller := fmt.Sprintf("127.0.0.1:%d", ports.take()), ports.take()
	listeners := []string{"INSIDE://" + inside, fmt.Sprintf("CONTROLLER://127.0.0.1:%d", controller)}
	told := []string{"INSIDE://" + inside}
	protocols := []string{"INSIDE:PLAINTEXT", "CONTROLLER:PLAINTEXT"}
	for name, l := range links {
		upper := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		l.to = fmt.Sprintf("127.0.0.1:%d", ports.take())
		listeners = append(listeners, upper+"://"+l.to)
		told = append(told, upper+"://"+l.address())
		protocols = append(protocols, upper+":PLAINTEXT")
	}
	conf := filepath.Join(filepath.Dir(dir), "server.properties")
	text := fmt.Sprintf(`process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:%d
listeners=%s
advertised.listeners=%s
listener.security.protocol.map=%s
inter.broker.listener.name=INSIDE
controller.listener.names=CONTROLLER
log.dirs=%s
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
`, controller, strings.Join(listeners, ","), strings.Join(told, ","), strings.Join(protocols, ","), dir)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, "", fmt.Errorf("write the broker's settings: %w", err)
	}
	java := append(jvm(), "-cp", filepath.Join(jars, "*"))
	format := exec.CommandContext(ctx, "java", slices.Concat(java, []string{"kafka.tools.StorageTool", "format", "--standalone", "-t", clusterID, "-c", conf})...)
	if out, err := format.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("format the broker's log: %w: %s", err, out)
	}
	program, err := exec.LookPath("java")
	if err != nil {
		return nil, "", fmt.Errorf("find java: %w", err)
	}
	return &part{
		name: "kafka", program: program, args: slices.Concat(java, []string{"kafka.Kafka", conf}), log: logOf(logs, "kafka"),
		ready: func(ctx context.Context) error {
			c, err := (&net.Dialer{}).DialContext(ctx, "tcp", inside)
			if err != nil {
				return err
			}
			return c.Close()
		},
	}, inside, nil
}

// fetchJars gives the folder of the broker's jars. Maven fetches them where the
// cache does not hold them; each is held against its checksum.
func fetchJars(ctx context.Context, root, cache string) (string, error) {
	list, err := os.ReadFile(filepath.Join(root, "scripts", "kafka", "jars.sha256"))
	if err != nil {
		return "", fmt.Errorf("read the jars' checksums: %w", err)
	}
	home := filepath.Join(cache, "kafka-"+kafkaVersion)
	if checkJars(home, string(list)) == nil {
		return home, nil
	}
	say("fetching Apache Kafka %s with Maven into %s", kafkaVersion, home)
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

// portBook gives ports that nobody has, each once, from below those that
// systems hand out to whoever connects: a part's port is not given away between
// two of its lives.
type portBook struct{ next int }

func newPortBook() *portBook { return &portBook{next: 12_000 + os.Getpid()%6_000} }

func (b *portBook) take() int {
	for {
		b.next++
		if ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", b.next)); err == nil {
			ln.Close()
			return b.next
		}
	}
}

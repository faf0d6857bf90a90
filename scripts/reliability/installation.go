package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Secrets of an installation that lives for minutes and listens on loopback.
const (
	apiKey        = "reliability-administrator-key-000000"
	identityKey   = "reliability-identity-key-0000000000000"
	webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

// installation is every part of Nabz as a process of its own, with proxies
// between them.
type installation struct {
	binary, dir string
	zone        string
	inside      string // the broker, not through a proxy
	clickhouse  engineReady
	engine      string // the services' URL of ClickHouse, not through a proxy
	parts       map[string]*part
	order       []string
	links       map[string]*link // by client: to Kafka; clickhouse-X: to ClickHouse; door: to the collector
	env         []string
	addresses   map[string]string
	ports       *portBook
	jars        string
	disks       []string // parts that have one of their own
}

// engineReady is what the ready file of the embedded engine says.
type engineReady struct {
	HTTP string         `json:"clickhouse_http"`
	URL  string         `json:"clickhouse_url"`
	PIDs map[string]int `json:"pids"`
}

// services in the order of starting. A second processor, loader and alerter
// take over from one that hangs.
func services() []string {
	return []string{"loader-1", "loader-2", "processor-1", "processor-2", "alerter-1", "alerter-2", "collector", "gateway"}
}

// start brings everything up. What is up is given back with an error, too, to
// be stopped.
func start(ctx context.Context, o options, receiver string) (i *installation, err error) {
	dir := o.work
	i = &installation{binary: o.binary, dir: dir, zone: o.zone, parts: map[string]*part{}, links: map[string]*link{}, addresses: map[string]string{}, ports: newPortBook()}
	for _, d := range []string{"logs", "kafka", "clickhouse"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return i, fmt.Errorf("make the work folder: %w", err)
		}
	}
	toKafka := map[string]*link{}
	for _, name := range services() {
		l, err := newLink(name)
		if err != nil {
			return i, err
		}
		i.links[name], toKafka[name] = l, l
	}
	for _, name := range []string{"clickhouse-loader", "clickhouse-gateway", "door"} {
		l, err := newLink(name)
		if err != nil {
			return i, err
		}
		i.links[name] = l
	}
	say("starting Apache Kafka %s", kafkaVersion)
	if i.jars, err = fetchJars(ctx, o.root, o.cache); err != nil {
		return i, err
	}
	for _, name := range []string{"kafka", "clickhouse"} {
		if err := i.disk(name); err != nil {
			say("no faults of a full disk: %v", err)
		}
	}
	b, inside, err := broker(ctx, i.ports, i.jars, filepath.Join(dir, "kafka", "log"), i.logs(), toKafka)
	if err != nil {
		return i, err
	}
	i.inside = inside
	if err := i.add(ctx, b); err != nil {
		return i, err
	}
	say("starting ClickHouse")
	if err := i.addEngine(ctx); err != nil {
		return i, err
	}
	if err := i.prepare(ctx, o.partitions); err != nil {
		return i, err
	}
	say("starting %s", strings.Join(services(), ", "))
	return i, i.addServices(ctx, receiver)
}

func (i *installation) logs() string { return filepath.Join(i.dir, "logs") }

func (i *installation) add(ctx context.Context, p *part) error {
	i.parts[p.name] = p
	i.order = append(i.order, p.name)
	p.start()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return p.await(ctx)
}

func (i *installation) readyFile() string { return filepath.Join(i.dir, "clickhouse.json") }

func (i *installation) addEngine(ctx context.Context) error {
	p := &part{
		name: "engine", program: i.binary, log: logOf(i.logs(), "engine"),
		args: []string{"embedded", "clickhouse", "--ports", "auto", "--data-dir", filepath.Join(i.dir, "clickhouse"), "--ready-file", i.readyFile()},
		ready: func(context.Context) error {
			_, err := i.readEngine()
			return err
		},
	}
	if err := i.add(ctx, p); err != nil {
		return err
	}
	var err error
	if i.clickhouse, err = i.readEngine(); err != nil {
		return err
	}
	u, err := url.Parse(i.clickhouse.URL)
	if err != nil {
		return fmt.Errorf("read the engine's address: %w", err)
	}
	i.engine = i.clickhouse.URL
	i.links["clickhouse-loader"].to, i.links["clickhouse-gateway"].to = u.Host, u.Host
	return nil
}

func (i *installation) readEngine() (r engineReady, err error) {
	b, err := os.ReadFile(i.readyFile())
	if err != nil {
		return r, err
	}
	err = json.Unmarshal(b, &r)
	return r, err
}

// prepare makes topics and tables.
func (i *installation) prepare(ctx context.Context, partitions int) error {
	i.env = []string{
		"NABZ_API_KEY=" + apiKey, "NABZ_IDENTITY_KEY=" + identityKey, "NABZ_DATA_DIR=" + filepath.Join(i.dir, "data"), "NABZ_LOG_LEVEL=info", "NABZ_ZONE=" + i.zone,
	}
	if _, err := i.nabz(ctx, "topics", "apply", "--quiet", "--kafka", i.inside, "--partitions", fmt.Sprint(partitions)); err != nil {
		return err
	}
	_, err := i.nabz(ctx, "migrate", "--quiet", "--zone", i.zone)
	return err
}

// nabz runs a command of the binary to its end. What it says beside its answer
// is shown while it goes on, unless it is told to be quiet.
func (i *installation) nabz(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, i.binary, args...)
	cmd.Env = append(os.Environ(), append(i.env, "NABZ_CLICKHOUSE="+i.engine)...)
	var errs strings.Builder
	cmd.Stderr = io.MultiWriter(&errs, os.Stderr)
	out, err := cmd.Output()
	if err != nil {
		return string(out) + errs.String(), fmt.Errorf("nabz %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return string(out), nil
}

func (i *installation) addServices(ctx context.Context, receiver string) error {
	webhooks := filepath.Join(i.dir, "nabz.yaml")
	text := fmt.Sprintf("alerter:\n  webhooks:\n    - name: pager\n      url: %s\n      secret: %s\n      allow_private: [127.0.0.1/32]\n      allow_http: true\n", receiver, webhookSecret)
	if err := os.WriteFile(webhooks, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the settings: %w", err)
	}
	for _, name := range services() {
		kind, _, _ := strings.Cut(name, "-")
		address := fmt.Sprintf("127.0.0.1:%d", i.ports.take())
		i.addresses[name] = address
		env := append(append([]string{}, i.env...), "NABZ_KAFKA="+i.links[name].address(), "NABZ_LISTEN="+address, "NABZ_MEMBER="+name)
		switch kind {
		case "loader":
			env = append(env, "NABZ_CLICKHOUSE="+i.through("clickhouse-loader"))
		case "gateway":
			env = append(env, "NABZ_CLICKHOUSE="+i.through("clickhouse-gateway"))
		case "alerter":
			env = append(env, "NABZ_CONFIG="+webhooks)
		}
		p := &part{name: name, program: i.binary, args: []string{kind}, env: env, ready: answers(address), log: logOf(i.logs(), name)}
		if kind == "processor" {
			p.works = func(ctx context.Context) error { return consuming(ctx, "http://"+address+"/metrics") }
		}
		if err := i.add(ctx, p); err != nil {
			return err
		}
	}
	i.links["door"].to = i.addresses["collector"]
	return nil
}

// through gives ClickHouse's URL by way of a proxy.
func (i *installation) through(name string) string {
	u, err := url.Parse(i.engine)
	if err != nil {
		return i.engine // it was read before
	}
	u.Host = i.links[name].address()
	return u.String()
}

// stop ends all parts, the last first.
func (i *installation) stop() {
	for n := len(i.order) - 1; n >= 0; n-- {
		i.parts[i.order[n]].stop()
	}
	i.undisk()
}

// stopServices ends the services and the broker, and leaves ClickHouse.
func (i *installation) stopServices() {
	for n := len(i.order) - 1; n >= 0; n-- {
		if name := i.order[n]; name != "engine" {
			i.parts[name].stop()
		}
	}
}

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/strictyaml"
	"github.com/nabz/nabz/services/collector"
	"github.com/nabz/nabz/services/internal/keys"
)

type collectorCmd struct {
	serviceFlags
	APIKey      string `name:"api-key" secret:"" help:"A key that may do everything for every tenant." placeholder:"KEY"`
	Keys        string `help:"YAML file with further keys: a list of name, key or key_file, tenant, sources, rights, rate, burst." placeholder:"FILE"`
	IdentityKey string `name:"identity-key" secret:"" help:"Secret behind the tokens that stand for customers, 32 characters or more." placeholder:"KEY"`
	Tenant      string `name:"default-tenant" help:"Tenant of events that name none." default:"default"`
}

// Help shows an example.
func (collectorCmd) Help() string {
	return "Example: NABZ_API_KEY_FILE=key.txt NABZ_IDENTITY_KEY_FILE=identity.txt nabz collector --kafka 127.0.0.1:9092 --listen 127.0.0.1:8080"
}

// Run runs a collector until it is asked to stop.
func (c collectorCmd) Run(a *app) error {
	if err := a.needKafka(); err != nil {
		return err
	}
	conf := collector.Config{Listen: c.Listen, Kafka: a.Kafka, IdentityKey: c.IdentityKey, DefaultTenant: c.Tenant, KeysFile: a.keysFile()}
	if c.APIKey != "" {
		conf.Keys = append(conf.Keys, collector.Key{Name: "administrator", Key: c.APIKey, Tenant: "*",
			Rights: []string{collector.RightAdmin}})
	}
	if c.Keys != "" {
		more, err := readKeys(c.Keys)
		if err != nil {
			return usageError{err}
		}
		conf.Keys = append(conf.Keys, more...)
	}
	if len(conf.Keys) == 0 {
		made, err := keys.Store{Path: conf.KeysFile}.List()
		if err != nil {
			return usageError{err}
		}
		if len(made) == 0 {
			return usageError{fmt.Errorf("--api-key, --keys or nabz token create: without a key nobody could send events (%s holds none)", conf.KeysFile)}
		}
	}
	s, err := collector.New(conf, a.log)
	if err != nil {
		return usageError{err}
	}
	return c.serve(a, "collector", s)
}

// keysFile is where nabz token keeps keys.
func (g *globals) keysFile() string { return filepath.Join(g.DataDir, keys.FileName) }

// readKeys reads a list of keys, strictly.
func readKeys(file string) ([]keys.Static, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	r, root, err := strictyaml.Open(file, data)
	if err != nil {
		return nil, err
	}
	var list []keys.Static
	r.Items(root, func(n *yaml.Node) {
		var k keys.Static
		text := func(into *string) func(*yaml.Node) { return func(n *yaml.Node) { *into = r.Text(n) } }
		r.Map(n, strictyaml.Keys{
			"name": text(&k.Name), "key": text(&k.Key), "key_file": text(&k.KeyFile), "tenant": text(&k.Tenant),
			"sources": func(n *yaml.Node) { k.Sources = r.Texts(n) },
			"rights": func(n *yaml.Node) {
				r.Items(n, func(n *yaml.Node) {
					k.Rights = append(k.Rights, r.OneOf(n, keys.Rights()...))
				})
			},
			"rate":  func(n *yaml.Node) { k.Rate = float64(r.Int(n, 0, 1<<40)) },
			"burst": func(n *yaml.Node) { k.Burst = int(r.Int(n, 0, 1<<30)) },
		}, "name", "tenant")
		list = append(list, k)
	})
	return list, r.Err()
}

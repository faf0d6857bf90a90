package notify

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/incident"
	"github.com/nabz/nabz/pkg/strictyaml"
)

const (
	// maxWebhooks bounds the calls that one incident makes.
	maxWebhooks = 32
	// maxFile bounds a secret's and an authority's file.
	maxFile = 64 << 10
)

// ReadWebhooks reads the webhooks of a settings file, which stand under
// alerter.webhooks; a file without any gives none.
func ReadWebhooks(path string) ([]WebhookConfig, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read webhooks: %w", err)
	}
	if strings.TrimSpace(string(data)) == "" {
		return nil, nil
	}
	r, root, err := strictyaml.Open(path, data)
	if err != nil {
		return nil, err
	}
	var all []WebhookConfig
	at := func(n *yaml.Node, key string, f func(*yaml.Node)) {
		r.Pairs(n, func(k, v *yaml.Node) {
			if k.Value == key {
				f(v)
			}
		})
	}
	at(root, "alerter", func(n *yaml.Node) {
		at(n, "webhooks", func(n *yaml.Node) {
			if n.Kind == yaml.ScalarNode { // that of another file
				return
			}
			names := map[string]bool{AlertmanagerName: true}
			r.Items(n, func(n *yaml.Node) {
				c := readWebhook(r, n)
				if names[c.Name] {
					r.Errorf(n, "two receivers have the name %q", c.Name)
				}
				names[c.Name] = true
				all = append(all, c)
			})
			if len(all) > maxWebhooks {
				r.Errorf(n, "%d webhooks, at most %d are possible", len(all), maxWebhooks)
			}
		})
	})
	return all, r.Err()
}

func readWebhook(r *strictyaml.Reader, n *yaml.Node) WebhookConfig {
	var c WebhookConfig
	secrets := func(n *yaml.Node, text string) {
		if c.Secrets = append(c.Secrets, strings.Fields(text)...); len(c.Secrets) == 0 {
			r.Errorf(n, "no secret")
		}
	}
	r.Map(n, strictyaml.Keys{
		"name":   func(n *yaml.Node) { c.Name = r.Text(n) },
		"url":    func(n *yaml.Node) { c.URL = r.Text(n) },
		"secret": func(n *yaml.Node) { secrets(n, r.Text(n)) },
		"secret_file": func(n *yaml.Node) {
			secrets(n, string(file(r, n)))
		},
		"tenants": func(n *yaml.Node) { c.Tenants = r.Texts(n) },
		"severity": func(n *yaml.Node) {
			if n.Kind == yaml.ScalarNode {
				c.Severities = []string{r.OneOf(n, incident.Page, incident.Ticket)}
				return
			}
			r.Items(n, func(n *yaml.Node) { c.Severities = append(c.Severities, r.OneOf(n, incident.Page, incident.Ticket)) })
		},
		"allow_private": func(n *yaml.Node) {
			r.Items(n, func(n *yaml.Node) { c.AllowPrivate = append(c.AllowPrivate, network(r, n)) })
		},
		"allow_http": func(n *yaml.Node) { c.AllowHTTP = r.Bool(n) },
		"ca_file":    func(n *yaml.Node) { c.CA = file(r, n) },
	}, "url")
	if u, err := url.Parse(c.URL); c.Name == "" && err == nil {
		c.Name = u.Host
	}
	if len(c.Secrets) == 0 {
		r.Errorf(n, "key %q or %q is missing", "secret", "secret_file")
		return c
	}
	if c.URL != "" {
		if _, err := NewWebhook(c); err != nil {
			r.Errorf(n, "%v", err)
		}
	}
	return c
}

func file(r *strictyaml.Reader, n *yaml.Node) []byte {
	b, err := os.ReadFile(r.Text(n))
	if err == nil && len(b) > maxFile {
		err = errors.New("it is too large")
	}
	if err != nil {
		r.Errorf(n, "%v", err)
	}
	return b
}

// network reads an address or a network such as 10.1.0.0/16.
func network(r *strictyaml.Reader, n *yaml.Node) netip.Prefix {
	text := r.Text(n)
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen())
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		r.Errorf(n, "%q is no address and no network such as 10.1.0.0/16", text)
		return netip.Prefix{}
	}
	return p.Masked()
}

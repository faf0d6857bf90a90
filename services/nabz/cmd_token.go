package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nabz/nabz/services/internal/keys"
)

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make an API key and print its secret, once."`
	Ls     tokenLsCmd     `cmd:"" help:"List the API keys that were made, without their secrets."`
	Revoke tokenRevokeCmd `cmd:"" help:"End an API key at once."`
}

// Help shows an example.
func (tokenCmd) Help() string {
	return "API keys are kept as digests in keys.json of the data directory, which collectors and gateways of this machine read again within two seconds of a change.\n\n" +
		"Example: nabz token create --name pbx-1 --tenant shop --right write --source 'pbx/*'"
}

type tokenCreateCmd struct {
	Name    string   `required:"" help:"Name of the key, shown in logs and dead letters." placeholder:"NAME"`
	Tenant  string   `required:"" help:"The tenant that it is for, or * for every tenant." placeholder:"T"`
	Right   []string `required:"" help:"What it may do: write, feeds, read or admin; may be given several times." enum:"write,feeds,read,admin" placeholder:"RIGHT,…"`
	Source  []string `help:"Sources whose events it may send, with * for any text; default: all." placeholder:"SOURCE,…"`
	Expires string   `help:"When it ends: a time, or a span from now such as 90d or 12h; default: never." placeholder:"T"`
}

// Help shows an example.
func (tokenCreateCmd) Help() string {
	return "The secret is printed once, alone on standard output, and kept nowhere.\n\n" +
		"Example: nabz token create --name grafana --tenant shop --right read --expires 90d > grafana.key"
}

// Run makes a key.
func (c tokenCreateCmd) Run(a *app) error {
	now := time.Now().UTC().Truncate(time.Second)
	e := keys.Entry{Name: c.Name, Tenant: c.Tenant, Rights: c.Right, Sources: c.Source, Created: now}
	if c.Expires != "" {
		at, err := expiry(c.Expires, now)
		if err != nil {
			return usageError{err}
		}
		e.Expires = &at
	}
	secret, err := keys.Store{Path: a.keysFile()}.Add(e)
	if err != nil {
		return usageError{fmt.Errorf("make key %s: %w", c.Name, err)}
	}
	if a.JSON {
		return json.NewEncoder(a.stdout).Encode(map[string]any{
			"name": e.Name, "tenant": e.Tenant, "rights": e.Rights, "sources": e.Sources, "created": e.Created, "expires": e.Expires, "key": secret,
		})
	}
	if !a.Quiet {
		fmt.Fprintf(a.stderr, "key %s of tenant %s may %s; this is its secret, which is shown once:\n", e.Name, e.Tenant, strings.Join(e.Rights, ", "))
	}
	_, err = fmt.Fprintln(a.stdout, secret)
	return err
}

// expiry reads an instant, or a span from now.
func expiry(s string, now time.Time) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		if at, err = time.ParseInLocation("2006-01-02", s, time.UTC); err != nil {
			span, err := spanOf(s)
			if err != nil {
				return time.Time{}, fmt.Errorf("--expires: %q is neither a time, such as 2027-01-31 or 2027-01-31T15:04:05Z, nor a span, such as 90d or 12h", s)
			}
			at = now.Add(span)
		}
	}
	if !at.After(now) {
		return time.Time{}, fmt.Errorf("--expires: %s is past", s)
	}
	return at.UTC(), nil
}

// spanOf reads a span in which d stands for 24 hours.
func spanOf(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(days, "%d", &n); err != nil || fmt.Sprint(n) != days || n > 36500 {
			return 0, errors.New("no number of days")
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	return time.ParseDuration(s)
}

type tokenLsCmd struct{}

// Help shows an example.
func (tokenLsCmd) Help() string { return "Example: nabz token ls --json" }

// Run lists the keys.
func (tokenLsCmd) Run(a *app) error {
	all, err := keys.Store{Path: a.keysFile()}.List()
	if err != nil {
		return err
	}
	now := time.Now()
	if a.JSON {
		out := json.NewEncoder(a.stdout)
		for i := range all {
			e := &all[i]
			if err := out.Encode(map[string]any{
				"name": e.Name, "tenant": e.Tenant, "rights": e.Rights, "sources": e.Sources,
				"created": e.Created, "expires": e.Expires, "revoked": e.Revoked, "state": e.State(now),
			}); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 && !a.Quiet {
		fmt.Fprintln(a.stderr, "no keys were made")
		return nil
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "name\ttenant\trights\tsources\tstate\tcreated\texpires")
	for i := range all {
		e := &all[i]
		expires := "never"
		if e.Expires != nil {
			expires = e.Expires.Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Name, e.Tenant, strings.Join(e.Rights, ","), strings.Join(e.Sources, ","),
			e.State(now), e.Created.Format(time.RFC3339), expires)
	}
	return table.Flush()
}

type tokenRevokeCmd struct {
	Name string `arg:"" help:"Name of the key."`
}

// Help shows an example.
func (tokenRevokeCmd) Help() string {
	return "Running services refuse the key within two seconds.\n\nExample: nabz token revoke pbx-1"
}

// Run ends a key.
func (c tokenRevokeCmd) Run(a *app) error {
	if err := (keys.Store{Path: a.keysFile()}).Revoke(c.Name, time.Now().UTC().Truncate(time.Second)); err != nil {
		if errors.Is(err, keys.ErrNoKey) {
			return usageError{fmt.Errorf("revoke %w in %s", err, a.keysFile())}
		}
		return err
	}
	if !a.Quiet {
		fmt.Fprintf(a.stderr, "key %s is revoked; running services refuse it within two seconds\n", c.Name)
	}
	return nil
}

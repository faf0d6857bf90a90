package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/nabz/nabz/services/collector"
	"github.com/nabz/nabz/services/internal/deadletter"
	"github.com/nabz/nabz/services/internal/kafka"
	"github.com/nabz/nabz/services/internal/values"
)

type dlqCmd struct {
	Ls     dlqLsCmd     `cmd:"" help:"Count dead letters by stage, reason and tenant."`
	Show   dlqShowCmd   `cmd:"" help:"Print one dead letter."`
	Replay dlqReplayCmd `cmd:"" help:"Send dead letters again through the collector."`
	Drop   dlqDropCmd   `cmd:"" help:"Let go of dead letters, the oldest first."`
}

// Help shows an example.
func (dlqCmd) Help() string {
	return "Dead letters are events that the collector could not take and records that the loader could not load, each with its reason.\n\n" +
		"Example: nabz dlq ls --tenant shop --from 2026-03-01"
}

// letterFilter are the flags that pick letters.
type letterFilter struct {
	Reason    string `help:"Only letters of this reason, such as unknown_type." placeholder:"R"`
	Stage     string `help:"Only letters of this stage: collector or loader." placeholder:"S"`
	Tenant    string `help:"Only letters of this tenant." placeholder:"T"`
	From      string `help:"Only letters received at this instant or later." placeholder:"T"`
	To        string `help:"Only letters received before this instant." placeholder:"T"`
	ReadyFile string `help:"Ready file of a running installation." placeholder:"F"`
}

func (f *letterFilter) open(a *app) (deadletter.Box, deadletter.Filter, error) {
	from, to, err := values.Bounds(f.From, f.To, time.UTC)
	if err != nil {
		return deadletter.Box{}, deadletter.Filter{}, usageError{err}
	}
	if f.Stage != "" && f.Stage != deadletter.StageCollector && f.Stage != deadletter.StageLoader {
		return deadletter.Box{}, deadletter.Filter{}, usageError{fmt.Errorf("--stage: %q is neither collector nor loader", f.Stage)}
	}
	brokers, err := a.brokers(f.ReadyFile)
	return deadletter.Box{Brokers: brokers},
		deadletter.Filter{Reason: f.Reason, Stage: f.Stage, Tenant: f.Tenant, From: instant(from), To: instant(to)}, err
}

type dlqLsCmd struct {
	letterFilter
	Each bool `help:"One line a letter instead of one a reason."`
}

// Help shows an example.
func (dlqLsCmd) Help() string {
	return "The last column names the newest letter for nabz dlq show.\n\nExample: nabz dlq ls --reason unknown_type --each"
}

// Run counts, or lists.
func (c dlqLsCmd) Run(a *app) error {
	box, filter, err := c.open(a)
	if err != nil {
		return err
	}
	if c.Each {
		return c.each(a, box, filter)
	}
	groups, err := box.Groups(a.ctx, filter)
	if err != nil {
		return err
	}
	if a.JSON {
		out := json.NewEncoder(a.stdout)
		for _, g := range groups {
			if err := out.Encode(g); err != nil {
				return err
			}
		}
		return nil
	}
	if len(groups) == 0 {
		if !a.Quiet {
			fmt.Fprintln(a.stderr, "no dead letters")
		}
		return nil
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "count\tstage\treason\ttenant\toldest\tnewest\tpartition/offset")
	for _, g := range groups {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%d/%d\n", g.Count, g.Stage, g.Reason, cell(g.Tenant),
			g.Oldest.Format(time.RFC3339), g.Newest.Format(time.RFC3339), g.Partition, g.Offset)
	}
	return table.Flush()
}

func (c dlqLsCmd) each(a *app, box deadletter.Box, filter deadletter.Filter) error {
	out := json.NewEncoder(a.stdout)
	return box.Each(a.ctx, filter, func(l deadletter.Letter) error {
		if a.JSON {
			return out.Encode(l)
		}
		_, err := fmt.Fprintf(a.stdout, "%d/%d\t%s\t%s\t%s\t%s\t%s\n", l.Partition, l.Offset, l.Time.Format(time.RFC3339), l.Stage, l.Reason, cell(l.Tenant), l.Error)
		return err
	})
}

// sealFlags are of the commands that open sealed letters.
type sealFlags struct {
	IdentityKey string `name:"identity-key" secret:"" help:"Identity key of the collectors; default: that of the data directory's installation." placeholder:"KEY"`
}

// opener opens letters with the key that was given, else with that of the
// installation in the data directory. It makes no secrets.
func (c *sealFlags) opener(a *app) (deadletter.Opener, error) {
	key := c.IdentityKey
	if key == "" {
		s, err := readSecrets(a.DataDir)
		if err != nil {
			return nil, usageError{fmt.Errorf("--identity-key: needed to open what is sealed: %w", err)}
		}
		key = s.IdentityKey
	}
	return func(tenant string, sealed []byte) ([]byte, error) { return collector.Open(key, tenant, sealed) }, nil
}

type dlqShowCmd struct {
	sealFlags
	Place     string `arg:"" help:"Partition and offset, such as 3/17."`
	Open      bool   `help:"Also open what is sealed: the event as it came, which may name a person."`
	ReadyFile string `help:"Ready file of a running installation." placeholder:"F"`
}

// Help shows an example.
func (dlqShowCmd) Help() string {
	return "Without --open identifiers are tokens and unknown values are masked.\n\nExample: nabz dlq show 3/17 --open"
}

// Run prints the letter as JSON.
func (c dlqShowCmd) Run(a *app) error {
	partition, offset, err := place(c.Place)
	if err != nil {
		return usageError{err}
	}
	brokers, err := a.brokers(c.ReadyFile)
	if err != nil {
		return err
	}
	l, err := deadletter.Box{Brokers: brokers}.One(a.ctx, partition, offset)
	if err != nil {
		return err
	}
	shown := struct {
		deadletter.Letter
		Event    any `json:"event"`
		Original any `json:"original,omitempty"`
	}{Letter: l, Event: l.Shown()}
	if c.Open {
		open, err := c.opener(a)
		if err != nil {
			return err
		}
		raw, err := l.Original(open)
		if err != nil {
			return err
		}
		shown.Original = string(raw)
		if json.Valid(raw) {
			shown.Original = json.RawMessage(raw)
		}
	}
	out := json.NewEncoder(a.stdout)
	if !a.JSON {
		out.SetIndent("", "  ")
	}
	return out.Encode(shown)
}

// place reads PARTITION/OFFSET.
func place(s string) (partition int, offset int64, err error) {
	p, o, _ := strings.Cut(s, "/")
	n, errP := strconv.ParseUint(p, 10, 31)
	m, errO := strconv.ParseUint(o, 10, 63)
	if errP != nil || errO != nil {
		return 0, 0, fmt.Errorf("%q is no place: PARTITION/OFFSET is expected, such as 3/17", s)
	}
	return int(n), int64(m), nil
}

type dlqDropCmd struct {
	Through   string `help:"Drop the letters of one partition up to and including this one." placeholder:"PARTITION/OFFSET"`
	OlderThan string `help:"Drop what was received before then: a time, or a span such as 7d." placeholder:"T"`
	All       bool   `help:"Drop every letter that is there now."`
	DryRun    bool   `help:"Print what would go; drop nothing."`
	Yes       bool   `help:"Do not ask."`
	ReadyFile string `help:"Ready file of a running installation." placeholder:"F"`
}

// Help shows an example.
func (dlqDropCmd) Help() string {
	return "Kafka deletes from the oldest record on, so letters go by their age and not by their reason. What is dropped is gone for good.\n\n" +
		"Example: nabz dlq drop --older-than 7d --dry-run"
}

// Run drops.
func (c dlqDropCmd) Run(a *app) error {
	brokers, err := a.brokers(c.ReadyFile)
	if err != nil {
		return err
	}
	box := deadletter.Box{Brokers: brokers}
	cuts, err := c.plan(a, box)
	if err != nil {
		return err
	}
	total := int64(0)
	for _, cut := range cuts {
		total += cut.Letters()
		if !a.JSON && !a.Quiet {
			fmt.Fprintf(a.stderr, "partition %d: offsets %d to %d\n", cut.Partition, cut.From, cut.Before-1)
		}
	}
	if !c.DryRun && total > 0 {
		if err := c.sure(a, total); err != nil {
			return err
		}
		if err := box.Drop(a.ctx, cuts); err != nil {
			return err
		}
	}
	if a.JSON {
		return json.NewEncoder(a.stdout).Encode(map[string]any{"letters": total, "dropped": !c.DryRun && total > 0, "cuts": cuts})
	}
	what := "letters dropped"
	if c.DryRun {
		what = "letters would be dropped"
	}
	_, err = fmt.Fprintln(a.stdout, total, what)
	return err
}

func (c dlqDropCmd) plan(a *app, box deadletter.Box) ([]deadletter.Cut, error) {
	given := 0
	for _, is := range []bool{c.Through != "", c.OlderThan != "", c.All} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, usageError{errors.New("one of --through, --older-than and --all is needed")}
	}
	now := time.Now()
	switch {
	case c.Through != "":
		partition, offset, err := place(c.Through)
		if err != nil {
			return nil, usageError{fmt.Errorf("--through: %w", err)}
		}
		cuts, err := box.Through(a.ctx, partition, offset)
		if errors.Is(err, kafka.ErrNoRecord) {
			return nil, usageError{fmt.Errorf("--through: %w", err)}
		}
		return cuts, err
	case c.All:
		// No letter is received later than in a day.
		return box.Older(a.ctx, now.Add(24*time.Hour))
	}
	var than time.Time
	if span, err := spanOf(c.OlderThan); err == nil {
		than = now.Add(-span)
	} else {
		ms, _, err := values.Bounds(c.OlderThan, "", time.UTC)
		if err != nil {
			return nil, usageError{fmt.Errorf("--older-than: %q is neither a time, such as 2026-03-01, nor a span, such as 7d", c.OlderThan)}
		}
		than = instant(ms)
	}
	return box.Older(a.ctx, than)
}

// sure asks, unless it was told not to.
func (c dlqDropCmd) sure(a *app, letters int64) error {
	if c.Yes {
		return nil
	}
	fmt.Fprintf(a.stderr, "drop %d dead letters for good? [y/N] ", letters)
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && answer == "" {
		return usageError{errors.New("nobody answered: --yes drops without asking")}
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was dropped")
	}
	return nil
}

package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// zones looks at the zone data of this process: whose days and weeks are
// shown, and whether it is of this decade.
func (c *Config) zones(context.Context) []Finding {
	const update = "install or update the package tzdata"
	if _, err := time.LoadLocation(c.Zone); err != nil {
		return []Finding{fail("zones", update, "%v", err)}
	}
	tehran, err := time.LoadLocation("Asia/Tehran")
	if err != nil {
		return []Finding{fail("zones", update, "%v", err)}
	}
	if _, offset := time.Date(2023, time.July, 1, 0, 0, 0, 0, time.UTC).In(tehran).Zone(); offset != 12600 {
		return []Finding{fail("zones", update, "summer time of Tehran ended in 2022, and the data does not know")}
	}
	return []Finding{ok("zones", "known, and not older than 2022")}
}

// services asks every service whether it does its work.
func (c *Config) services(ctx context.Context) []Finding {
	var found []Finding
	for _, name := range slices.Sorted(maps.Keys(c.Services)) {
		check := "service " + name
		if err := get(ctx, c.Services[name]+"/readyz"); err != nil {
			found = append(found, fail(check, "see its log: a supervisor starts it again, and a service waits for what it needs", "%v", err))
			continue
		}
		found = append(found, ok(check, "ready at %s", c.Services[name]))
	}
	return found
}

// receivers asks those who are told of incidents.
func (c *Config) receivers(ctx context.Context) []Finding {
	if c.Alertmanager == "" {
		return []Finding{warn("alertmanager", "name one by --alertmanager, if people are to be told", "none is named: incidents are only kept")}
	}
	var found []Finding
	for peer := range strings.SplitSeq(c.Alertmanager, ",") {
		if err := get(ctx, strings.TrimSuffix(strings.TrimSpace(peer), "/")+"/-/ready"); err != nil {
			found = append(found, fail("alertmanager", "start it, or mend --alertmanager", "%v", err))
			continue
		}
		found = append(found, ok("alertmanager", "ready at %s", peer))
	}
	return found
}

// maxAnswer is how much of a service's words is repeated.
const maxAnswer = 200

func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no answer: %w", cause(ctx, err))
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
		if err != nil {
			return fmt.Errorf("%s answers %s", url, res.Status)
		}
		return fmt.Errorf("%s answers %s: %s", url, res.Status, strings.TrimSpace(string(text)))
	}
	return nil
}

// machine looks at the data directory and at the disk that it is on.
func (c *Config) machine(context.Context) []Finding {
	st, err := os.Stat(c.DataDir)
	if err != nil {
		return []Finding{fail("data directory", "mend --data-dir", "%v", err)}
	}
	found := []Finding{rights("data directory", c.DataDir, st, 0o700)}
	for _, name := range c.Secrets {
		path := filepath.Join(c.DataDir, name)
		st, err := os.Stat(path)
		switch {
		case err == nil:
			found = append(found, rights(name, path, st, 0o600))
		case !errors.Is(err, fs.ErrNotExist):
			found = append(found, fail(name, "see who may read the data directory", "%v", err))
		}
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(c.DataDir, &disk); err != nil {
		return append(found, warn("disk", "see what the data directory is on", "%v", err))
	}
	size := uint64(disk.Bsize)
	return append(found, space("disk", disk.Bavail*size, disk.Blocks*size))
}

// rights finds what others than the owner may read or write.
func rights(check, path string, st fs.FileInfo, want fs.FileMode) Finding {
	have := st.Mode().Perm()
	if have&^want != 0 {
		return fail(check, fmt.Sprintf("chmod %o %s", want, path), "%s may be used by others: mode %04o", path, have)
	}
	return ok(check, "%s, for its owner alone", path)
}

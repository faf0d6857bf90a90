package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/nabz/nabz/services/internal/ready"
	"github.com/nabz/nabz/services/internal/testkit"
)

// onTheWall awaits that the live stream tells so many answered contacts of the
// last hour, which no midnight cuts, as a page sees it that was let in by a ticket.
func onTheWall(t *testing.T, f ready.File, want int) {
	t.Helper()
	_, ticket, ok := strings.Cut(wallboardLink(f), "#ticket=")
	if !ok || !strings.HasPrefix(wallboardLink(f), f.Gateway+"/#") {
		t.Fatalf("the link is %s", wallboardLink(f))
	}
	login, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.Gateway+"/v1/session", strings.NewReader(`{"ticket":"`+ticket+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	login.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(login)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNoContent || len(res.Cookies()) != 1 {
		t.Fatalf("logging in by the link: %s", res.Status)
	}
	testkit.Await(t, "the wallboard", func() bool {
		got, ok := answeredLately(t, f, res.Cookies()[0])
		return ok && got == want
	})
}

// answeredLately reads the snapshot of the live stream.
func answeredLately(t *testing.T, f ready.File, session *http.Cookie) (answered int, ok bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.Gateway+"/v1/live?kpi=answered", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(session)
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		return 0, false
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text, found := strings.CutPrefix(lines.Text(), "data: ")
		if !found {
			continue
		}
		var snapshot struct {
			Readings []struct {
				Scope   []string
				Windows map[string]struct{ Value float64 }
			}
		}
		if err := json.Unmarshal([]byte(text), &snapshot); err != nil {
			t.Fatal(err)
		}
		for _, r := range snapshot.Readings {
			if len(r.Scope) == 0 {
				return int(r.Windows["60m"].Value), true
			}
		}
		return 0, false
	}
	return 0, false
}

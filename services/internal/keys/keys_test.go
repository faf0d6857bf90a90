package keys

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/nabz/nabz/services/internal/testkit"
)

func TestPatterns(t *testing.T) {
	f := func(pattern, s string, want bool) {
		t.Helper()
		if got := matches(pattern, s); got != want {
			t.Errorf("matches(%q, %q) = %v", pattern, s, got)
		}
	}
	f("*", "", true)
	f("*", "a/b", true)
	f("pbx/1", "pbx/1", true)
	f("pbx/1", "pbx/12", false)
	f("pbx/*", "pbx/12", true)
	f("pbx/*", "crm/pbx/1", false)
	f("*/1", "pbx/1", true)
	f("a*b*c", "abc", true)
	f("a*b*c", "axxbyyc", true)
	f("a*b*c", "acb", false)
	f("ab*b", "ab", false)
}

func TestBucket(t *testing.T) {
	start := time.Unix(0, 0)
	b := newBucket(10, 20, start)
	f := func(at time.Duration, n int, want time.Duration) {
		t.Helper()
		if got := b.take(n, start.Add(at)); got != want {
			t.Errorf("%d at %v: wait %v, want %v", n, at, got, want)
		}
	}
	f(0, 15, 0)
	f(0, 10, 500*time.Millisecond)
	f(500*time.Millisecond, 10, 0)
	f(500*time.Millisecond, 1, 100*time.Millisecond)
	f(time.Hour, 20, 0)
	f(time.Hour, 20, 2*time.Second)
	f(2*time.Hour, 50, 0) // more than the burst: when the bucket is full
	f(2*time.Hour, 1, 3100*time.Millisecond)
}

func TestStatic(t *testing.T) {
	f := func(want string, change func(*Static)) {
		t.Helper()
		first := Static{Name: "first", Key: "first-key-0123456789", Tenant: "*", Rights: []string{Read}}
		change(&first)
		_, err := New(Config{Static: []Static{first, {Name: "second", Key: "second-key-0123456789", Tenant: "bank"}}})
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	f("<nil>", func(*Static) {})
	f("at least 20", func(s *Static) { s.Key = "x" })
	f("not one of write, feeds, read, admin", func(s *Static) { s.Rights = []string{"rite"} })
	f("neither * nor a name", func(s *Static) { s.Tenant = "A B" })
	f("another key has that name", func(s *Static) { s.Name = "second" })
	f("given twice", func(s *Static) { s.KeyFile = "/no/such/file" })
	f("read secret", func(s *Static) { s.Key, s.KeyFile = "", "/no/such/file" })
	f("negative quota", func(s *Static) { s.Rate = -1 })
	if _, err := New(Config{}); err == nil {
		t.Error("no key, and no error")
	}
}

func TestRights(t *testing.T) {
	r, err := New(Config{Static: []Static{
		{Name: "all", Key: "all-key-0123456789012", Tenant: "*", Rights: []string{Admin}},
		{Name: "one", Key: "one-key-0123456789012", Tenant: "bank", Rights: []string{Read}, Sources: []string{"pbx/*"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	find := func(header string) *Key {
		req := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		req.Header.Set("Authorization", header)
		return r.Find(req)
	}
	for _, header := range []string{"", "Bearer", "Bearer all-key-012345678901", "Basic all-key-0123456789012", "all-key-0123456789012"} {
		if k := find(header); k != nil {
			t.Errorf("%q opens key %s", header, k.Name)
		}
	}
	all, one := find("Bearer all-key-0123456789012"), find("bearer  one-key-0123456789012 ")
	if all == nil || one == nil {
		t.Fatal("a key is not found")
	}
	if !all.Has(Feeds) || !one.Has(Read) || one.Has(Write) || one.Has(Admin) {
		t.Error("rights are not those given")
	}
	if !one.Sends("pbx/7") || one.Sends("crm") || !all.Sends("crm") {
		t.Error("sources are not those given")
	}
	f := func(k *Key, named, want string, wrong error) {
		t.Helper()
		if got, err := k.TenantOf(named, "default"); got != want || !errors.Is(err, wrong) {
			t.Errorf("key %s, tenant %q: %q, %v; want %q, %v", k.Name, named, got, err, want, wrong)
		}
	}
	f(all, "", "default", nil)
	f(all, "bank", "bank", nil)
	f(all, "B", "", ErrTenantName)
	f(one, "", "bank", nil)
	f(one, "bank", "bank", nil)
	f(one, "shop", "", ErrOtherTenant)
}

func TestStore(t *testing.T) {
	s := Store{filepath.Join(t.TempDir(), "data", FileName)}
	if all, err := s.List(); err != nil || all != nil {
		t.Errorf("no file: %v, %v", all, err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	secret, err := s.Add(Entry{Name: "pbx", Tenant: "bank", Rights: []string{Write}, Created: now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Add(Entry{Name: "pbx", Tenant: "bank", Rights: []string{Write}}); err == nil {
		t.Error("a name is given twice")
	}
	if _, err := s.Add(Entry{Name: "none", Tenant: "bank"}); err == nil {
		t.Error("a key without any right is made")
	}
	if _, err := s.Add(Entry{Name: "a\nb", Tenant: "bank", Rights: []string{Write}}); err == nil {
		t.Error("a name of two lines is taken")
	}
	raw, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), secret) || len(secret) < 50 {
		t.Error("the file holds the secret, or it is short")
	}
	if st, err := os.Stat(s.Path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v, want mode 0600", st.Mode(), err)
	}
	if err := s.Revoke("nobody", now); !errors.Is(err, ErrNoKey) {
		t.Errorf("revoke an unknown key: %v", err)
	}
	for range 2 {
		if err := s.Revoke("pbx", now); err != nil {
			t.Error(err)
		}
	}
	all, err := s.List()
	if err != nil || len(all) != 1 || all[0].State(now) != "revoked" || !all[0].Created.Equal(now) {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestReread makes, changes, spoils and removes the file under a running ring.
func TestReread(t *testing.T) {
	core, logs := observer.New(zapcore.ErrorLevel)
	s := Store{filepath.Join(t.TempDir(), FileName)}
	r, err := New(Config{File: s.Path, Log: zap.New(core)})
	if err != nil {
		t.Fatal(err)
	}
	add := func(e Entry) string {
		t.Helper()
		secret, err := s.Add(e)
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	now := time.Now()
	soon := now.Add(time.Hour)
	past := now.Add(-time.Second)
	a := add(Entry{Name: "a", Tenant: "bank", Rights: []string{Read}, Expires: &soon})
	b := add(Entry{Name: "b", Tenant: "bank", Rights: []string{Read}})
	old := add(Entry{Name: "old", Tenant: "bank", Rights: []string{Read}, Expires: &past})
	testkit.Await(t, "key a", func() bool { return r.FindSecret(a) != nil })
	ka, kb := r.FindSecret(a), r.FindSecret(b)
	if kb == nil || r.FindSecret(old) != nil || r.FindSecret("") != nil {
		t.Error("b is not found, or what has expired is")
	}
	if err := s.Revoke("a", now); err != nil {
		t.Fatal(err)
	}
	testkit.Await(t, "the end of key a", func() bool { return r.FindSecret(a) == nil })
	if r.Holds(ka) || !r.Holds(kb) {
		t.Error("a is still held, or b is gone with it")
	}
	if err := os.WriteFile(s.Path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	testkit.Await(t, "a line of the log", func() bool { r.FindSecret(b); return logs.Len() == 1 })
	if !r.Holds(kb) || r.FindSecret(a) != nil {
		t.Error("a spoilt file changes what is in force")
	}
	if err := os.Remove(s.Path); err != nil {
		t.Fatal(err)
	}
	testkit.Await(t, "the end of all keys", func() bool { return !r.Holds(kb) })
}

func TestFilesThatAreRefused(t *testing.T) {
	f := func(text, words string, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(t.TempDir(), FileName)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
		if _, err := (Store{path}).List(); !strings.Contains(fmt.Sprint(err), words) {
			t.Errorf("%s: %v, want %q", text, err, words)
		}
	}
	f(`{"keys": []}`, "<nil>", 0o600)
	f(`{"keys": []}`, "may be written by others", 0o622)
	f(`{"keyz": []}`, "keyz", 0o600)
	f(`{"keys": [{"name": "a", "tenant": "b", "rights": ["all"]}]}`, "not one of", 0o600)
	f(`{"keys": [{"name": "a", "tenant": "b", "sha256": "00"}]}`, "a digest of 2 characters", 0o600)
	f(strings.Repeat(" ", maxFile+1), "larger than", 0o600)
}

package testkit

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nabz/nabz/services/internal/embedded"
	"github.com/nabz/nabz/services/internal/supervise"
)

// alertmanagerPackage is the Debian package and the name of its program.
const alertmanagerPackage = "prometheus-alertmanager"

// AlertmanagerProgram gives the path of a real Alertmanager: in PATH, in the
// cache, or unpacked into it from Debian's package. Where none can be had the
// test is skipped, and says so.
func AlertmanagerProgram(tb testing.TB) string {
	tb.Helper()
	for _, name := range []string{alertmanagerPackage, "alertmanager"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	cache, err := embedded.CacheDir()
	if err != nil {
		tb.Fatal(err)
	}
	path, err := unpackAlertmanager(tb.Context(), filepath.Join(cache, "alertmanager"))
	if err != nil {
		tb.Skipf("MISSING: no %s in PATH, and it cannot be unpacked from Debian's package: %v", alertmanagerPackage, err)
	}
	return path
}

func unpackAlertmanager(ctx context.Context, home string) (string, error) {
	path := filepath.Join(home, "usr", "bin", alertmanagerPackage)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(home, 0o755); err != nil {
		return "", fmt.Errorf("make the cache folder: %w", err)
	}
	unlock, err := embedded.LockFile(ctx, home+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	fetch := exec.CommandContext(ctx, "apt-get", "download", alertmanagerPackage)
	fetch.Dir = home
	if out, err := fetch.CombinedOutput(); err != nil {
		return "", fmt.Errorf("apt-get download %s: %w: %s", alertmanagerPackage, err, out)
	}
	found, err := filepath.Glob(filepath.Join(home, alertmanagerPackage+"_*.deb"))
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("find the package in %s: %w", home, os.ErrNotExist)
	}
	if out, err := exec.CommandContext(ctx, "dpkg", "-x", found[len(found)-1], home).CombinedOutput(); err != nil {
		return "", fmt.Errorf("dpkg -x %s: %w: %s", found[len(found)-1], err, out)
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("unpack %s: %w", alertmanagerPackage, err)
	}
	return path, nil
}

// RealAlertmanager is one that a test runs, on one address through its lives.
type RealAlertmanager struct {
	URL     string
	program string
	config  string
	address string
}

// NewAlertmanager writes the configuration and chooses an address; Start runs
// it.
func NewAlertmanager(tb testing.TB, config string) *RealAlertmanager {
	tb.Helper()
	program, dir := AlertmanagerProgram(tb), tb.TempDir()
	ports, err := supervise.Ports(tb.Context(), filepath.Join(dir, "ports.json"), "127.0.0.1", []string{"web"})
	if err != nil {
		tb.Fatal(err)
	}
	a := &RealAlertmanager{program: program, config: filepath.Join(dir, "alertmanager.yml"), address: fmt.Sprintf("127.0.0.1:%d", ports["web"])}
	a.URL = "http://" + a.address
	if err := os.WriteFile(a.config, []byte(config), 0o600); err != nil {
		tb.Fatal(err)
	}
	return a
}

// Start begins a life without memory and gives the function that ends it.
func (a *RealAlertmanager) Start(tb testing.TB) (kill func()) {
	tb.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(tb.Context()), a.program, "--config.file="+a.config, "--storage.path="+tb.TempDir(),
		"--web.listen-address="+a.address, "--cluster.listen-address=")
	said, err := os.Create(filepath.Join(tb.TempDir(), "alertmanager.log"))
	if err != nil {
		tb.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = said, said
	ended, err := StartTethered(cmd)
	if err != nil {
		tb.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL) // it may have ended
		<-ended
		said.Close()
	})
	tb.Cleanup(kill)
	ctx := Context(tb)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !a.ready(ctx) {
		select {
		case <-ended:
			out, _ := os.ReadFile(said.Name())
			tb.Fatalf("the Alertmanager ended: %s", out)
		case <-ctx.Done():
			tb.Fatal("the Alertmanager does not become ready")
		case <-tick.C:
		}
	}
	return kill
}

func (a *RealAlertmanager) ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL+"/-/ready", http.NoBody)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

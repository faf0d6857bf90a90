package embedded

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed engine.lock
var engineLock string

// pin is one line of engine.lock.
type pin struct {
	pkg, version      string
	tarHash, libHash  string
	tarBytes, libSize int64
}

func pinFor(platform string) (pin, error) {
	for line := range strings.Lines(engineLock) {
		f := strings.Fields(line)
		if len(f) != 7 || f[0] != platform {
			continue
		}
		p := pin{pkg: f[1], version: f[2], tarHash: f[3], libHash: f[5]}
		var err1, err2 error
		p.tarBytes, err1 = strconv.ParseInt(f[4], 10, 64)
		p.libSize, err2 = strconv.ParseInt(f[6], 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			return pin{}, fmt.Errorf("read engine.lock: %w", err)
		}
		return p, nil
	}
	return pin{}, fmt.Errorf("no ClickHouse engine is pinned for %s: give --clickhouse the address of a server", platform)
}

// CacheDir is where fetched things are kept: $NABZ_CACHE, or nabz in the
// user's cache folder.
func CacheDir() (string, error) {
	if dir := os.Getenv("NABZ_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder (NABZ_CACHE names one): %w", err)
	}
	return filepath.Join(dir, "nabz"), nil
}

// FetchEngine gives the path of libchdb.so. Where the cache does not hold it,
// npm fetches the pinned package; every step prints a line to progress.
// Processes that fetch at once wait for the first.
func FetchEngine(ctx context.Context, cache string, progress io.Writer) (string, error) {
	p, err := pinFor(runtime.GOOS + "/" + runtime.GOARCH)
	if err != nil {
		return "", err
	}
	home := filepath.Join(cache, "clickhouse-engine-"+p.version)
	lib := filepath.Join(home, "libchdb.so")
	if whole(lib, p.libSize) {
		return lib, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("make the cache folder (NABZ_CACHE names another): %w", err)
	}
	unlock, err := LockFile(ctx, home+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if whole(lib, p.libSize) {
		return lib, nil
	}
	temp, err := os.MkdirTemp(cache, "fetch-")
	if err != nil {
		return "", fmt.Errorf("make a folder to fetch into: %w", err)
	}
	defer os.RemoveAll(temp)
	tarball, err := npmPack(ctx, p, temp, progress)
	if err != nil {
		return "", err
	}
	out := filepath.Join(temp, "engine")
	if err := unpack(ctx, tarball, p, out, progress); err != nil {
		return "", err
	}
	if err := os.RemoveAll(home); err != nil {
		return "", fmt.Errorf("replace %s: %w", home, err)
	}
	if err := os.Rename(out, home); err != nil {
		return "", fmt.Errorf("put the engine in place: %w", err)
	}
	fmt.Fprintf(progress, "ClickHouse engine %s: ready in %s\n", p.version, home)
	return lib, nil
}

// whole tells whether the file is there in its full size: it was put in place
// by one rename after its checksum was seen to be right.
func whole(file string, size int64) bool {
	st, err := os.Stat(file)
	return err == nil && st.Size() == size
}

// lockPoll is how often a waiting process asks for the lock.
const lockPoll = 200 * time.Millisecond

// LockFile takes the lock of a file, which is made if need be, and waits while
// another process holds it. The lock ends with the process.
func LockFile(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open lock %s: %w", path, err)
	}
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("wait for lock %s: %w", path, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// maxNpmOutput bounds what is kept of npm's words for an error.
const maxNpmOutput = 16 << 10

// progressEvery is how often a long step says how far it is.
const progressEvery = 2 * time.Second

func npmPack(ctx context.Context, p pin, dir string, progress io.Writer) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", fmt.Errorf("fetch the ClickHouse engine: npm is needed, or --clickhouse with the address of a server: %w", err)
	}
	spec := p.pkg + "@" + p.version
	fmt.Fprintf(progress, "ClickHouse engine: fetching %s (%d MB) into %s\n", spec, p.tarBytes>>20, filepath.Dir(dir))
	cmd := exec.CommandContext(ctx, npm, "pack", spec, "--silent", "--pack-destination", dir, "--cache", filepath.Join(dir, "npm"))
	cmd.Dir = dir
	// npm starts others: a group of its own ends whole.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out := &tailBuffer{max: maxNpmOutput}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("run npm: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			fmt.Fprintf(progress, "ClickHouse engine: fetching, %d of %d MB\n", min(sizeOf(dir), p.tarBytes)>>20, p.tarBytes>>20)
		case err := <-ended:
			if err != nil {
				return "", fmt.Errorf("run npm pack %s: %w: %s", spec, err, strings.TrimSpace(string(out.b)))
			}
			found, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
			if err != nil || len(found) != 1 {
				return "", fmt.Errorf("run npm pack %s: %d packages in %s", spec, len(found), dir)
			}
			return found[0], nil
		}
	}
}

// sizeOf adds up the files below a folder, as far as they can be seen.
func sizeOf(dir string) int64 {
	var n int64
	// Files come and go meanwhile: what is gone counts nothing.
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if st, err := d.Info(); err == nil {
				n += st.Size()
			}
		}
		return nil
	})
	return n
}

// tailBuffer keeps the last bytes written to it.
type tailBuffer struct {
	max int
	b   []byte
}

func (t *tailBuffer) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if len(t.b) > t.max {
		t.b = append(t.b[:0], t.b[len(t.b)-t.max:]...)
	}
	return len(p), nil
}

// unpack checks the package against its pin and writes the library into dir.
func unpack(ctx context.Context, tarball string, p pin, dir string, progress io.Writer) error {
	got, err := hashFile(tarball)
	if err != nil {
		return err
	}
	if got != p.tarHash {
		return fmt.Errorf("check %s %s: SHA-256 is %s, pinned is %s", p.pkg, p.version, got, p.tarHash)
	}
	f, err := os.Open(tarball)
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return fmt.Errorf("unpack %s: %w", tarball, err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			return fmt.Errorf("find libchdb.so in %s: %w", tarball, err)
		}
		if filepath.Base(h.Name) != "libchdb.so" {
			continue
		}
		if h.Size != p.libSize {
			return fmt.Errorf("unpack libchdb.so: %d bytes, pinned are %d", h.Size, p.libSize)
		}
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("unpack libchdb.so: %w", err)
		}
		return writeLibrary(ctx, filepath.Join(dir, "libchdb.so"), r, p, progress)
	}
}

func writeLibrary(ctx context.Context, file string, r io.Reader, p pin, progress io.Writer) error {
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return fmt.Errorf("unpack libchdb.so: %w", err)
	}
	defer out.Close()
	hash := sha256.New()
	to := io.MultiWriter(out, hash)
	const step = 8 << 20
	next := time.Now()
	for done := int64(0); done < p.libSize; {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("unpack libchdb.so: %w", context.Cause(ctx))
		}
		if !time.Now().Before(next) {
			fmt.Fprintf(progress, "ClickHouse engine: unpacking, %d of %d MB\n", done>>20, p.libSize>>20)
			next = time.Now().Add(progressEvery)
		}
		n, err := io.CopyN(to, r, min(step, p.libSize-done))
		if err != nil {
			return fmt.Errorf("unpack libchdb.so: %w", err)
		}
		done += n
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != p.libHash {
		return fmt.Errorf("check libchdb.so: SHA-256 is %s, pinned is %s", got, p.libHash)
	}
	if err := errors.Join(out.Sync(), out.Close()); err != nil {
		return fmt.Errorf("unpack libchdb.so: %w", err)
	}
	return nil
}

func hashFile(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("check: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("check %s: %w", file, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

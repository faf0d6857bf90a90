package keys

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"time"
)

// FileName is the name of the file of keys in a data directory.
const FileName = "keys.json"

// Limits of the file.
const (
	// maxEntries bounds the comparison of each request: 1,000 take 50 µs.
	maxEntries = 1000
	// maxFile is maxEntries of 1 KB.
	maxFile = 1 << 20
)

// keyName keeps names fit for headers, logs and command lines.
var keyName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// Digest stands for a secret.
type Digest [sha256.Size]byte

// MarshalText writes it in hexadecimal.
func (d Digest) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(d[:])), nil }

// UnmarshalText reads it.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) != 2*sha256.Size {
		return fmt.Errorf("a digest of %d characters, %d are expected", len(text), 2*sha256.Size)
	}
	if _, err := hex.Decode(d[:], text); err != nil {
		return fmt.Errorf("read a digest: %w", err)
	}
	return nil
}

// Entry is one key of the file.
type Entry struct {
	Name    string     `json:"name"`
	Tenant  string     `json:"tenant"` // or *
	Rights  []string   `json:"rights"`
	Sources []string   `json:"sources"`
	Digest  Digest     `json:"sha256"` // of the secret
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires,omitempty"`
	Revoked *time.Time `json:"revoked,omitempty"`
}

// State says what has become of the key: active, expired or revoked.
func (e *Entry) State(now time.Time) string {
	switch {
	case e.Revoked != nil:
		return "revoked"
	case e.Expires != nil && !now.Before(*e.Expires):
		return "expired"
	}
	return "active"
}

// Store is the file of keys: mode 0600, replaced whole, written by one process
// at a time.
type Store struct{ Path string }

// content is the form of the file.
type content struct {
	Keys []Entry `json:"keys"`
}

// List gives every key, revoked ones included; none where there is no file.
func (s Store) List() ([]Entry, error) {
	entries, _, err := readFile(s.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

// Add keeps a new key and gives its secret, which is kept nowhere. Name, tenant
// and rights are needed; no sources are all.
func (s Store) Add(e Entry) (secret string, err error) {
	if err := usable(e.Name, e.Tenant, e.Rights); err != nil {
		return "", err
	}
	if !keyName.MatchString(e.Name) {
		return "", fmt.Errorf("name %q: letters, digits, ., - and _ are expected, at most 63", e.Name)
	}
	if len(e.Rights) == 0 {
		return "", errors.New("no right")
	}
	if len(e.Sources) == 0 {
		e.Sources = []string{"*"}
	}
	secret = "nabz_" + rand.Text() + rand.Text() // 260 bits; the prefix lets scanners find a leaked one
	e.Digest = digest(secret)
	err = s.change(func(entries []Entry) ([]Entry, error) {
		if i := index(entries, e.Name); i >= 0 {
			return nil, fmt.Errorf("a key named %s is there, %s: take another name, so that logs tell them apart", e.Name, entries[i].State(e.Created))
		}
		if len(entries) >= maxEntries {
			return nil, fmt.Errorf("%d keys are there, the most", len(entries))
		}
		return append(entries, e), nil
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// ErrNoKey is the error of [Store.Revoke] for a name that is not there.
var ErrNoKey = errors.New("no such key")

// Revoke ends a key at once: services refuse it within two seconds. To revoke
// it again changes nothing.
func (s Store) Revoke(name string, now time.Time) error {
	return s.change(func(entries []Entry) ([]Entry, error) {
		i := index(entries, name)
		if i < 0 {
			return nil, fmt.Errorf("%s: %w", name, ErrNoKey)
		}
		if entries[i].Revoked == nil {
			entries[i].Revoked = &now
		}
		return entries, nil
	})
}

func index(entries []Entry, name string) int {
	return slices.IndexFunc(entries, func(e Entry) bool { return e.Name == name })
}

// change reads, changes and replaces the file while no other process does.
func (s Store) change(with func([]Entry) ([]Entry, error)) error {
	if err := os.MkdirAll(filepath.Dir(s.Path), 0o700); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	lock, err := os.OpenFile(s.Path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock keys: %w", err)
	}
	defer lock.Close() // lets go of the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock keys: %w", err)
	}
	entries, err := s.List()
	if err != nil {
		return err
	}
	if entries, err = with(entries); err != nil {
		return err
	}
	b, err := json.MarshalIndent(content{entries}, "", "  ")
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	temp := s.Path + ".new"
	if err := os.WriteFile(temp, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	if err := os.Rename(temp, s.Path); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	return nil
}

// readFile reads a file of keys strictly. One that others may write is refused:
// whoever can write it can do everything.
func readFile(path string) ([]Entry, []byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read keys: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("read keys: %w", err)
	}
	if st.Mode().Perm()&0o022 != 0 {
		return nil, nil, fmt.Errorf("read keys: %s may be written by others (mode %04o): chmod 600 it", path, st.Mode().Perm())
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read keys: %w", err)
	}
	if len(raw) > maxFile {
		return nil, nil, fmt.Errorf("read keys: %s is larger than %d bytes", path, maxFile)
	}
	var c content
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return nil, nil, fmt.Errorf("read keys %s: %w", path, err)
	}
	for i := range c.Keys {
		e := &c.Keys[i]
		if err := usable(e.Name, e.Tenant, e.Rights); err != nil {
			return nil, nil, fmt.Errorf("read keys %s: key %d (%s): %w", path, i+1, e.Name, err)
		}
	}
	return c.Keys, raw, nil
}

package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// rereadAfter is how old the knowledge of the file may be: a revoked key is
// refused within it. To read a small file once a second costs nothing.
const rereadAfter = time.Second

// Config says where keys come from.
type Config struct {
	Static []Static
	File   string // a [Store]'s; empty: none. It may be missing, and come later.
	Log    *zap.Logger
}

// Ring finds keys. It looks at the file again whenever it is asked and has not
// looked for a second; there is nothing to run and nothing to close.
type Ring struct {
	salt   [32]byte
	static []*Key
	file   string
	log    *zap.Logger

	mu     sync.RWMutex
	all    []*Key
	looked time.Time
	seen   []byte // the file as it was read
	told   string // the trouble that was logged
}

// New checks the configured keys and reads the file. Its errors are mistakes of
// the configuration; the trouble of a file that others write is logged, and
// what was read from it before stays in force.
func New(c Config) (*Ring, error) {
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	r := &Ring{salt: newSalt(), file: c.File, log: c.Log}
	var errs []error
	names := map[string]bool{}
	for i, s := range c.Static {
		s, err := s.resolve()
		if err != nil {
			errs = append(errs, fmt.Errorf("key %d (%s): %w", i+1, s.Name, err))
		}
		if names[s.Name] {
			errs = append(errs, fmt.Errorf("key %d (%s): another key has that name", i+1, s.Name))
		}
		names[s.Name] = true
		r.static = append(r.static, r.key(s))
	}
	if len(c.Static) == 0 && c.File == "" {
		errs = append(errs, errors.New("keys: none, so nobody could do anything"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	r.all = r.static
	r.look(time.Now())
	return r, nil
}

// keys gives the keys in force, those that have expired included.
func (r *Ring) keys(now time.Time) []*Key {
	r.mu.RLock()
	all, fresh := r.all, r.file == "" || now.Sub(r.looked) < rereadAfter
	r.mu.RUnlock()
	if fresh {
		return all
	}
	r.look(now)
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.all
}

// look reads the file anew.
func (r *Ring) look(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == "" || now.Sub(r.looked) < rereadAfter {
		return
	}
	r.looked = now
	entries, raw, err := readFile(r.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.all, r.seen, r.told = r.static, nil, ""
		return
	case err != nil:
		if r.told != err.Error() {
			r.told = err.Error()
			r.log.Error("the keys read before stay in force", zap.Error(err))
		}
		return
	case r.seen != nil && string(raw) == string(r.seen):
		return
	}
	was := r.all
	r.seen, r.told = raw, ""
	r.all = slices.Clone(r.static)
	for _, e := range entries {
		if e.Revoked == nil {
			r.all = append(r.all, r.entry(e, was))
		}
	}
}

// entry makes a key of the file one in force. One that has not changed stays
// the same, so that whoever holds it goes on.
func (r *Ring) entry(e Entry, was []*Key) *Key {
	k := &Key{Name: e.Name, Tenant: e.Tenant, Sources: e.Sources, Rights: e.Rights, digest: r.salted(e.Digest)}
	if e.Expires != nil {
		k.Expires = *e.Expires
	}
	for _, old := range was {
		if reflect.DeepEqual(old, k) {
			return old
		}
	}
	return k
}

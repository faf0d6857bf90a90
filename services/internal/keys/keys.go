// Package keys is the API keys of an installation and what each may do: those
// of the configuration, and those of a file that is made and revoked while
// services run.
//
// It does not know what is asked for with a key. It holds no secret: only
// digests, compared in constant time.
package keys

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Rights of a key.
const (
	Write = "write" // send events to the live feed
	Feeds = "feeds" // send named feeds and their clocks
	Read  = "read"  // ask for values, incidents and explanations
	Admin = "admin" // all of these
)

// Rights are all rights.
func Rights() []string { return []string{Write, Feeds, Read, Admin} }

// AllTenants stands for every tenant.
const AllTenants = "*"

// Static is a key of the configuration.
type Static struct {
	Name    string // shown in logs and dead letters
	Key     string // the secret itself, 20 characters or more
	KeyFile string // holds Key
	Tenant  string // or * for every tenant
	Sources []string
	Rights  []string
	Rate    float64 // events per second, 0: no quota
	Burst   int     // events at once; 0: two seconds of Rate, or one batch
}

const (
	// minSecret is the least length of a secret that somebody chose.
	minSecret = 20
	// leastBurst is the collector's greatest batch, so a slow quota still
	// lets one through.
	leastBurst = 1000
)

// Key is one key as it is in force.
type Key struct {
	Name    string
	Tenant  string   // or *
	Sources []string // patterns, in which * stands for any text
	Rights  []string
	Expires time.Time // zero: never
	digest  [sha256.Size]byte
	quota   *bucket // nil: none
}

// Has tells whether the key has a right.
func (k *Key) Has(right string) bool {
	return slices.Contains(k.Rights, right) || slices.Contains(k.Rights, Admin)
}

// Sends tells whether the key may send events of a source.
func (k *Key) Sends(source string) bool {
	return slices.ContainsFunc(k.Sources, func(p string) bool { return matches(p, source) })
}

// Take takes n from the key's quota, or says how long to wait until n would be
// there.
func (k *Key) Take(n int, now time.Time) (wait time.Duration) {
	if k.quota == nil {
		return 0
	}
	return k.quota.take(n, now)
}

// The errors of [Key.TenantOf].
var (
	ErrTenantName  = errors.New("a tenant's name is expected: small letters, digits, - and _")
	ErrOtherTenant = errors.New("the key is of another tenant")
)

// TenantOf gives the tenant of a request that names that one, or none: the
// key's own; with a key of every tenant the one named, else the fallback.
func (k *Key) TenantOf(named, fallback string) (string, error) {
	switch {
	case k.Tenant == AllTenants && named == "":
		return fallback, nil
	case k.Tenant == AllTenants && !IsTenant(named):
		return "", ErrTenantName
	case k.Tenant == AllTenants:
		return named, nil
	case named != "" && named != k.Tenant:
		return "", ErrOtherTenant
	}
	return k.Tenant, nil
}

var tenantName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// IsTenant tells whether s may be the name of a tenant.
func IsTenant(s string) bool { return tenantName.MatchString(s) }

// digest is what stands for a secret in the file. Secrets are random, 128 bits
// and more, so a plain digest gives nothing away.
func digest(secret string) [sha256.Size]byte {
	return sha256.Sum256([]byte("nabz api key v1\x00" + secret))
}

// salted is a digest under a key of this process, so that neither memory nor
// timing gives away a secret that somebody chose.
func (r *Ring) salted(d [sha256.Size]byte) (out [sha256.Size]byte) {
	mac := hmac.New(sha256.New, r.salt[:])
	mac.Write(d[:])
	mac.Sum(out[:0])
	return out
}

// Find gives the key that a request carries, or nil.
func (r *Ring) Find(req *http.Request) *Key {
	scheme, secret, ok := strings.Cut(req.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	return r.FindSecret(strings.TrimSpace(secret))
}

// FindSecret gives the key that a secret opens, or nil. It compares all keys,
// each in constant time.
func (r *Ring) FindSecret(secret string) *Key {
	d := r.salted(digest(secret))
	now := time.Now()
	var found *Key
	for _, k := range r.keys(now) {
		if hmac.Equal(k.digest[:], d[:]) {
			found = k
		}
	}
	if found == nil || found.expired(now) {
		return nil
	}
	return found
}

// Holds tells whether a key that was found is still in force: for those who
// answer for longer than a moment.
func (r *Ring) Holds(k *Key) bool {
	now := time.Now()
	return slices.Contains(r.keys(now), k) && !k.expired(now)
}

func (k *Key) expired(now time.Time) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) }

// resolve reads the secret of a configured key and checks the rest.
func (s Static) resolve() (Static, error) {
	var err error
	if s.Key, err = Secret(s.Key, s.KeyFile); err != nil {
		return s, err
	}
	if len(s.Key) < minSecret {
		return s, fmt.Errorf("%d characters, at least %d are needed", len(s.Key), minSecret)
	}
	if err := usable(s.Name, s.Tenant, s.Rights); err != nil {
		return s, err
	}
	if len(s.Sources) == 0 {
		s.Sources = []string{"*"}
	}
	if s.Rate < 0 || s.Burst < 0 {
		return s, errors.New("a negative quota")
	}
	if s.Burst == 0 {
		s.Burst = max(int(2*s.Rate), leastBurst)
	}
	return s, nil
}

func usable(name, tenant string, rights []string) error {
	if name == "" {
		return errors.New("no name")
	}
	if tenant != AllTenants && !IsTenant(tenant) {
		return fmt.Errorf("tenant %q is neither * nor a name: small letters, digits, - and _", tenant)
	}
	for _, right := range rights {
		if !slices.Contains(Rights(), right) {
			return fmt.Errorf("right %q is not one of %s", right, strings.Join(Rights(), ", "))
		}
	}
	return nil
}

// key makes a configured key one in force.
func (r *Ring) key(s Static) *Key {
	k := &Key{Name: s.Name, Tenant: s.Tenant, Sources: s.Sources, Rights: s.Rights, digest: r.salted(digest(s.Key))}
	if s.Rate > 0 {
		k.quota = newBucket(s.Rate, s.Burst, time.Now())
	}
	return k
}

// newSalt never fails: crypto/rand.Read ends the process instead.
func newSalt() (salt [32]byte) {
	_, _ = rand.Read(salt[:])
	return salt
}

// Secret gives the value itself or the content of its file, without the line
// break that editors leave behind.
func Secret(value, file string) (string, error) {
	if file == "" {
		return value, nil
	}
	if value != "" {
		return "", errors.New("given twice, as a value and as a file")
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// matches tells whether s has the form of a pattern, in which * stands for any
// text.
func matches(pattern, s string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return s == pattern
	}
	s, ok := strings.CutPrefix(s, head)
	if !ok {
		return false
	}
	for {
		part, more, star := strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], more
	}
}

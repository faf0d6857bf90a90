package collector

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// keyring finds the key of a request. It holds digests under a key of its own
// process, and compares all of them in constant time, so neither memory nor
// timing gives a key away.
type keyring struct {
	salt [32]byte
	keys []*key
}

type key struct {
	Key
	digest [sha256.Size]byte
	quota  *bucket // nil: none
}

func newKeyring(keys []Key) *keyring {
	r := &keyring{}
	// crypto/rand.Read never fails: it ends the process instead.
	_, _ = rand.Read(r.salt[:])
	for _, k := range keys {
		held := &key{Key: k, digest: r.digest(k.Key)}
		held.Key.Key = ""
		if k.Rate > 0 {
			held.quota = newBucket(k.Rate, k.Burst, time.Now())
		}
		r.keys = append(r.keys, held)
	}
	return r
}

func (r *keyring) digest(secret string) (out [sha256.Size]byte) {
	mac := hmac.New(sha256.New, r.salt[:])
	mac.Write([]byte(secret))
	mac.Sum(out[:0])
	return out
}

// find gives the key that a request carries, or nil.
func (r *keyring) find(req *http.Request) *key {
	scheme, secret, ok := strings.Cut(req.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	digest := r.digest(strings.TrimSpace(secret))
	var found *key
	for _, k := range r.keys {
		if hmac.Equal(k.digest[:], digest[:]) {
			found = k
		}
	}
	return found
}

func (k *key) has(right string) bool { return slices.Contains(k.Rights, right) }

// tenantOf gives the tenant of an event that names that one, or none.
func (k *key) tenantOf(named, fallback string) (string, *problem) {
	switch {
	case k.Tenant == "*" && named == "":
		return fallback, nil
	case k.Tenant == "*" && !tenantName.MatchString(named):
		return "", refuse(BadValue, "tenant", "a tenant's name is expected: small letters, digits, - and _")
	case k.Tenant == "*":
		return named, nil
	case named != "" && named != k.Tenant:
		return "", refuse(Forbidden, "tenant", "the key is of another tenant")
	}
	return k.Tenant, nil
}

// allows tells whether the key may send that event.
func (k *key) allows(source string, named, clock bool) *problem {
	switch {
	case !slices.ContainsFunc(k.Sources, func(p string) bool { return matches(p, source) }):
		return refuse(Forbidden, "source", "the key may not send events of that source")
	case (named || clock) && !k.has(RightFeeds):
		return refuse(Forbidden, "feed", "the key lacks the right feeds")
	case !named && !clock && !k.has(RightWrite):
		return refuse(Forbidden, "", "the key lacks the right write")
	}
	return nil
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

// bucket is a quota: rate tokens a second, burst at most.
type bucket struct {
	mu    sync.Mutex
	rate  float64
	burst float64
	left  float64
	at    time.Time
}

func newBucket(rate float64, burst int, now time.Time) *bucket {
	return &bucket{rate: rate, burst: float64(burst), left: float64(burst), at: now}
}

// take takes n, or says how long to wait until n would be there. More than
// the burst is let through when the bucket is full, and owed.
func (b *bucket) take(n int, now time.Time) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.burst, b.left+b.rate*max(0, now.Sub(b.at).Seconds()))
	b.at = now
	need := min(float64(n), b.burst)
	if b.left < need {
		return time.Duration((need - b.left) / b.rate * float64(time.Second))
	}
	b.left -= float64(n)
	return 0
}

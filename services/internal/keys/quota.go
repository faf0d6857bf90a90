package keys

import (
	"sync"
	"time"
)

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

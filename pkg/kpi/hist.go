package kpi

import (
	"math"
	"math/bits"
)

// Buckets is how many buckets a Hist has. A length of less than 64 ms has one
// of its own; from there on every doubling has 32, so that the middle of a
// bucket is off by at most 1/64, 1.6 %. The last begins at 775 days and takes
// all that is longer.
const Buckets = 1024

const (
	perDoubling = 32
	longest     = int64(1)<<36 - 1
)

// Bucket is the bucket of a length, ms ≥ 0.
func Bucket(ms int64) uint16 {
	ms = min(ms, longest)
	if ms < perDoubling {
		return uint16(max(ms, 0))
	}
	shift := bits.Len64(uint64(ms)) - 6
	return uint16(perDoubling*shift + int(ms>>shift))
}

// Middle is the middle of the lengths of a bucket, ms.
func Middle(bucket uint16) float64 {
	if bucket < 2*perDoubling {
		return float64(bucket)
	}
	shift := int(bucket)/perDoubling - 1
	low := int64(int(bucket)-perDoubling*shift) << shift
	return float64(low) + float64(int64(1)<<shift-1)/2
}

// BucketCount is how many facts lie in one bucket.
type BucketCount struct {
	Bucket uint16
	Count  int64
}

// quantile is the length of the fact of nearest rank: the least that percent of
// a hundred do not exceed. ok is false where there is no fact.
func quantile(counts []BucketCount, percent int) (ms float64, ok bool) {
	var all int64
	for _, c := range counts {
		all += c.Count
	}
	if all <= 0 {
		return 0, false
	}
	rank := (int64(percent)*all + 99) / 100
	for _, c := range counts {
		if rank -= c.Count; rank <= 0 {
			return Middle(c.Bucket), true
		}
	}
	return 0, false
}

// greatest is the length of the longest, as its bucket tells it.
func greatest(counts []BucketCount) (ms float64, ok bool) {
	for i := len(counts) - 1; i >= 0; i-- {
		if counts[i].Count > 0 {
			return Middle(counts[i].Bucket), true
		}
	}
	return 0, false
}

// deviation is the standard deviation of all lengths, as their buckets tell
// them. ok is false where there is no fact.
func deviation(counts []BucketCount) (ms float64, ok bool) {
	var n, sum, squares float64
	for _, c := range counts {
		n += float64(c.Count)
		sum += float64(c.Count) * Middle(c.Bucket)
	}
	if n <= 0 {
		return 0, false
	}
	for _, c := range counts {
		off := Middle(c.Bucket) - sum/n
		squares += float64(c.Count) * off * off
	}
	return math.Sqrt(max(0, squares/n)), true
}

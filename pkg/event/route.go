package event

// Key is the record key of one copy of an event: all copies for one entity
// share it, so they share a partition, a task and an order.
func Key(dst []byte, tenant, feed, kind, entity string) []byte {
	dst = append(dst, tenant...)
	dst = append(dst, 0)
	dst = append(dst, feed...)
	dst = append(dst, 0)
	dst = append(dst, kind...)
	dst = append(dst, 0)
	return append(dst, entity...)
}

// Partition is the partition of a key among n, as Kafka's own default
// partitioner places it: murmur2, made positive, modulo n. n is ≥ 1.
func Partition(key []byte, n int32) int32 {
	return int32(murmur2(key)&0x7fffffff) % n
}

// murmur2 is the 32-bit hash that Kafka's Java client uses
// (org.apache.kafka.common.utils.Utils.murmur2).
func murmur2(b []byte) uint32 {
	const (
		seed = 0x9747b28c
		m    = 0x5bd1e995
		r    = 24
	)
	h := uint32(seed) ^ uint32(len(b))
	for len(b) >= 4 {
		k := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
		b = b[4:]
		k *= m
		k ^= k >> r
		k *= m
		h *= m
		h ^= k
	}
	switch len(b) {
	case 3:
		h ^= uint32(b[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(b[1]) << 8
		fallthrough
	case 1:
		h ^= uint32(b[0])
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}

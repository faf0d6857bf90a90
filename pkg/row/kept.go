package row

import "google.golang.org/protobuf/encoding/protowire"

// IsKept tells whether a record is a reading for the record of what was shown,
// without reading it whole: most readings pass by.
func IsKept(b []byte) bool {
	outer, typ, n := protowire.ConsumeTag(b)
	if n < 0 || typ != protowire.BytesType || outer != numReading {
		return false
	}
	body, m := protowire.ConsumeBytes(b[n:])
	for m >= 0 && len(body) > 0 {
		field, typ, n := protowire.ConsumeTag(body)
		if n < 0 || field == numKept {
			return n >= 0
		}
		m = protowire.ConsumeFieldValue(field, typ, body[n:])
		if m >= 0 {
			body = body[n+m:]
		}
	}
	return false
}

package row

import "google.golang.org/protobuf/encoding/protowire"

// Refusal gives the reason of a record that is a reject; of others the empty
// text, without reading them.
func Refusal(b []byte) string {
	if outer, typ, n := protowire.ConsumeTag(b); n < 0 || typ != protowire.BytesType || outer != numReject {
		return ""
	}
	r, err := Decode(b)
	if err != nil {
		return ""
	}
	return r.(*Reject).Reason
}

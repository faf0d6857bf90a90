package collector

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/pkg/event"
)

// maxReason is the most bytes of a dead letter's dlq_error.
const maxReason = 512

// sealedType is the content type of a dead letter that could not be read, and
// so is encrypted as a whole.
const sealedType = "application/vnd.nabz.sealed"

// masked stands in a dead letter in place of a value that nobody knows, and
// which may therefore be personal.
const masked = `"***"`

// deadLetter is the record of an event that was refused. Its value is the
// event with tokens in place of identifiers and with unknown values masked; the
// header dlq_sealed holds the event as it came, encrypted with the tenant's
// key, so that it can be sent again. An event that is no JSON is only sealed.
func (d *decoder) deadLetter(topic, keyName string, t *tenant, raw []byte, p *problem) *kgo.Record {
	detail := string(p.reason)
	if p.field != "" {
		detail += ": " + p.field
	}
	if p.detail != "" {
		detail += ": " + p.detail
	}
	r := &kgo.Record{Topic: topic, Headers: []kgo.RecordHeader{
		{Key: "dlq_reason", Value: []byte(p.reason)},
		{Key: "dlq_stage", Value: []byte("collector")},
		{Key: "dlq_error", Value: []byte(detail[:min(len(detail), maxReason)])},
		{Key: "dlq_tenant", Value: []byte(t.name)},
		{Key: "dlq_api_key", Value: []byte(keyName)},
	}}
	contentType := "application/cloudevents+json"
	switch {
	case p.reason == TooLarge:
		// The sender has it still: a record of several megabytes would not
		// fit into the topic.
		r.Value = []byte(`{}`)
	case p.reason == TooDeep || !loose(raw) || raw[0] != '{':
		r.Value, contentType = t.sealed(raw), sealedType
	default:
		r.Value = d.mask(nil, t, string(raw))
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: "dlq_sealed", Value: t.sealed(raw)})
	}
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: "content-type", Value: []byte(contentType)})
	return r
}

// mask writes an event anew without what may be personal.
func (d *decoder) mask(dst []byte, t *tenant, object string) []byte {
	return appendMembers(dst, object, func(dst []byte, name, value string) []byte {
		switch {
		case name == "data" && value[0] == '{':
			return appendMembers(dst, value, func(dst []byte, name, value string) []byte { return d.maskField(dst, t, name, value) })
		case slices.Contains(attributes, name) && name != "data" && name != "data_base64" && value[0] != '{' && value[0] != '[':
			return append(dst, value...)
		}
		return append(dst, masked...)
	})
}

// maskField writes one value of data. Only scalars of known fields that are not
// personal stay; of a personal one the token.
func (d *decoder) maskField(dst []byte, t *tenant, name, value string) []byte {
	f, known := d.cat.Field(name)
	switch {
	case !known || value[0] == '{' || value[0] == '[':
		return append(dst, masked...)
	case !f.Personal:
		return append(dst, value...)
	case value[0] == '"':
		return appendQuote(dst, t.token(unquote(value)))
	}
	return appendQuote(dst, t.token(value))
}

// appendMembers writes the members of an object with other values. Of unknown
// names only those are repeated that are fit for it.
func appendMembers(dst []byte, object string, value func(dst []byte, name, value string) []byte) []byte {
	dst = append(dst, '{')
	first := true
	// The walker gives no problem that is not returned here.
	_ = members(object, func(name, raw string) *problem {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendQuote(dst, bare(name)), ':')
		dst = value(dst, name, raw)
		return nil
	})
	return append(dst, '}')
}

// partitionOfLetter spreads dead letters by the tenant and the event's id, if
// it was read that far.
func (d *decoder) partitionOfLetter(t *tenant, partitions int32) int32 {
	d.scratch = event.Key(d.scratch[:0], t.name, "", d.env.source, d.env.id)
	return event.Partition(d.scratch, partitions)
}

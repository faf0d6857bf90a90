package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// body is one request: its bytes and how it says they are to be read.
type body struct {
	kind     string // Content-Type
	encoding string // Content-Encoding
	bytes    []byte
}

// maker makes bodies that no sane client sends, from a seed.
type maker struct {
	rnd *rand.Rand
	run string
	n   int
}

// Words that readers of JSON stumble over.
var words = []string{
	`null`, `-0`, `1e400`, `NaN`, `9223372036854775808`, `0.1e-999`, `"\ud800"`, "\"\xff\xfe\"", `"\u0000"`, `{}`, `[]`, `[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]`,
	`{"a":1,"a":2}`, `true`, `"` + strings.Repeat("A", 300) + `"`, `"2026-02-30T00:00:00Z"`, `"9999-12-31T23:59:60Z"`, `"<script>alert(1)</script>"`, `"'; DROP TABLE events; --"`, ``, `,`, `:`,
}

// event makes one event that is right.
func (m *maker) event() []byte {
	m.n++
	types := []string{"contact.queued", "contact.answered", "contact.ended", "agent.login", "order.paid"}
	data := []map[string]any{
		{"contact_id": fmt.Sprintf("c%d", m.rnd.IntN(1000)), "queue_id": "q", "channel": "voice", "customer_id": "k"},
		{"contact_id": fmt.Sprintf("c%d", m.rnd.IntN(1000)), "agent_id": "a", "queue_id": "q"},
		{"contact_id": fmt.Sprintf("c%d", m.rnd.IntN(1000)), "by": "customer"},
		{"agent_id": fmt.Sprintf("a%d", m.rnd.IntN(50))},
		{"order_id": fmt.Sprintf("o%d", m.n), "customer_id": "k", "amount": "12.5", "currency": "EUR"},
	}
	which := m.rnd.IntN(len(types))
	e := map[string]any{
		"specversion": "1.0", "id": fmt.Sprintf("%s-%d", m.run, m.n), "source": "fuzz", "type": types[which],
		"time": time.Now().UTC().Format(time.RFC3339Nano), "data": data[which],
	}
	b, err := json.Marshal(e)
	if err != nil {
		panic("fuzz: encode an event: " + err.Error())
	}
	return b
}

// next makes the next body.
func (m *maker) next() body {
	b := body{kind: "application/cloudevents+json", bytes: m.event()}
	if m.rnd.IntN(3) == 0 {
		b.kind = "application/cloudevents-batch+json"
		all := [][]byte{}
		for range 1 + m.rnd.IntN(8) {
			one := m.event()
			if m.rnd.IntN(2) == 0 {
				one = m.mutate(one)
			}
			all = append(all, one)
		}
		b.bytes = append(append([]byte("["), bytes.Join(all, []byte(","))...), ']')
	}
	for range m.rnd.IntN(4) {
		b.bytes = m.mutate(b.bytes)
	}
	switch m.rnd.IntN(20) {
	case 0:
		b.encoding, b.bytes = "gzip", packed(b.bytes)
	case 1:
		b.encoding = []string{"gzip", "zstd", "br", "identity, gzip"}[m.rnd.IntN(4)] // and it is not
	case 2:
		b.kind = []string{"application/json", "text/plain", "application/cloudevents+json; charset=latin1", ""}[m.rnd.IntN(4)]
	case 3:
		if m.rnd.IntN(50) == 0 {
			b.encoding, b.bytes = "gzip", packed(bytes.Repeat([]byte(" "), 64<<20)) // a bomb
		}
	}
	return b
}

// mutate breaks a text in one place.
func (m *maker) mutate(in []byte) []byte {
	if len(in) == 0 {
		return in
	}
	b := bytes.Clone(in)
	i := m.rnd.IntN(len(b))
	j := min(len(b), i+1+m.rnd.IntN(16))
	word := []byte(words[m.rnd.IntN(len(words))])
	switch m.rnd.IntN(7) {
	case 0:
		b[i] ^= 1 << m.rnd.IntN(8)
	case 1:
		return b[:i]
	case 2:
		return append(b[:i], b[j:]...)
	case 3: // a part twice
		return append(bytes.Clone(b[:j]), b[i:]...)
	case 4:
		return append(append(bytes.Clone(b[:i]), word...), b[i:]...)
	case 5: // a value is another
		if at := bytes.IndexByte(b[i:], ':'); at >= 0 {
			end := bytes.IndexAny(b[i+at+1:], ",}")
			if end >= 0 {
				return append(append(bytes.Clone(b[:i+at+1]), word...), b[i+at+1+end:]...)
			}
		}
	default:
		b[i] = byte(m.rnd.IntN(256))
	}
	return b
}

func packed(in []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(in); err != nil {
		panic("fuzz: pack: " + err.Error())
	}
	if err := w.Close(); err != nil {
		panic("fuzz: pack: " + err.Error())
	}
	return out.Bytes()
}

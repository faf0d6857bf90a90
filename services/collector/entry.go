package collector

import (
	"crypto/sha1"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/nabz/nabz/pkg/strictyaml"
)

// Values that people enter by hand become events of this type and source.
const (
	entryType   = "manual.value"
	entrySource = "manual"
	// maxEntries is how many entries of one millisecond are told apart: the
	// greatest revision, with it, is within what JSON keeps exactly.
	maxEntries = 1_000
)

// entryFields are the members of an entry: the field of the event that each
// becomes, or nothing where it is of the envelope.
var entryFields = map[string]string{
	"name": "measured", "value": "value", "unit": "unit", "segment": "segment", "department": "department",
	"period_start": "period_start", "period_end": "period_end", "time": "", "tenant": "",
}

// entryNames are those members in the order in which they are asked for.
var entryNames = []string{"name", "value", "unit", "period_start", "period_end", "time", "segment", "department", "tenant"}

// entries makes structured events of a body with one entry or an array of
// entries, of which the author is the key's name. An entry is named by what it
// is of: the same entered again corrects it. Values are never quoted, for what
// people type may be personal.
func (s *Service) entries(body []byte, author string, now int64) ([]byte, mode, *problem) {
	text := string(body)
	how, from := structured, skipSpace(text, 0)
	spans := []span{{from: from, to: len(text)}}
	if from < len(text) && text[from] == '[' {
		var p *problem
		how = batched
		if spans, p = split(text, s.config.Limits.Batch, nil); p != nil {
			return nil, how, p
		}
	}
	var out []byte
	for i, at := range spans {
		if at.depth > maxDepth {
			return nil, how, refuse(TooDeep, "", "arrays and objects in more levels than an entry has")
		}
		if p := check(body[at.from:at.to]); p != nil {
			return nil, how, p
		}
		// Of two entries of one request the later stands.
		e, p := entry(text[at.from:at.to], author, now*maxEntries+int64(min(i, maxEntries-1)))
		if p != nil {
			return nil, how, p
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, e...)
	}
	if how == batched {
		out = append(append([]byte{'['}, out...), ']')
	}
	return out, how, nil
}

// entry makes an event of one entry.
func entry(text, author string, revision int64) ([]byte, *problem) {
	said := map[string]string{}
	p := members(text, func(name, value string) *problem {
		if _, ok := entryFields[name]; !ok {
			return refuse(UnknownField, bare(name), "an entry has no such member"+strictyaml.Hint(name, entryNames))
		}
		if name == "value" && (value[0] == '-' || value[0] >= '0' && value[0] <= '9') {
			value = `"` + value + `"`
		}
		said[name] = value
		return nil
	})
	if p != nil {
		return nil, p
	}
	if said["time"] == "" {
		if said["time"] = said["period_end"]; said["time"] == "" {
			return nil, refuse(MissingField, "time", "the instant or the period that the value is of is missing: time, or period_end")
		}
	}
	if said["value"] == "" {
		return nil, refuse(MissingField, "value", "the member is missing")
	}
	h := sha1.New()
	for _, name := range []string{"name", "time", "unit", "segment", "department"} {
		h.Write([]byte(said[name] + "\x00"))
	}
	out := []byte(`{"specversion":"1.0","id":"` + hex.EncodeToString(h.Sum(nil)) + `","source":"` + entrySource + `","type":"` + entryType + `","revision":`)
	out = append(strconv.AppendInt(out, revision, 10), `,"time":`...)
	out = append(out, said["time"]...)
	if t := said["tenant"]; t != "" {
		out = append(append(out, `,"tenant":`...), t...)
	}
	out = appendQuote(append(out, `,"data":{"author":`...), author)
	for _, name := range entryNames {
		if field := entryFields[name]; field != "" && said[name] != "" {
			out = append(append(append(out, `,"`...), field...), `":`...)
			out = append(out, said[name]...)
		}
	}
	return append(out, "}}"...), nil
}

// entryField names a field of the event as the entry has it.
func entryField(field string) string {
	field = strings.TrimPrefix(field, "data.")
	if field == "measured" {
		return "name"
	}
	return field
}

// modeOfEntries refuses what is no JSON.
func modeOfEntries(h http.Header) (mode, *problem) {
	if !isJSON(h.Get("Content-Type")) {
		return 0, refuse(Unsupported, "Content-Type", "application/json is expected, in UTF-8")
	}
	return structured, nil
}

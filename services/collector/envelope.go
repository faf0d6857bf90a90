package collector

import (
	"slices"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/strictyaml"
)

// envelope is a CloudEvent before it is known what any of it means: texts, as
// they came. Empty: absent.
type envelope struct {
	specVersion string
	id          string
	source      string
	typ         string
	time        string
	contentType string
	tenant      string
	feed        string
	session     string
	generation  string
	sequence    string
	revision    string
	replaces    string
	replacesAt  string
	data        string // JSON as it stands
}

// attributes are the names of the envelope that are read or passed over
// knowingly. A name that is a slip of one of these is refused; any other
// extension is passed over, as CloudEvents asks.
var attributes = []string{
	"specversion", "id", "source", "type", "time", "datacontenttype", "dataschema", "subject", "data", "data_base64",
	"tenant", "feed", "feedsession", "feedgeneration", "sequence", "revision", "replaces", "replacestime",
	"partitionkey", "traceparent", "tracestate",
}

// slot gives where the text of an attribute goes; nil: nowhere.
func (e *envelope) slot(name string) *string {
	switch name {
	case "specversion":
		return &e.specVersion
	case "id":
		return &e.id
	case "source":
		return &e.source
	case "type":
		return &e.typ
	case "time":
		return &e.time
	case "datacontenttype":
		return &e.contentType
	case "tenant":
		return &e.tenant
	case "feed":
		return &e.feed
	case "feedsession":
		return &e.session
	case "feedgeneration":
		return &e.generation
	case "sequence":
		return &e.sequence
	case "revision":
		return &e.revision
	case "replaces":
		return &e.replaces
	case "replacestime":
		return &e.replacesAt
	}
	return nil
}

// read takes one valid JSON object apart.
func (e *envelope) read(text string) *problem {
	*e = envelope{}
	return members(text, e.member)
}

func (e *envelope) member(name, value string) *problem {
	switch name {
	case "data":
		e.data = value
		return nil
	case "data_base64":
		return refuse(BadValue, name, "data is JSON, not bytes")
	}
	slot := e.slot(name)
	if slot == nil {
		return extension(name, value)
	}
	switch value[0] {
	case '"':
		*slot = unquote(value)
		if *slot == "" || !within(*slot, maxWord) || !cleanText(*slot, false) {
			return refuse(badWord(name), name, "a text of 1 to 256 characters without control characters is expected")
		}
	case '{', '[', 'n', 't', 'f':
		return refuse(BadType, name, "a text is expected")
	default:
		if !numeric(name) {
			return refuse(BadType, name, "a text is expected")
		}
		*slot = value
	}
	return nil
}

// numeric tells which attributes may be JSON numbers as well as texts.
func numeric(name string) bool {
	switch name {
	case "sequence", "revision", "feedsession", "feedgeneration":
		return true
	}
	return false
}

func badWord(name string) Reason {
	if name == "id" {
		return BadID
	}
	return BadValue
}

// extension judges an attribute that is not read.
func extension(name, value string) *problem {
	if slices.Contains(attributes, name) {
		return nil
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return refuse(UnknownField, bare(name), "no such attribute"+strictyaml.Hint(name, attributes))
		}
	}
	if best := strictyaml.Nearest(name, attributes); best != "" && strictyaml.Distance(name, best) <= 2 {
		return refuse(UnknownField, bare(name), `no such attribute, did you mean "`+best+`"?`)
	}
	if name == "" || len(name) > maxName || value[0] == '{' || value[0] == '[' {
		return refuse(UnknownField, bare(name), "an extension has a name of 1 to 64 letters and digits, and its value is a text, a number or a boolean")
	}
	return nil
}

// bare is shown without quotes.
func bare(name string) string {
	s := shown(name)
	if s[0] == '"' {
		return name
	}
	return s
}

// require checks what every event must have, whatever its type.
func (e *envelope) require() *problem {
	for _, must := range [...]struct{ name, value string }{{"specversion", e.specVersion}, {"id", e.id}, {"source", e.source}, {"type", e.typ}, {"time", e.time}} {
		if must.value == "" {
			return refuse(MissingField, must.name, "the attribute is missing")
		}
	}
	if e.specVersion != "1.0" {
		return refuse(BadValue, "specversion", `"1.0" is expected`)
	}
	if e.contentType != "" && !isJSON(e.contentType) {
		return refuse(BadValue, "datacontenttype", "application/json is expected")
	}
	return nil
}

// count reads one of the whole numbers of the envelope; absent is 0.
func count(name, value string, least int64) (int64, *problem) {
	if value == "" {
		return 0, nil
	}
	var v int64
	for i := range len(value) {
		if value[i] < '0' || value[i] > '9' || len(value) > 16 {
			return 0, refuse(BadValue, name, "a whole number is expected, in figures, 0 to 9007199254740991")
		}
		v = v*10 + int64(value[i]-'0')
	}
	if v > event.MaxInt {
		return 0, refuse(BadValue, name, "a whole number is expected, in figures, 0 to 9007199254740991")
	}
	if v < least {
		return 0, refuse(BadValue, name, "a number from 1 on is expected")
	}
	return v, nil
}

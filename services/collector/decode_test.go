package collector

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.uber.org/zap"

	"github.com/nabz/nabz/pkg/event"
)

func newTestIntake(t testing.TB) *intake {
	t.Helper()
	s, err := New(testConfig(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return newIntake(s, s.keys.FindSecret(testKey), time.Now(), topics{events: 8, deadLetters: 4})
}

// oddValues are JSON values at the borders of what fields may hold.
var oddValues = []string{
	`null`, `true`, `false`, `{}`, `[]`, `[1]`, `{"a":"b"}`, `""`, `"x"`, `"\u0000"`, `"a\nb"`, `"\u007f"`, `"صف"`, `"\ud83d\ude00"`,
	`0`, `-0`, `1`, `-1`, `1.0`, `1.5`, `1e2`, `1E+2`, `15e-1`, `150e-1`, `1e400`, `-1e400`, `0e999999`, `9007199254740991`, `9007199254740992`,
	`-9007199254740991`, `-9007199254740992`, `9223372036854775808`, `9007199254740991.0`, `900719925474099.1e1`, `0.1`, `1e-400`,
	`"0"`, `"-0"`, `"12.50"`, `"12.12345"`, `"1e3"`, `"01"`, `"."`, `"1."`, `".5"`, `"99999999999999.9999"`, `"100000000000000"`, `"+1"`, `"-"`,
	`"2026-11-22T14:05:09Z"`, `"2026-11-22T14:05:09.123456789+03:30"`, `"2026-11-22t14:05:09z"`, `"2026-02-29T00:00:00Z"`, `"2024-02-29T00:00:00Z"`,
	`"1900-02-29T00:00:00Z"`, `"1970-12-31T23:59:59Z"`, `"1971-01-01T00:00:00Z"`, `"1971-01-01T00:00:00+23:59"`, `"2105-12-31T23:59:59-23:59"`, `"2106-01-01T00:00:00Z"`,
	`"2026-11-22T24:00:00Z"`, `"2026-11-22T23:59:60Z"`, `"2026-11-22T14:05Z"`, `"2026-11-22 14:05:09Z"`, `"2026-11-22T14:05:09"`, `"2026-11-22T14:05:09.Z"`,
	`"2026-11-22T14:05:09.1234567890Z"`, `"2026-11-22T14:05:09+24:00"`, `"2026-11-22T14:05:09-00:00"`, `"2026-13-01T00:00:00Z"`, `"2026-04-31T00:00:00Z"`, `"2026-00-10T00:00:00Z"`,
	`"` + strings.Repeat("x", 256) + `"`, `"` + strings.Repeat("x", 257) + `"`, `"` + strings.Repeat("ص", 256) + `"`, `"` + strings.Repeat("ص", 257) + `"`, `"` + strings.Repeat("x", 35) + `"`, `"` + strings.Repeat("x", 36) + `"`,
}

func goodValue(r *rand.Rand, u *event.Use) string {
	switch u.Field.Type {
	case event.FieldInt, event.FieldDuration:
		return strconv.Itoa(1 + r.IntN(1000))
	case event.FieldBool:
		return strconv.FormatBool(r.IntN(2) == 0)
	case event.FieldTime:
		return `"2026-11-22T14:05:09Z"`
	case event.FieldDecimal:
		return `"12.5"`
	case event.FieldString:
	}
	if u.Values != nil {
		return strconv.Quote(u.Values[r.IntN(len(u.Values))])
	}
	return `"xy"`
}

// randomData writes data for a type: good, and mutated now and then.
func randomData(r *rand.Rand, typ *event.Type) string {
	var members []string
	for i := range typ.Uses() {
		u := &typ.Uses()[i]
		if !u.Required && r.IntN(3) > 0 || u.Required && r.IntN(20) == 0 {
			continue
		}
		value := goodValue(r, u)
		if r.IntN(6) == 0 {
			value = oddValues[r.IntN(len(oddValues))]
		}
		members = append(members, strconv.Quote(u.Field.Name)+":"+value)
	}
	if r.IntN(20) == 0 {
		members = append(members, `"no_such_field":1`)
	}
	r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	if r.IntN(50) == 0 {
		return oddValues[r.IntN(len(oddValues))]
	}
	return "{ " + strings.Join(members, " ,\n") + "}"
}

// TestAgreesWithJSONSchema holds that the collector's own check and the
// generated schemas accept the same data.
func TestAgreesWithJSONSchema(t *testing.T) {
	in := newTestIntake(t)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	r := rand.New(rand.NewPCG(1, 2))
	accepted, refused := 0, 0
	for _, typ := range in.cat.Types() {
		schema, err := compiler.Compile("../../schemas/events/json/" + typ.Name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		for range 400 {
			data := randomData(r, typ)
			instance, err := jsonschema.UnmarshalJSON(strings.NewReader(data))
			if err != nil {
				t.Fatalf("%v in %s", err, data)
			}
			want := schema.Validate(instance) == nil
			text := `{"specversion":"1.0","id":"1","source":"s","type":"` + typ.Name + `","time":"2026-01-01T00:00:00Z","feed":"f","feedsession":"1","feedgeneration":"1","data":` + data + `}`
			_, p := in.read([]byte(text), text, 2)
			if got := p == nil; got != want {
				t.Fatalf("%s: the collector says %+v, the schema %v\n%s", typ.Name, p, schema.Validate(instance), data)
			}
			if want {
				accepted++
			} else {
				refused++
			}
		}
	}
	if accepted < 5000 || refused < 5000 {
		t.Errorf("%d accepted, %d refused: the bodies do not try both", accepted, refused)
	}
}

// TestValuesReachTheEvent holds what becomes of each type of value.
func TestValuesReachTheEvent(t *testing.T) {
	in := newTestIntake(t)
	text := `{"specversion":"1.0","id":"1","source":"s","type":"contact.snapshot","time":"1999-02-01T07:02:56.789+02:00","sequence":12,"revision":"3","data":{
		"queued_at":"2026-11-22T14:05:09.5Z","wait":1.5e3,"contact_id":"c\u0645\/\"","customer_id":"x","channel":"voice"}}`
	if _, p := in.read([]byte(text), text, 2); p != nil {
		t.Fatalf("%+v", p)
	}
	e := &in.ev
	if e.Time != 917845376789 || e.Sequence != 12 || e.Revision != 3 || e.Hash == 0 {
		t.Errorf("envelope %+v", e)
	}
	if got := e.Text(event.FieldContactID); got != `cم/"` {
		t.Errorf("contact_id %q", got)
	}
	if v, ok := e.Int(134); !ok || v != 1795356309500 {
		t.Errorf("queued_at %d", v)
	}
	if v, ok := e.Int(130); !ok || v != 1500 {
		t.Errorf("wait %d", v)
	}
	if !slices.IsSortedFunc(e.Attrs, func(a, b event.Attr) int { return int(a.Number) - int(b.Number) }) {
		t.Errorf("attributes out of order: %v", e.Attrs)
	}
	if got := len(in.entities); got != 2 {
		t.Errorf("%d entities: %v", got, in.entities)
	}
	first := in.ev.Hash
	again := strings.Replace(text, `1.5e3`, `1500`, 1)
	if _, p := in.read([]byte(again), again, 2); p != nil || in.ev.Hash != first {
		t.Errorf("the same content written otherwise has another hash: %+v", p)
	}
}

func TestParseTime(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 20_000 {
		at := time.UnixMilli(31_536_000_000 + r.Int64N(4_260_000_000_000)).UTC()
		// Where the zone is another, the year as written may be one further.
		if at.Year() < 1972 || at.Year() > 2104 {
			continue
		}
		zone := time.FixedZone("", (r.IntN(1679)-839)*60)
		s := at.In(zone).Format("2006-01-02T15:04:05.000Z07:00")
		if got, ok := parseTime(s); !ok || got != at.UnixMilli() {
			t.Fatalf("%s is %d, %v, want %d", s, got, ok, at.UnixMilli())
		}
	}
}

// TestTimesThatPanesHold: ClickHouse's DateTime begins in 1970 and ends in 2106,
// and what it does not hold it would turn into another time.
func TestTimesThatPanesHold(t *testing.T) {
	in := newTestIntake(t)
	for at, good := range map[string]bool{
		"1970-12-31T23:59:59.999Z": false, "1971-01-01T00:00:00Z": true, "1971-01-01T00:00:00+23:59": true,
		"2105-12-31T23:59:59.999-23:59": true, "2106-01-01T00:00:00Z": false, "1910-01-01T00:00:00Z": false, "2259-01-01T00:00:00Z": false,
	} {
		text := `{"specversion":"1.0","id":"1","source":"s","type":"contact.queued","time":"` + at + `","feed":"f","feedsession":"1","feedgeneration":"1","data":{"contact_id":"c","queue_id":"q"}}`
		_, p := in.read([]byte(text), text, 2)
		if good != (p == nil) || p != nil && (p.field != "time" || p.reason != BadValue) {
			t.Errorf("%s: %+v", at, p)
		}
		if ms := in.ev.Time; good && (ms < 0 || ms/1000 > math.MaxUint32) {
			t.Errorf("%s: %d ms is no DateTime of ClickHouse", at, ms)
		}
	}
}

// TestTokenIsHMAC holds the token against the standard library.
func TestTokenIsHMAC(t *testing.T) {
	home, err := newIdentities(testIdentity, nil).of("bank")
	if err != nil {
		t.Fatal(err)
	}
	key := derived([]byte(testIdentity), "nabz token v1", "bank")
	seen := map[string]bool{}
	for n := range 700 {
		in := strings.Repeat("x", n)
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(in))
		want := "c_" + letters.EncodeToString(mac.Sum(nil)[:16])
		if got := home.token(in); got != want {
			t.Fatalf("%d bytes: %s, want %s", n, got, want)
		}
		seen[want] = true
	}
	if len(seen) != 700 {
		t.Errorf("700 identifiers have %d tokens", len(seen))
	}
	others := newIdentities(testIdentity, map[string]string{"shop": strings.Repeat("k", 32)})
	for _, name := range []string{"shop", "bank2"} {
		other, err := others.of(name)
		if err != nil {
			t.Fatal(err)
		}
		if other.token("x") == home.token("x") {
			t.Errorf("tenant %s has the tokens of bank", name)
		}
	}
}

// TestUIDsNeverChange holds the ids of events: another one would make every
// retried event a new one.
func TestUIDsNeverChange(t *testing.T) {
	u, _ := uid(nil, "bank", "pbx/1", "e1")
	if got, want := u.String(), "7ac6ddf2-d95c-5259-8f51-347c125d912c"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	a, _ := uid(nil, "bank", "pb", "x1")
	b, _ := uid(nil, "bank", "pbx", "1")
	if a == b {
		t.Error("two events have one id")
	}
}

func TestConfig(t *testing.T) {
	f := func(name, want string, change func(*Config)) {
		t.Helper()
		c := testConfig()
		change(&c)
		_, err := New(c, zap.NewNop())
		if got := fmt.Sprint(err); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	f("fine", "<nil>", func(*Config) {})
	f("no_keys", "nobody could do", func(c *Config) { c.Keys = nil })
	f("short_key", "at least 20", func(c *Config) { c.Keys[0].Key = "x" })
	f("right", "not one of write, feeds, read, admin", func(c *Config) { c.Keys[0].Rights = []string{"rite"} })
	f("tenant", "neither * nor a name", func(c *Config) { c.Keys[0].Tenant = "A B" })
	f("twice", "another key has that name", func(c *Config) { c.Keys[1].Name = "all" })
	f("identity", "at least 32", func(c *Config) { c.IdentityKey = "" })
	f("file", "read secret", func(c *Config) { c.IdentityKey, c.IdentityKeyFile = "", "/no/such/file" })
	f("both", "given twice", func(c *Config) { c.IdentityKeyFile = "/no/such/file" })
}

// FuzzEvents holds that no body makes the collector panic, that every refusal
// has a reason of the closed set, and that every answer is JSON.
func FuzzEvents(f *testing.F) {
	f.Add(string(bench500(time.Now())[:900]), true)
	f.Add(`[{"specversion":"1.0","id":"1","source":"s","type":"contact.queued","time":"2020-01-01T00:00:00Z","data":{"contact_id":"c","queue_id":"q"}}]`, true)
	f.Add(`[{"a":"\"},{"},7,"]",[[]]]`, true)
	f.Add(`{"specversion":"1.0","id":"1","source":"s","type":"contact.answered","time":"2020-01-01T00:00:00Z","replaces":"2","replacestime":"2020-01-01T00:00:00Z","data":{"contact_id":"c","replaced_entities":{"agent":"7"}}}`, false)
	f.Add(`{"data":{"customer_id":"x","`+"\xff"+`":1}`, false)
	f.Add(`{"specversion":"1.0","id":"\ud800"}`, false)
	in := newTestIntake(f)
	f.Fuzz(func(t *testing.T, body string, many bool) {
		spans := []span{{to: len(body)}}
		if many {
			var p *problem
			if spans, p = split(body, 50, nil); p != nil {
				if _, ok := reasons[p.reason]; !ok {
					t.Fatalf("reason %q", p.reason)
				}
				return
			}
		} else if body == "" {
			return
		} else {
			_, spans[0].depth = scan(body, 0)
		}
		in.results, in.records = in.results[:0], in.records[:0]
		for _, at := range spans {
			if at.from == at.to {
				continue
			}
			in.take([]byte(body[at.from:at.to]), body[at.from:at.to], at.depth)
		}
		for _, r := range in.results {
			if r.problem == nil {
				continue
			}
			if _, ok := reasons[r.problem.reason]; !ok || r.problem.status()/100 != 4 {
				t.Fatalf("%+v", r.problem)
			}
		}
		for _, r := range in.records {
			if header(r, "content-type") == "application/cloudevents+json" && !json.Valid(r.Value) {
				t.Fatalf("a dead letter is no JSON: %q", r.Value)
			}
		}
		if out := appendResults(nil, in.results); !json.Valid(out) {
			t.Fatalf("the answer is no JSON: %q", out)
		}
	})
}

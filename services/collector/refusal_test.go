package collector

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// TestRefusals holds the status, the reason and the field of each refusal of a
// single event, and whether it is kept.
func TestRefusals(t *testing.T) {
	h := start(t, nil)
	letters := 0
	f := func(name, body string, status int, reason Reason, field string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			a := h.structured(body)
			if (reason != Forbidden) != strings.Contains(a.body, `"dead_lettered":true`) {
				t.Errorf("whether it is kept: %s", a.body)
			}
			if reason != Forbidden {
				letters++
			}
			if a.status != status || a.Reason != string(reason) || a.Field != field {
				t.Errorf("got %d %s\nwant %d %s %s", a.status, a.body, status, reason, field)
			}
			if a.header.Get("Content-Type") != "application/problem+json" || a.Detail == "" {
				t.Errorf("no problem+json with a detail: %v %s", a.header, a.body)
			}
		})
	}
	good := sound("e", "")
	with := func(old, new string) string {
		t.Helper()
		if !strings.Contains(good, old) {
			t.Fatalf("%s has no %s", good, old)
		}
		return strings.Replace(good, old, new, 1)
	}
	refusedEnvelopes(f, good, with)
	refusedData(f, good, with)
	// All but the forbidden one were kept, each with its reason.
	kept := map[string]int{}
	for _, r := range h.log("nabz.events.v1.dlq", letters) {
		kept[header(r, "dlq_reason")]++
		if _, ok := reasons[Reason(header(r, "dlq_reason"))]; !ok {
			t.Errorf("reason %q is not of the closed set", header(r, "dlq_reason"))
		}
		if len(header(r, "dlq_error")) > maxReason {
			t.Errorf("dlq_error of %d bytes", len(header(r, "dlq_error")))
		}
	}
	for _, reason := range []Reason{BadJSON, DuplicateKey, InvalidUTF8, TooDeep, TooLarge, MissingField, UnknownField, UnknownType, BadType, BadValue, BadID, FutureTime} {
		if kept[string(reason)] == 0 {
			t.Errorf("no dead letter with the reason %s: %v", reason, kept)
		}
	}
	if kept[string(Forbidden)] != 0 {
		t.Error("a forbidden event was kept")
	}
}

// refusal is one case: what is sent, and how it is refused.
type refusal = func(name, body string, status int, reason Reason, field string)

func refusedEnvelopes(f refusal, good string, with func(old, new string) string) {
	f("no_json", "hello", 400, BadJSON, "")
	f("cut", good[:60], 400, BadJSON, "type")
	f("array", "["+good+"]", 400, BadJSON, "")
	f("two", good+good, 400, BadJSON, "")
	f("nan", with(`"a7"`, `NaN`), 400, BadJSON, "data.agent_id")
	f("duplicate", with(`"queue_id"`, `"queue_id":"x","queue_id"`), 400, DuplicateKey, "data.queue_id")
	f("duplicate_attribute", with(`"id"`, `"id":"x","id"`), 400, DuplicateKey, "id")
	f("escaped_duplicate", with(`"queue_id"`, `"queue\u005fid":"x","queue_id"`), 400, DuplicateKey, "data.queue_id")
	f("utf8", with(`"a7"`, "\"a\xff\""), 400, InvalidUTF8, "data.agent_id")
	f("deep", with(`"a7"`, strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)), 400, TooDeep, "")
	f("deeper", with(`"a7"`, strings.Repeat(`{"a":`, 40_000)+"1"+strings.Repeat("}", 40_000)), 400, TooDeep, "")
	f("large", with(`"a7"`, `"`+strings.Repeat("x", 300<<10)+`"`), 413, TooLarge, "")
	f("no_id", with(`"id":"e",`, ""), 400, MissingField, "id")
	f("empty_id", with(`"id":"e"`, `"id":""`), 400, BadID, "id")
	f("long_id", with(`"id":"e"`, `"id":"`+strings.Repeat("e", 257)+`"`), 400, BadID, "id")
	f("number_id", with(`"id":"e"`, `"id":5`), 400, BadType, "id")
	f("control_id", with(`"id":"e"`, `"id":"e\u0000"`), 400, BadID, "id")
	f("null_source", with(`"source":"pbx/1"`, `"source":null`), 400, BadType, "source")
	f("no_source", with(`"source":"pbx/1",`, ""), 400, MissingField, "source")
	f("no_type", with(`"type":"contact.answered",`, ""), 400, MissingField, "type")
	f("no_time", strings.Replace(good, `"time"`, `"subject"`, 1), 400, MissingField, "time")
	f("bad_time", `{"specversion":"1.0","id":"e","source":"s","type":"contact.answered","time":"yesterday","data":{"contact_id":"c"}}`, 400, BadValue, "time")
	f("future", `{"specversion":"1.0","id":"e","source":"s","type":"contact.answered","time":"2105-01-01T00:00:00Z","data":{"contact_id":"c"}}`, 422, FutureTime, "time")
	f("version", with(`"1.0"`, `"0.3"`), 400, BadValue, "specversion")
	f("unknown_type", with("contact.answered", "contact.anwsered"), 422, UnknownType, "type")
	f("pulse", with("contact.answered", "nabz.pulse"), 422, UnknownType, "type")
	f("slip", with(`"specversion"`, `"tenat":"x","specversion"`), 400, UnknownField, "tenat")
	f("underscore", with(`"specversion"`, `"tenant_id":"x","specversion"`), 400, UnknownField, "tenant_id")
	f("sequence", with(`"specversion"`, `"sequence":"-1","specversion"`), 400, BadValue, "sequence")
	f("content_type", with(`"specversion"`, `"datacontenttype":"text/xml","specversion"`), 400, BadValue, "datacontenttype")
	f("tenant_name", with(`"specversion"`, `"tenant":"../etc","specversion"`), 400, BadValue, "tenant")
	f("replaces_alone", with(`"specversion"`, `"replaces":"x","specversion"`), 400, MissingField, "replacestime")
	f("feed_without_session", with(`"specversion"`, `"feed":"f","specversion"`), 400, MissingField, "feedsession")
	f("session_without_feed", with(`"specversion"`, `"feedsession":"1","specversion"`), 400, BadValue, "feedsession")
	f("live_clock", with("contact.answered", "feed.advanced"), 403, Forbidden, "feed")
	f("huge_number_attribute", with(`"specversion"`, `"sequence":1e5,"specversion"`), 400, BadValue, "sequence")
}

func refusedData(f refusal, good string, with func(old, new string) string) {
	f("unknown_field", with(`"queue_id"`, `"qeue_id"`), 422, UnknownField, "data.qeue_id")
	f("bad_type", with(`"a7"`, `7`), 422, BadType, "data.agent_id")
	f("null", with(`"a7"`, `null`), 422, BadType, "data.agent_id")
	f("object", with(`"a7"`, `{"x":1}`), 422, BadType, "data.agent_id")
	f("empty", with(`"a7"`, `""`), 422, BadValue, "data.agent_id")
	f("control", with(`"a7"`, `"a\u0000b"`), 422, BadValue, "data.agent_id")
	f("too_long", with(`"a7"`, `"`+strings.Repeat("م", 257)+`"`), 422, BadValue, "data.agent_id")
	f("missing_field", with(`"contact_id":"c1",`, ""), 422, MissingField, "data.contact_id")
	f("no_data", good[:strings.Index(good, `,"data"`)]+"}", 400, MissingField, "data")
	f("data_text", good[:strings.Index(good, `"data"`)]+`"data":"x"}`, 400, BadType, "data")
	f("data_base64", good[:strings.Index(good, `"data"`)]+`"data_base64":"eA=="}`, 400, BadValue, "data_base64")
	f("enum", with(`"a7"`, `"a7","channel":"phone"`), 422, BadValue, "data.channel")
	f("fraction", with(`"a7"`, `"a7","wait":1.5`), 422, BadType, "data.wait")
	f("negative", with(`"a7"`, `"a7","wait":-1`), 422, BadValue, "data.wait")
	f("huge", with(`"a7"`, `"a7","wait":9223372036854775808`), 422, BadValue, "data.wait")
	f("infinite", with(`"a7"`, `"a7","wait":1e400`), 422, BadValue, "data.wait")
}

func TestMediaTypes(t *testing.T) {
	h := start(t, nil)
	f := func(contentType, encoding, body string, status int, reason Reason) {
		t.Helper()
		a := h.post(testKey, contentType, body, "Content-Encoding", encoding)
		if a.status != status || a.Reason != string(reason) {
			t.Errorf("%s %s: got %d %.300s, want %d %s", contentType, encoding, a.status, a.body, status, reason)
		}
	}
	const one, many = "application/cloudevents+json", "application/cloudevents-batch+json"
	f("text/plain", "", sound("e", ""), 415, Unsupported)
	f("application/json", "", sound("e", ""), 415, Unsupported)
	f("application/cloudevents+avro", "", sound("e", ""), 415, Unsupported)
	f(one+"; charset=latin1", "", sound("e", ""), 415, Unsupported)
	f(one, "br", sound("e", ""), 415, Unsupported)
	f(one, "gzip", packed(t, sound("e", "")), 200, "")
	f(one, "gzip", sound("e", ""), 400, BadEncoding)
	f(one, "gzip", packed(t, sound("e", ""))[:40], 400, BadEncoding)
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	f(one, "zstd", string(enc.EncodeAll([]byte(sound("e", "")), nil)), 200, "")
	f(one, "zstd", sound("e", ""), 400, BadEncoding)
	f(many, "", "["+strings.Repeat(" ", 5<<20)+"]", 413, TooLarge)
	f(many, "gzip", packed(t, "["+strings.Repeat(" ", 5<<20)+"]"), 413, TooLarge)
	f(many, "gzip", packed(t, "["+strings.Repeat(" ", 3<<20)+"]"), 413, TooLarge) // within 4 MiB, but 1,000 times what was sent
	f(many, "gzip", packed(t, strings.Repeat(packed(t, strings.Repeat(" ", 64<<20)), 5)), 400, BadJSON)
	f(many, "zstd", string(enc.EncodeAll([]byte("["+strings.Repeat(" ", 64<<20)+"]"), nil)), 413, TooLarge)
}

func packed(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

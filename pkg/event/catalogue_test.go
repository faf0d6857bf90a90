package event

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

const testFields = `fields:
  - {name: contact_id, number: 100, type: string, doc: d}
  - {name: customer_id, number: 102, type: string, personal: true, doc: d}
  - {name: outcome, number: 109, type: string, doc: d}
  - {name: wait, number: 130, type: duration, doc: d}
  - {name: session, number: 17, type: int, envelope: true, doc: d}
`

const testFeed = `family: feed
doc: d
clock: true
required: [session]
types:
  feed.opened: {doc: d, rank: 1}
  feed.advanced: {doc: d, rank: 2}
  feed.closed: {doc: d, rank: 3}
`

// TestStrictCatalogue holds that every mistake is told with its place.
func TestStrictCatalogue(t *testing.T) {
	f := func(name, fields, family, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			_, err := ParseCatalogue(fstest.MapFS{
				"fields.yaml": {Data: []byte(fields)}, "feed.yaml": {Data: []byte(testFeed)}, "x.yaml": {Data: []byte(family)},
			})
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	family := func(rest string) string {
		return "family: contact\ndoc: d\nconcerns: [contact: contact_id]\nrequired: [contact_id]\noptional: [customer_id]\ntypes:\n  contact.queued:\n    doc: d\n    rank: 20\n" + rest
	}
	f("fine", testFields, family(""), "")
	f("unknown_key", testFields, family("    openr: true\n"), `x.yaml:10:5: unknown key "openr", did you mean "opener"?`)
	f("unknown_field", testFields, family("    optional: [wiat]\n"), `x.yaml:10:16: no field "wiat" in fields.yaml, did you mean "wait"?`)
	f("twice", testFields, family("    optional: [customer_id]\n"), `x.yaml:7:3: type contact.queued has the field customer_id twice`)
	f("upgrade", testFields, family("    required: [customer_id]\n"), "")
	f("values", testFields, family("    optional: [outcome]\n    values: {outcom: [a]}\n"), `x.yaml:11:14: type contact.queued has no field "outcom", did you mean "outcome"?`)
	f("values_of_number", testFields, family("    optional: [wait]\n    values: {wait: [a]}\n"), `x.yaml:11:14: field wait is no string`)
	f("concern_without_field", testFields, family("    concerns: [agent: outcome]\n"), `x.yaml:7:3: type contact.queued concerns agent by the field outcome, which it does not have`)
	f("concern_of_a_number", testFields, family("    optional: [wait]\n    concerns: [agent: wait]\n"), `x.yaml:7:3: type contact.queued concerns agent by the field wait, which is no string`)
	f("primary_optional", testFields, strings.Replace(family(""), "contact: contact_id", "customer: customer_id", 1), `x.yaml:7:3: type contact.queued: the field customer_id of its primary entity is not required`)
	f("no_concern", testFields, strings.Replace(family(""), "concerns: [contact: contact_id]\n", "", 1), `x.yaml:6:3: type contact.queued concerns no entity`)
	f("name", testFields, strings.Replace(family(""), "contact.queued", "queued", 1), `x.yaml:7:3: type "queued" is not of the form family.event`)
	f("clock", testFields, strings.Replace(family(""), "doc: d\n", "doc: d\nclock: true\n", 1), `x.yaml:8:3: type contact.queued: only the records of a feed's clock are clocks, and they concern no entity`)
	f("same_number", testFields+"  - {name: x, number: 130, type: string, doc: d}\n", family(""), `fields.yaml:7:5: number 130 of field x is that of field wait`)
	f("same_name", testFields+"  - {name: wait, number: 131, type: string, doc: d}\n", family(""), `fields.yaml:7:5: field wait is there twice, first as number 130`)
	f("low_number", testFields+"  - {name: x, number: 99, type: string, doc: d}\n", family(""), `fields.yaml:7:5: field x: the numbers of attributes begin at 100, those below are the envelope's`)
	f("type", testFields+"  - {name: x, number: 131, type: strng, doc: d}\n", family(""), `fields.yaml:7:34: "strng" is not one of string, int, bool, time, duration, decimal, did you mean "string"?`)
	f("bad_name", testFields+"  - {name: X-y, number: 131, type: string, doc: d}\n", family(""), `fields.yaml:7:12: "X-y" is no name: small letters, digits and underscores`)
	f("no_doc", testFields+"  - {name: x, number: 131, type: string}\n", family(""), `fields.yaml:7:5: key "doc" is missing`)
	f("personal_number", testFields+"  - {name: x, number: 131, type: int, personal: true, doc: d}\n", family(""), `fields.yaml:7:5: field x is no string: it has neither values nor a person`)
}

func TestCatalogueNeedsTheClock(t *testing.T) {
	_, err := ParseCatalogue(fstest.MapFS{"fields.yaml": {Data: []byte(testFields)}})
	if want := "catalogue of events: feed.opened is missing or no clock"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// FuzzParseCatalogue holds that no file makes the reader panic.
func FuzzParseCatalogue(f *testing.F) {
	f.Add(testFields, testFeed)
	for _, name := range []string{"contact.yaml", "feed.yaml"} {
		family, err := os.ReadFile("../../schemas/events/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(testFields, string(family))
	}
	f.Fuzz(func(t *testing.T, fields, family string) {
		c, err := ParseCatalogue(fstest.MapFS{"fields.yaml": {Data: []byte(fields)}, "feed.yaml": {Data: []byte(family)}})
		if err != nil {
			return
		}
		for _, typ := range c.Types() {
			typ.JSONSchema()
		}
		c.Proto()
	})
}

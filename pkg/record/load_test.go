package record_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/record"
)

const whole = `kind: order
doc: An order.
families:
  order_entry:
    view: order_entries
    doc: One row for each payment.
    each: [order.paid, order.refunded]
    where: {currency: [IRR]}
    dims: [what]
    columns:
      - {number: 1, name: what, type: {order.paid: paid, order.refunded: refunded}, doc: d}
      - {number: 2, name: amount, of: amount, negate: [order.refunded], doc: d}
  order:
    view: orders
    doc: One row for each order.
    life: [order.created]
    open: [placed]
    lost_after: 90d
    columns:
      - {number: 1, name: status, status: {order.created: placed, order.paid: paid}, doc: d}
      - {number: 2, name: placed_at, first_at: [order.created], doc: d}
      - {number: 3, name: paid_at, first_at: [order.paid], doc: d}
      - {number: 4, name: took, span: [placed_at, paid_at], doc: d}
  order_visit:
    view: visits
    doc: One row for each time.
    gap: {after: 30m, types: [order.paid]}
    columns:
      - {number: 1, name: state, is: state, doc: d}
  order_stay:
    view: stays
    doc: One row for each stay.
    stay: {of: category, types: [order.created], ends: [order.cancelled]}
    columns:
      - {number: 1, name: state, is: state, doc: d}
      - {number: 2, name: next, is: next, doc: d}
`

func catalogue(t *testing.T) *event.Catalogue {
	t.Helper()
	c, err := event.ParseCatalogue(os.DirFS("../../schemas/events"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestMistakesAreTold holds that every mistake is told with its place, and with
// the word that was meant.
func TestMistakesAreTold(t *testing.T) {
	c := catalogue(t)
	if _, err := record.Parse("order.yaml", []byte(whole), c); err != nil {
		t.Fatal(err)
	}
	f := func(name, old, new, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			if strings.Count(whole, old) == 0 {
				t.Fatalf("%q is not in the declaration", old)
			}
			_, err := record.Parse("order.yaml", []byte(strings.Replace(whole, old, new, 1)), c)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v\nwant %s", err, want)
			}
		})
	}
	f("kind", "kind: order", "kind: ordr", `order.yaml:1:7: "ordr" is not one of`)
	f("file", "kind: order", "kind: lead", `the file of kind lead is lead.yaml`)
	f("key", "each:", "eech:", `order.yaml:7:5: unknown key "eech", did you mean "each"?`)
	f("no_mode", "    each: [order.paid, order.refunded]\n", "", `order_entry needs one of each, life, gap, day and stay`)
	f("two_modes", "    each:", "    day: [order.paid]\n    each:", `order_entry needs one of each, life, gap, day and stay`)
	f("type", "[order.paid, order.refunded]", "[order.payed, order.refunded]", `no event type "order.payed" concerns a order, did you mean "order.paid"?`)
	f("foreign_type", "[order.paid, order.refunded]", "[lead.created]", `no event type "lead.created" concerns a order`)
	f("type_twice", "[order.paid, order.refunded]", "[order.paid, order.paid]", `order.paid is there twice`)
	f("field", "of: amount", "of: amont", `no field "amont", did you mean "amount"?`)
	f("unused_field", "of: amount, negate: [order.refunded]", "of: followers", `amount: none of its events carries followers`)
	f("no_text", "where: {currency: [IRR]}", "where: {amount: any}", `amount is a decimal, not a string`)
	f("word_of_field", "where: {currency: [IRR]}", "where: {channel: [voise]}", `channel is never "voise", did you mean "voice"?`)
	f("sources", "of: amount, negate", "of: amount, sum: amount, negate", `column amount needs one source`)
	f("no_source", "of: amount, negate: [order.refunded]", "negate: [order.refunded]", `column amount needs one source`)
	f("is", "{number: 1, name: state, is: state", "{number: 1, name: state, is: stat", `"stat" is not one of`)
	f("nothing_to_sum", "of: amount, negate", "sum: amount, negate", `where each event is a fact there is nothing to add up`)
	f("negate_text", "name: amount, of: amount", "name: amount, of: currency", `amount: negate is of numbers`)
	f("dims", "dims: [what]", "dims: [wat]", `order.yaml:9:12: no column "wat" stands above, did you mean "what"?`)
	f("dims_number", "dims: [what]", "dims: [amount]", `amount is no text: facts are grouped by texts`)
	f("number_twice", "{number: 2, name: amount", "{number: 1, name: amount", `number 1 is there twice`)
	f("name_twice", "name: amount", "name: what", `name what or number 2 is there twice`)
	f("reserved", "name: amount", "name: item", `"item" is no name for a column`)
	f("open_word", "open: [placed]", "open: [plased]", `"plased" is not one of`)
	f("open_without_status", "dims: [what]", "open: [paid]", `open needs a column with a status`)
	f("lost_without_open", "    open: [placed]\n", "", `lost_after needs life and open`)
	f("lost_word", "order.paid: paid}, doc: d}\n      - {number: 2, name: placed_at", "order.paid: lost}, doc: d}\n      - {number: 2, name: placed_at", `take another word`)
	f("span_of_text", "span: [placed_at, paid_at]", "span: [status, paid_at]", `took: two instants are expected`)
	f("span_of_one", "span: [placed_at, paid_at]", "span: [placed_at]", `two columns are expected`)
	f("span_below", "span: [placed_at, paid_at]", "span: [placed_at, next_at]", `no column "next_at" stands above`)
	f("state_of_life", "first_at: [order.paid]", "is: state", `a state belongs to gap, stay or until_next`)
	f("nth_of_life", "first_at: [order.paid]", "is: nth", `a life is the only one of its item`)
	f("next_of_gap", "      - {number: 1, name: state, is: state, doc: d}\n  order_stay", "      - {number: 1, name: state, is: next, doc: d}\n  order_stay", `it is a stay that ends by another`)
	f("stay_without_state", "{number: 1, name: state, is: state, doc: d}\n      - {number: 2, name: next", "{number: 1, name: state, is: nth, doc: d}\n      - {number: 2, name: next", `order_stay needs a column with its state`)
	f("span_word", "after: 30m", "after: soon", `"soon" is no span`)
	f("foreign_type_of_column", "is: state, doc: d}\n  order_stay", "is: state, doc: d}\n      - {number: 2, name: n, count: [order.created], doc: d}\n  order_stay", `n: order.created is none of the family's types`)
}

// TestFingerprintKnowsEveryWord holds that whoever changes what facts are
// changes the fingerprint, and who changes prose does not.
func TestFingerprintKnowsEveryWord(t *testing.T) {
	c := catalogue(t)
	of := func(text string) string {
		k, err := record.Parse("order.yaml", []byte(text), c)
		if err != nil {
			t.Fatal(err)
		}
		return k.Fingerprint()
	}
	first := of(whole)
	for _, change := range [][2]string{
		{"order.paid, order.refunded]", "order.paid]"}, {"[IRR]", "{not: [IRR]}"}, {"negate: [order.refunded], ", ""}, {"order.paid: paid}", "order.paid: payed}"},
		{"90d", "91d"}, {"[placed_at, paid_at]", "[paid_at, placed_at]"}, {"after: 30m", "after: 31m"}, {"of: category", "of: segment"},
		{", ends: [order.cancelled]", ""}, {"open: [placed]", "open: [placed, paid]"}, {"is: next", "is: nth"}, {"number: 4", "number: 5"},
	} {
		if of(strings.Replace(whole, change[0], change[1], 1)) == first {
			t.Errorf("%s instead of %s goes unnoticed", change[1], change[0])
		}
	}
	if of(strings.ReplaceAll(whole, "doc: d", "doc: another")) != first {
		t.Error("prose changes the fingerprint")
	}
}

// TestFolder reads many files, and refuses a family that is there twice.
func TestFolder(t *testing.T) {
	c := catalogue(t)
	kinds, err := record.Load(os.DirFS("../../schemas/record"), c)
	if err != nil || len(kinds) < 10 {
		t.Fatalf("%d kinds, %v", len(kinds), err)
	}
	again := strings.NewReplacer("kind: order", "kind: lead", "order.", "lead.").Replace(`kind: order
doc: d
families:
  order_entry: {view: v, doc: d, each: [order.created], columns: [{number: 1, name: at, is: opened, doc: d}]}
`)
	_, err = record.Load(fstest.MapFS{"order.yaml": {Data: []byte(whole)}, "lead.yaml": {Data: []byte(again)}}, c)
	if err == nil || !strings.Contains(err.Error(), "order.yaml: family order_entry is also in lead.yaml") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	c, err := event.ParseCatalogue(os.DirFS("../../schemas/events"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := record.Parse("order.yaml", []byte(text), c); err == nil && k.Name != "order" {
			t.Errorf("kind %q", k.Name)
		}
	})
}

package event

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// TestMurmur2 holds the vectors of Kafka's own UtilsTest.testMurmur2.
func TestMurmur2(t *testing.T) {
	f := func(in string, want int32) {
		t.Helper()
		if got := int32(murmur2([]byte(in))); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", in, got, want)
		}
	}
	f("21", -973932308)
	f("foobar", -790332482)
	f("a-little-bit-long-string", -985981536)
	f("a-little-bit-longer-string", -1486304829)
	f("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971)
	f("abc", 479470107)
}

func TestPartitionIsWithinRange(t *testing.T) {
	seen := map[int32]int{}
	for i := range 1000 {
		key := Key(nil, "bank", "", "contact", string(rune('a'+i%26))+string(rune('a'+i/26)))
		p := Partition(key, 8)
		if p < 0 || p >= 8 {
			t.Fatalf("partition %d of %q", p, key)
		}
		seen[p]++
	}
	if len(seen) != 8 {
		t.Errorf("1,000 keys fell into %d of 8 partitions", len(seen))
	}
}

func TestKeyPartsWords(t *testing.T) {
	a := string(Key(nil, "a", "bc", "d", "e"))
	b := string(Key(nil, "ab", "c", "d", "e"))
	if a == b {
		t.Error("two different entities have one key")
	}
}

func TestUIDString(t *testing.T) {
	u := UID{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10}
	if got, want := u.String(), "01234567-89ab-cdef-fedc-ba9876543210"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// small draws events that tie often.
func small(r *rand.Rand) (*Event, int) {
	e := &Event{Time: int64(r.IntN(2)), Sequence: int64(r.IntN(2)), Revision: int64(r.IntN(2)), Hash: uint64(r.IntN(3))}
	e.UID[15] = byte(r.IntN(2))
	return e, r.IntN(2)
}

// TestCompareIsATotalOrder holds what folding in order relies on.
func TestCompareIsATotalOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 20_000 {
		a, ra := small(r)
		b, rb := small(r)
		c, rc := small(r)
		ab, ba := Compare(a, ra, b, rb), Compare(b, rb, a, ra)
		if ab != -ba {
			t.Fatalf("Compare is not antisymmetric: %+v, %+v", a, b)
		}
		if ab <= 0 && Compare(b, rb, c, rc) <= 0 && Compare(a, ra, c, rc) > 0 {
			t.Fatalf("Compare is not transitive: %+v, %+v, %+v", a, b, c)
		}
		if same := a.Time == b.Time && ra == rb && a.Sequence == b.Sequence && a.UID == b.UID; same != (ab == 0) {
			t.Fatalf("Compare says %d of %+v, %+v", ab, a, b)
		}
	}
}

// TestWinsPicksOne holds that the winner among deliveries of one id does not
// depend on their order.
func TestWinsPicksOne(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 5_000 {
		var all []*Event
		for range 4 {
			e, _ := small(r)
			all = append(all, e)
		}
		winner := func() *Event {
			best := all[0]
			for _, e := range all[1:] {
				if Wins(e, best) {
					best = e
				}
			}
			return best
		}
		first := winner()
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		second := winner()
		if first.Revision != second.Revision || first.Hash != second.Hash {
			t.Fatalf("the winner depends on the order: %+v, %+v", first, second)
		}
		if Wins(first, first) {
			t.Fatal("an event wins over itself")
		}
	}
}

func TestJudgedAt(t *testing.T) {
	e := Event{Time: 10, ReplacesTime: 5}
	if got := e.JudgedAt(); got != 10 {
		t.Errorf("nothing replaced: %d, want 10", got)
	}
	e.Replaces[0] = 1
	if got := e.JudgedAt(); got != 5 {
		t.Errorf("an older one replaced: %d, want 5", got)
	}
	e.ReplacesTime = 15
	if got := e.JudgedAt(); got != 10 {
		t.Errorf("a newer one replaced: %d, want 10", got)
	}
}

// TestContentHash holds what counts as the same content.
func TestContentHash(t *testing.T) {
	base := func() *Event {
		return &Event{Type: "a.b", Source: "s", ID: "1", Time: 5, Attrs: []Attr{{Number: 100, Text: "x", IsText: true}, {Number: 126, Int: 3}}}
	}
	want, _ := base().ContentHash(nil)
	same := func(name string, change func(*Event)) {
		t.Helper()
		e := base()
		change(e)
		if got, _ := e.ContentHash(nil); got != want {
			t.Errorf("%s changes the content", name)
		}
	}
	other := func(name string, change func(*Event)) {
		t.Helper()
		e := base()
		change(e)
		if got, _ := e.ContentHash(nil); got == want {
			t.Errorf("%s does not change the content", name)
		}
	}
	same("receipt", func(e *Event) { e.ReceivedAt = 9 })
	same("copy", func(e *Event) { e.Kind, e.Entity = "agent", "7" })
	same("replay", func(e *Event) { e.Session, e.Generation = 1, 2 })
	other("type", func(e *Event) { e.Type = "a.c" })
	other("time", func(e *Event) { e.Time = 6 })
	other("sequence", func(e *Event) { e.Sequence = 6 })
	other("text", func(e *Event) { e.Attrs[0].Text = "y" })
	other("number", func(e *Event) { e.Attrs[1].Int = 4 })
	other("field", func(e *Event) { e.Attrs[1].Number = 127 })
}

func TestAppendAllocatesNothing(t *testing.T) {
	e := Event{Tenant: "bank", Type: "contact.queued", Source: "s", ID: "1", Time: 5, Attrs: []Attr{{Number: 100, Text: "x", IsText: true}}}
	b := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { b = e.Append(b[:0]) }); n != 0 {
		t.Errorf("Append allocates %v times, want 0", n)
	}
	in := string(b)
	if n := testing.AllocsPerRun(100, func() {
		if err := e.Decode(in); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Decode allocates %v times, want 0", n)
	}
}

// FuzzDecode holds that Decode is total, and that what it reads it writes and
// reads again alike.
func FuzzDecode(f *testing.F) {
	e := Event{Tenant: "bank", Type: "contact.queued", ID: "1", Time: -5, Hash: 7, Withdrawn: true, Attrs: []Attr{{Number: 100, Text: "x", IsText: true}, {Number: 126, Int: -3}}}
	e.UID[3], e.Replaces[5] = 1, 2
	f.Add(string(e.Append(nil)))
	f.Add("")
	f.Add("\x08")
	f.Add("\x32\x01a")                                        // an id of one byte
	f.Add("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01") // a varint that never ends
	f.Add("\x0b\x0c")                                         // a group
	f.Add("\x0a\xff\xff\xff\xff\x0f")                         // a length beyond the end
	f.Fuzz(func(t *testing.T, in string) {
		var a, b Event
		if err := a.Decode(in); err != nil {
			return
		}
		out := string(a.Append(nil))
		if err := b.Decode(out); err != nil {
			t.Fatalf("%v of %x, written of %x", err, out, in)
		}
		if !reflect.DeepEqual(a, b) && !(len(a.Attrs) == 0 && len(b.Attrs) == 0) {
			t.Fatalf("%+v became %+v", a, b)
		}
		if again := string(b.Append(nil)); again != out {
			t.Fatalf("%x became %x", out, again)
		}
	})
}

// TestDecodeOfCutRecords holds that no prefix of a record is read past its end.
func TestDecodeOfCutRecords(t *testing.T) {
	e := Event{Tenant: "bank", Type: "contact.queued", ID: "1", Time: 1 << 40, Hash: 7, Attrs: []Attr{{Number: 100, Text: "x", IsText: true}}}
	e.UID[3] = 1
	whole := string(e.Append(nil))
	var got Event
	var read []int
	for n := range len(whole) + 1 {
		if err := got.Decode(whole[:n]); err == nil {
			read = append(read, n)
		}
	}
	if !slices.Contains(read, len(whole)) || len(read) > 9 {
		t.Errorf("prefixes of %v bytes are read, want the whole and those that end between fields", read)
	}
}

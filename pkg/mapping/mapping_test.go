package mapping

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/source"
)

func catalogue(t testing.TB) *event.Catalogue {
	t.Helper()
	c, err := event.ParseCatalogue(os.DirFS("../../schemas/events"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func bank(t testing.TB) *Mapping {
	t.Helper()
	data, err := os.ReadFile("../../schemas/mapping/anonymous_bank.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse("anonymous_bank.yaml", data, catalogue(t), time.LoadLocation)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const bankHeader = "vru+line\tcall_id\tcustomer_id\tpriority\ttype\tdate\tvru_entry\tvru_exit\tvru_time\tq_start\tq_exit\tq_time\toutcome\tser_start\tser_exit\tser_time\tserver"

// told writes events in a form to compare by eye.
func told(events []source.Event) string {
	var b strings.Builder
	for _, e := range events {
		b.WriteString(e.Type + " " + e.ID + " " + time.UnixMilli(e.Time).UTC().Format("2006-01-02T15:04:05.999Z"))
		for _, m := range e.Data {
			b.WriteString(" " + m.Name + "=" + m.JSON)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestBankRows holds what becomes of rows of each kind, the odd ones of real
// data among them (with other names and numbers).
func TestBankRows(t *testing.T) {
	plan, err := bank(t).Bind(strings.Split(bankHeader, "\t"))
	if err != nil {
		t.Fatal(err)
	}
	f := func(name, row, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			events, bad := plan.Row(2, strings.Split(row, "\t"))
			got := told(events)
			if bad != nil {
				got = bad.Error()
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
	f("served", "AA0101\t1\t77\t2\tPS\t990201\t7:02:47\t7:02:56\t9\t7:02:56\t7:03:10\t14\tAGENT\t7:03:09\t7:05:41\t152\tDORA",
		`contact.queued AA0101/1:queued 1999-02-01T05:02:56Z contact_id="AA0101-1" customer_id="77" queue_id="PS" channel="voice" direction="inbound" priority="2"
contact.answered AA0101/1:answered 1999-02-01T05:03:10Z contact_id="AA0101-1" customer_id="77" agent_id="DORA" queue_id="PS" channel="voice" priority="2"
contact.ended AA0101/1:ended 1999-02-01T05:05:42Z contact_id="AA0101-1" customer_id="77" agent_id="DORA" queue_id="PS" channel="voice" priority="2"
`)
	f("no_queue_no_server", "AA0101\t1\t0\t0\tNW\t990201\t7:02:47\t7:02:56\t9\t0:00:00\t0:00:00\t0\tAGENT\t7:02:55\t7:05:41\t166\tNO_SERVER",
		`contact.queued AA0101/1:queued 1999-02-01T05:02:56Z contact_id="AA0101-1" queue_id="NW" channel="voice" direction="inbound" priority="0"
contact.answered AA0101/1:answered 1999-02-01T05:02:56Z contact_id="AA0101-1" queue_id="NW" channel="voice" priority="0"
contact.ended AA0101/1:ended 1999-02-01T05:05:42Z contact_id="AA0101-1" queue_id="NW" channel="voice" priority="0"
`)
	f("hung_up", "AA0101\t1\t0\t0\tNW\t990201\t7:02:47\t7:02:56\t9\t7:02:56\t7:03:01\t5\tHANG\t0:00:00\t0:00:00\t0\tNO_SERVER",
		`contact.queued AA0101/1:queued 1999-02-01T05:02:56Z contact_id="AA0101-1" queue_id="NW" channel="voice" direction="inbound" priority="0"
contact.dequeued AA0101/1:abandoned 1999-02-01T05:03:01Z contact_id="AA0101-1" queue_id="NW" channel="voice" outcome="abandoned" priority="0"
contact.ended AA0101/1:hung_up 1999-02-01T05:03:01Z contact_id="AA0101-1" queue_id="NW" channel="voice" by="customer" priority="0"
`)
	f("phantom", "AA0101\t1\t0\t0\tNW\t990201\t7:02:47\t7:02:56\t9\t7:02:56\t7:03:01\t5\tPHANTOM\t0:00:00\t0:00:00\t0\tNO_SERVER", "")
	// The queue began at midnight exactly: 0:00:00 is a time here.
	f("midnight", "AA0102\t1\t0\t2\tPS\t990215\t23:59:54\t23:59:54\t0\t0:00:00\t0:00:27\t27\tAGENT\t0:00:26\t0:01:33\t67\tDORA",
		`contact.queued AA0102/1:queued 1999-02-15T22:00:00Z contact_id="AA0102-1" queue_id="PS" channel="voice" direction="inbound" priority="2"
contact.answered AA0102/1:answered 1999-02-15T22:00:27Z contact_id="AA0102-1" agent_id="DORA" queue_id="PS" channel="voice" priority="2"
contact.ended AA0102/1:ended 1999-02-15T22:01:34Z contact_id="AA0102-1" agent_id="DORA" queue_id="PS" channel="voice" priority="2"
`)
	// Two clocks that disagree by a minute stay on their day.
	f("clocks_disagree", "AA0102\t1\t0\t2\tPS\t990207\t9:48:14\t9:47:17\t-57\t9:47:17\t9:50:11\t174\tHANG\t0:00:00\t0:00:00\t0\tNO_SERVER",
		`contact.queued AA0102/1:queued 1999-02-07T07:47:17Z contact_id="AA0102-1" queue_id="PS" channel="voice" direction="inbound" priority="2"
contact.dequeued AA0102/1:abandoned 1999-02-07T07:50:11Z contact_id="AA0102-1" queue_id="PS" channel="voice" outcome="abandoned" priority="2"
contact.ended AA0102/1:hung_up 1999-02-07T07:50:11Z contact_id="AA0102-1" queue_id="PS" channel="voice" by="customer" priority="2"
`)
	f("short_row", "AA0101\t1", "line 2: the row has 2 columns, the header 17")
	f("bad_clock", strings.Replace("AA0101\t1\t0\t0\tNW\t990201\t7:02:47\tx\t9\t7:02:56\t7:03:01\t5\tHANG\t0:00:00\t0:00:00\t0\tNO_SERVER", "x", "25:00:00", 1),
		"line 2, column vru_exit: there is no such day or time of day")
	f("bad_wait", "AA0101\t1\t0\t0\tNW\t990201\t7:02:47\t7:02:56\t9\t7:02:56\t7:03:01\t?\tHANG\t0:00:00\t0:00:00\t0\tNO_SERVER",
		"line 2, column q_time: no duration: a number, mm:ss, h:mm:ss or 1h 2m 3s is expected")
	f("negative_wait", "AA0101\t1\t0\t0\tNW\t990201\t7:02:47\t7:02:56\t9\t7:02:56\t7:03:01\t-1\tHANG\t0:00:00\t0:00:00\t0\tNO_SERVER",
		"line 2, column q_time: a negative duration; if it stands for none, name it under absent")
}

const small = `mapping: x
source: s
format: csv
times:
  at: {column: time, format: iso}
events:
  - type: contact.queued
    at: at
    data: {contact_id: call, queue_id: queue}
`

// TestStrict holds that every mistake is told with its place.
func TestStrict(t *testing.T) {
	cat := catalogue(t)
	f := func(name, old, new, want string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			if !strings.Contains(small, old) {
				t.Fatalf("no %q", old)
			}
			_, err := Parse("x.yaml", []byte(strings.Replace(small, old, new, 1)), cat, time.LoadLocation)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	f("fine", "mapping", "mapping", "")
	f("key", "format: csv", "fromat: csv", `x.yaml:3:1: unknown key "fromat", did you mean "format"?`+"\n"+`x.yaml:1:1: key "format" is missing`)
	f("format", "csv", "cvs", `x.yaml:3:9: "cvs" is not one of csv, tsv, jsonl, did you mean "csv"?`)
	f("zone", "format: csv", "format: csv\nzone: Asia/Teheran", `x.yaml:4:7: no time zone "Asia/Teheran": an IANA name is expected, such as Asia/Tehran`)
	f("type", "contact.queued", "contact.qeued", `x.yaml:7:11: no type of event "contact.qeued", did you mean "contact.queued"?`)
	f("clock_type", "contact.queued", "feed.opened", `x.yaml:7:11: no type of event "feed.opened"`)
	f("time", "at: at", "at: att", `x.yaml:8:9: no time "att" above, did you mean "at"?`+"\n"+`x.yaml:5:3: nothing refers to the time "at"`)
	f("field", "queue_id", "qeue_id", `x.yaml:9:30: contact.queued has no field "qeue_id", did you mean "queue_id"?`+"\n"+`x.yaml:7:5: contact.queued needs the field queue_id`)
	f("needs", ", queue_id: queue", "", `x.yaml:7:5: contact.queued needs the field queue_id`)
	f("word", "queue_id: queue", "queue_id: queue, channel: {text: phone}", `x.yaml:9:56: "phone" is not one of voice, video, chat, messaging, email, sms, social, web, task, in_person, other`)
	f("time_format", "iso", "YYYY-MM-DDX", `x.yaml:5:30: "X" is no part of a format: iso, epoch_s, epoch_ms, epoch_us, or a pattern of YYYY JYYYY YY MMMM MMM MM M DD D ddd HH H hh h a mm ss .fff Z`)
	f("twelve_hours", "iso", "YYYY-MM-DD hh:mm:ss", `x.yaml:5:30: hh is a clock of twelve hours, which needs a for AM or PM; one of twenty-four is HH`)
	f("no_clock", "iso", "YYYY-MM-DD", `x.yaml:5:7: the format holds no date, or no clock`)
	f("no_format", ", format: iso", "", `x.yaml:5:7: a format is missing: format with column, date_format and clock_format with date and clock`)
	f("duration", "at: {column: time, format: iso}", "at: {column: time, format: iso}\n  b: {base: at, plus: {column: w}}", `x.yaml:6:23: key "unit" is missing: ms, s, min or h, of plain numbers`+"\n"+`x.yaml:6:3: nothing refers to the time "b"`)
	f("condition", "at: at", "at: at\n    when: {column: x}", `x.yaml:9:11: a column needs a test, and a test a column: is, in, starts, empty, at_least, at_most, more_than, less_than`)
	f("two_forms", "queue_id: queue", "queue_id: {column: a, text: b}", `x.yaml:9:40: exactly one of column, text, join, first, row is expected`)
	f("declared", "format: csv", "format: csv\nheader: false\ncolumns: [time, call, que]", `x.yaml:11:40: no column "queue", did you mean "que"?`)
	f("no_columns", "format: csv", "format: csv\nheader: false", `x.yaml:1:1: columns belong to a file with header: false, and to that always`)
	f("same_id", "events:", "events:\n  - type: contact.queued\n    at: at\n    data: {contact_id: call, queue_id: queue}", `x.yaml:10:5: two events of a row have the id "queued": give one of them another by the key id`)
	f("unused_data", "events:", "data: {agent_id: a}\nevents:", `x.yaml:6:8: no event of the mapping has a field "agent_id"`)
}

func TestBindNamesMissingColumns(t *testing.T) {
	m, err := Parse("x.yaml", []byte(small), catalogue(t), time.LoadLocation)
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Bind([]string{"time", "cal", "queue"})
	if want := `x.yaml:9:24: no column "call" in the file, did you mean "cal"?`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestFormats(t *testing.T) {
	tehran, err := time.LoadLocation("Asia/Tehran")
	if err != nil {
		t.Fatal(err)
	}
	cat := catalogue(t)
	f := func(format, in, want string) {
		t.Helper()
		doc := strings.Replace(small, "format: iso", "format: "+format, 1)
		m, err := Parse("x.yaml", []byte(strings.Replace(doc, "format: csv", "format: csv\nzone: Asia/Tehran\nnormalize: [digits, letters]", 1)), cat, time.LoadLocation)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := m.Bind([]string{"time", "call", "queue"})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		events, bad := plan.Row(1, []string{in, "c", "q"})
		if bad != nil {
			got = bad.Text
		} else {
			got = time.UnixMilli(events[0].Time).In(tehran).Format("2006-01-02 15:04:05.999")
		}
		if got != want {
			t.Errorf("%s of %q: got %s, want %s", format, in, got, want)
		}
	}
	const not = "the time is not of the format"
	f("iso", "2026-11-22T14:05:09Z", "2026-11-22 17:35:09")
	f("iso", "2026-11-22 14:05:09.25", "2026-11-22 14:05:09.25")
	f("iso", "2026-11-22 14:05", "2026-11-22 14:05:00")
	f("iso", "2026-11-22T14:05:09+02:00", "2026-11-22 15:35:09")
	f("iso", "2026-11-22T14:05:09+0200", "2026-11-22 15:35:09")
	f("iso", "22.11.2026", not)
	f("epoch_s", "1795356309", "2026-11-22 17:35:09")
	f("epoch_s", "1795356309.5", "2026-11-22 17:35:09.5")
	f("epoch_ms", "1795356309250", "2026-11-22 17:35:09.25")
	f("epoch_ms", "soon", not)
	f("epoch_us", "1795356309250000", "2026-11-22 17:35:09.25")
	f(`"ddd MMM D HH:mm:ss YYYY"`, "Sun Nov 22 14:05:09 2026", "2026-11-22 14:05:09")
	f(`"ddd, D MMMM YYYY h:mm a"`, "Sunday, 22 November 2026 2:05 pm", "2026-11-22 14:05:00")
	f(`"YYYY-MM-DD HH:mm:ss Z"`, "2026-11-22 14:05:09 UTC", "2026-11-22 17:35:09")
	f(`"DD/MM/YYYY HH:mm:ss"`, "22/11/2026 14:05:09", "2026-11-22 14:05:09")
	f(`"DD/MM/YYYY HH:mm:ss"`, "1/2/2026 4:05:09", "2026-02-01 04:05:09")
	f(`"DD/MM/YYYY HH:mm:ss"`, "31/02/2026 4:05:09", "there is no such day or time of day")
	f(`"M/D/YY h:mm a"`, "11/22/26 2:05 PM", "2026-11-22 14:05:00")
	f(`"M/D/YY h:mm a"`, "11/22/26 12:05 am", "2026-11-22 00:05:00")
	f(`"M/D/YY h:mm a"`, "11/22/26 13:05 am", "there is no such day or time of day")
	f(`"M/D/YY h:mm a"`, "11/22/99 2:05 ب.ظ", "1999-11-22 14:05:00")
	f("YYMMDDHHmmss", "261122140509", "2026-11-22 14:05:09")
	f("YYMMDDHHmmss", "26112214050", not)
	f(`"D MMM YYYY HH:mm:ss.fff Z"`, "22 Nov 2026 14:05:09.123 +0000", "2026-11-22 17:35:09.123")
	f(`["DD.MM.YYYY HH:mm", "DD.MM.YYYY HH:mm:ss"]`, "22.11.2026 14:05:09", "2026-11-22 14:05:09")
	f(`"JYYYY/MM/DD HH:mm:ss"`, "۱۴۰۵/۰۹/۰۱ ۱۴:۰۵:۰۹", "2026-11-22 14:05:09")
	f(`"JYYYY-MM-DD HH:mm:ss"`, "1403-12-30 00:00:00", "2025-03-20 00:00:00")
	f(`"JYYYY-MM-DD HH:mm:ss"`, "1404-12-30 00:00:00", "there is no such day or time of day")
	f(`"JYYYY-MM-DD HH:mm:ss"`, "1404-01-01 00:00:00", "2025-03-21 00:00:00")
	f("iso", "", "contact.queued has no time: the column is empty")
}

func TestDurations(t *testing.T) {
	f := func(in, unit string, want int64, fine bool) {
		t.Helper()
		got, ok := (&Mapping{}).duration(in, units[unit])
		if ok != fine || ok && got != want {
			t.Errorf("%s %s: got %d, %v, want %d, %v", in, unit, got, ok, want, fine)
		}
	}
	f("14", "s", 14_000, true)
	f("14.25", "s", 14_250, true)
	f("14,25", "s", 14_250, true)
	f(".5", "min", 30_000, true)
	f("1500", "ms", 1500, true)
	f("2", "h", 7_200_000, true)
	f("2:05", "s", 125_000, true)
	f("1:02:05.5", "s", 3_725_500, true)
	f("100:00:00", "s", 360_000_000, true)
	f("75:10", "s", 4_510_000, true)
	f("-57", "s", -57_000, true)
	f("1h 2m 5.5s", "s", 3_725_500, true)
	f("2 min 31 sec", "s", 151_000, true)
	f("PT2M31S", "s", 151_000, true)
	f("0,125", "s", 125, true)
	f("1,234", "s", 0, false)
	f("2x", "s", 0, false)
	f("1:75", "s", 0, false)
	f("1:75:00", "s", 0, false)
	f("1:2:3:4", "s", 0, false)
	f("", "s", 0, false)
	f("x", "s", 0, false)
	f("1.5:00", "s", 0, false)
	f("99999999999999", "h", 0, false)
}

func TestIDsAreApart(t *testing.T) {
	doc := strings.Replace(small, "format: csv", "format: csv\nidentity: [a, b]", 1)
	m, err := Parse("x.yaml", []byte(doc), catalogue(t), time.LoadLocation)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := m.Bind([]string{"time", "call", "queue", "a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, words := range [][2]string{{"1", "2"}, {"1/2", ""}, {"1%2F2", ""}, {"", "1/2"}, {strings.Repeat("x", 300), ""}, {strings.Repeat("x", 301), ""}} {
		events, bad := plan.Row(1, []string{"2026-11-22T14:05:09Z", "c", "q", words[0], words[1]})
		if bad != nil {
			t.Fatal(bad)
		}
		if len(events[0].ID) > 256 {
			t.Errorf("an id of %d characters", len(events[0].ID))
		}
		ids = append(ids, events[0].ID)
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 6 {
		t.Errorf("two rows share an id: %v", ids)
	}
}

// FuzzRow holds that no row makes a mapping panic, and that it gives the same
// events twice.
func FuzzRow(f *testing.F) {
	plan, err := bank(f).Bind(strings.Split(bankHeader, "\t"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("AA0101\t1\t77\t2\tPS\t990201\t7:02:47\t7:02:56\t9\t7:02:56\t7:03:10\t14\tAGENT\t7:03:09\t7:05:41\t152\tDORA")
	f.Add("AA0101\t1\t77\t2\tPS\t990231\t7:02:47\t7:02:56\t9\t0:00:00\t0:00:00\t0\tHANG\t7:03:09\t7:05:41\t\tDORA")
	f.Fuzz(func(t *testing.T, in string) {
		values := strings.Split(in, "\t")
		first, bad := plan.Row(1, values)
		second, again := plan.Row(1, values)
		if told(first) != told(second) || (bad == nil) != (again == nil) {
			t.Fatalf("%q gives two things", in)
		}
		for i := range first {
			first[i].AppendJSON(nil, "")
		}
	})
}

// FuzzParse holds that no declaration makes the reader panic.
func FuzzParse(f *testing.F) {
	cat := catalogue(f)
	f.Add(small)
	data, err := os.ReadFile("../../schemas/mapping/anonymous_bank.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(data))
	f.Fuzz(func(t *testing.T, in string) {
		m, err := Parse("x.yaml", []byte(in), cat, time.LoadLocation)
		if err != nil {
			return
		}
		header := m.Columns()
		plan, err := m.Bind(header)
		if err != nil {
			t.Fatal(err)
		}
		plan.Row(1, make([]string, len(header)))
	})
}

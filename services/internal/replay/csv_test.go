package replay

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nabz/nabz/pkg/mapping"
	"github.com/nabz/nabz/pkg/source"
)

// readAll gives the rows of a file, and what is said of bad ones.
func readAll(t *testing.T, text string, m *mapping.Mapping) (rows [][]string, told []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "calls.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := openRows(path, m)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	rows = append(rows, in.header)
	for {
		values, line, err := in.next()
		if errors.Is(err, io.EOF) {
			return rows, told
		}
		if bad, ok := errors.AsType[*source.RowError](err); ok {
			told = append(told, bad.Error())
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, append([]string{fmt.Sprint(line)}, values...))
	}
}

// TestQuotesOfSwitches: a quote that does not close takes no other row with it,
// and sloppy ones are letters.
func TestQuotesOfSwitches(t *testing.T) {
	rows, told := readAll(t, strings.Join([]string{
		`# of the switch, "daily`,
		``,
		`call,queue,note`,
		`1,"Sales,x`,
		`2,"Billing",x`,
		`3,Billing,said "hi" there`,
		`4,"Sales, West","a ""q"" b"`,
		`5, "Sales, East" ,"two`,
		`lines, ""and"" a half"`,
		`# a comment`,
		`6,"a "b" c",`,
		`7,"",""`,
		`8,Sales,"never closed`,
		`9,Sales,x`,
	}, "\r\n"), &mapping.Mapping{Format: mapping.CSV, Delimiter: ',', Header: true, Comment: "#"})
	want := [][]string{
		{"call", "queue", "note"},
		{"5", "2", "Billing", "x"},
		{"6", "3", "Billing", `said "hi" there`},
		{"7", "4", "Sales, West", `a "q" b`},
		{"8", "5", "Sales, East", "two\nlines, \"and\" a half"},
		{"11", "6", `a "b" c`, ""},
		{"12", "7", "", ""},
		{"14", "9", "Sales", "x"},
	}
	for i := range max(len(rows), len(want)) {
		if i >= len(rows) || i >= len(want) || !slices.Equal(rows[i], want[i]) {
			t.Fatalf("rows\n%q\nwant\n%q", rows, want)
		}
	}
	if want := []string{"line 4: a quote does not close", "line 13: a quote does not close"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// TestCSVIsReadAsWritten holds the reading against the standard writer.
func TestCSVIsReadAsWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	letters := []string{"a", "é", "ص", " ", ",", ";", "\t", `"`, "\n", "#", "'"}
	for range 300 {
		delimiter := []rune{',', ';', '\t', '|'}[r.IntN(4)]
		want := [][]string{{"a", "b", "c"}}
		for range 1 + r.IntN(5) {
			row := make([]string, 3)
			for i := range row {
				for range r.IntN(6) {
					row[i] += letters[r.IntN(len(letters))]
				}
			}
			want = append(want, row)
		}
		var text bytes.Buffer
		w := csv.NewWriter(&text)
		w.Comma, w.UseCRLF = delimiter, r.IntN(2) == 0
		if err := w.WriteAll(want); err != nil {
			t.Fatal(err)
		}
		rows, told := readAll(t, text.String(), &mapping.Mapping{Format: mapping.CSV, Delimiter: delimiter, Header: true})
		if len(told) > 0 || len(rows) != len(want) {
			t.Fatalf("%q: read %q, told %q", text.String(), rows, told)
		}
		for i, row := range rows[1:] {
			if !slices.Equal(row[1:], want[i+1]) {
				t.Fatalf("%q: read %q, want %q", text.String(), row[1:], want[i+1])
			}
		}
	}
}

// TestQuoteThatNeverCloses holds that reading ahead is bounded and lost on no
// other row, also where every row is broken.
func TestQuoteThatNeverCloses(t *testing.T) {
	text := "a,b\n1,\"x\n" + strings.Repeat("2,y\n", 2*maxRowLines)
	rows, told := readAll(t, text, &mapping.Mapping{Format: mapping.CSV, Delimiter: ',', Header: true})
	if len(rows) != 1+2*maxRowLines || len(told) != 1 || rows[1][0] != "3" || rows[len(rows)-1][0] != fmt.Sprint(2+2*maxRowLines) {
		t.Errorf("%d rows, told %q, from line %s to %s", len(rows), told, rows[1][0], rows[len(rows)-1][0])
	}
	rows, told = readAll(t, "a,b\n"+strings.Repeat("1,\"x\n", 500), &mapping.Mapping{Format: mapping.CSV, Delimiter: ',', Header: true})
	if len(rows) != 1 || len(told) != 500 {
		t.Errorf("%d rows, %d told", len(rows), len(told))
	}
}

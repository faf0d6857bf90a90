package replay

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nabz/nabz/pkg/source"
)

var example = regexp.MustCompile("(?s)<!-- example: ([a-z.]+) -->\n```[a-z]*\n(.*?)```")

// TestDocumentedExample runs the worked example of docs/mappings.md.
func TestDocumentedExample(t *testing.T) {
	page, err := os.ReadFile("../../../docs/mappings.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, m := range example.FindAllStringSubmatch(string(page), -1) {
		parts[m[1]] = m[2]
	}
	file := filepath.Join(t.TempDir(), "calls.csv")
	if err := os.WriteFile(file, []byte(parts["calls.csv"]), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &replay{Config: Config{File: file, Mapping: parsed(t, "calls.yaml", parts["calls.yaml"])}}
	var got strings.Builder
	var told string
	err = r.each(func(_ int, events []source.Event, bad *source.RowError) error {
		for _, e := range events {
			text := string(e.AppendJSON(nil, ""))
			data := text[strings.Index(text, `"data":`)+len(`"data":`) : len(text)-1]
			_, at, _ := strings.Cut(text, `"time":"`)
			fmt.Fprintf(&got, "%s %s %s %s\n", e.Type, e.ID, at[:24], data)
		}
		if bad != nil {
			told += bad.Error()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != parts["events"] {
		t.Errorf("got\n%s\nwant\n%s", got.String(), parts["events"])
	}
	if told == "" || !strings.Contains(string(page), told) {
		t.Errorf("bad rows: %s", told)
	}
}

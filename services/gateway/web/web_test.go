package web

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"
)

// maxCode is what the page may weigh in gzip, fonts aside: it must be there at
// once on a television's browser.
const maxCode = 90 << 10

func TestCodeIsSmall(t *testing.T) {
	sum := 0
	err := fs.WalkDir(Files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(name, "assets/fonts/") {
			return err
		}
		content, err := fs.ReadFile(Files, name)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := w.Write(content); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		sum += b.Len()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if sum > maxCode {
		t.Errorf("the page weighs %d bytes in gzip, more than %d", sum, maxCode)
	}
	t.Logf("%d bytes in gzip", sum)
}

// TestIndexNamesEveryModule holds that the browser may fetch all modules at
// once, and not one after the other as it finds their names.
func TestIndexNamesEveryModule(t *testing.T) {
	index, err := Files.ReadFile("index.html")
	if err != nil {
		t.Fatal(err)
	}
	modules, err := fs.Glob(Files, "assets/*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modules {
		if !strings.Contains(string(index), `"`+m+`"`) {
			t.Errorf("index.html does not name %s", m)
		}
	}
}

// TestOthersWorkHasItsLicence holds that what others made is here with the
// words under which they gave it.
func TestOthersWorkHasItsLicence(t *testing.T) {
	for dir, licence := range map[string]string{"assets/vendor": "uPlot.LICENSE", "assets/fonts": "vazirmatn.LICENSE"} {
		if b, err := Files.ReadFile(path.Join(dir, licence)); err != nil || len(b) < 500 {
			t.Errorf("%s: %d bytes: %v", licence, len(b), err)
		}
	}
}

// TestPage runs the tests in a browser. They fetch what they need where they
// may; without it they are skipped, and say so.
func TestPage(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: the tests in a browser take a minute")
	}
	const dir = "../../../scripts/browser"
	// Looking at the files tells the go command that a change of them is a
	// reason to run again.
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.IsDir() {
			continue
		}
		if _, err := os.ReadFile(path.Join(dir, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), path.Join(dir, "test.sh")).CombinedOutput()
	if err != nil {
		t.Fatalf("run %s/test.sh: %v\n%s", dir, err, out)
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		if strings.Contains(lines.Text(), "browser: SKIPPED") {
			t.Skip(lines.Text())
		}
	}
	t.Logf("%s", out)
}

package replay

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Limits of a log that is followed.
const (
	// headBytes is how much of its beginning tells a file from another: some
	// rows, which hold a time and a call's id.
	headBytes = 512
	// tailChunk is how much is read at once.
	tailChunk = 64 << 10
	// maxRow is the longest row: a longer one is a file that is no log.
	maxRow = 1 << 20
)

// part is one file of a log that is rotated, at its place in the whole. It is
// known again by its inode and its head: a name moves on, and an inode may be
// given to another file.
type part struct {
	Inode   uint64 `json:"inode"`
	Base    int64  `json:"base"` // place of its first byte
	Head    string `json:"head"` // SHA-256 of its first bytes, as many as HeadLen
	HeadLen int64  `json:"head_bytes"`
}

// tail reads the rows of a log that grows and is rotated, by moving the file
// away and making a new one, or by copying it and cutting it short. A place is
// the number of bytes before it in all files that were read.
type tail struct {
	path string
	warn func(format string, args ...any)

	file    *os.File
	current part
	offset  int64         // in the file, of the first byte of the next row
	held    []byte        // read behind offset, without a whole row
	before  []part        // the files before the current one, oldest first
	queue   []fs.FileInfo // the files behind it; their names may change
}

// place is that of the next row.
func (t *tail) place() int64 { return t.current.Base + t.offset }

// open begins at the start of the log's file, or goes on at a place of known
// parts, the oldest first; sent is the place up to which rows were read once.
func (t *tail) open(parts []part, place, sent int64) error {
	if len(parts) == 0 {
		return t.begin(t.path, 0, 0)
	}
	files, err := t.files()
	if err != nil {
		return err
	}
	var known []string
	first := len(parts)
	for ; first > 0; first-- {
		name := locate(files, &parts[first-1])
		if name == "" {
			break
		}
		known = append([]string{name}, known...)
	}
	if len(known) == 0 {
		t.warn("the file that was read last is gone: what was written to it behind its byte %d is missed", sent-parts[len(parts)-1].Base)
		return t.begin(t.path, sent, 0)
	}
	if first > 0 {
		t.warn("%d rotated files are gone in which calls began that are open: they are told by their ends", first)
	}
	for _, f := range files {
		if slices.Contains(known[1:], f.name) {
			t.queue = append(t.queue, f.info)
		}
	}
	t.queue = append(t.queue, t.unseen(files, known)...)
	return t.begin(known[0], parts[first].Base, max(place-parts[first].Base, 0))
}

// begin opens a file whose first byte stands at base.
func (t *tail) begin(name string, base, offset int64) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	st, err := f.Stat()
	if err == nil && st.Size() < offset {
		err = fmt.Errorf("%s has %d bytes, and %d were read", name, st.Size(), offset)
	}
	if err != nil {
		f.Close()
		return fmt.Errorf("open log: %w", err)
	}
	if t.file != nil {
		t.file.Close()
	}
	t.file, t.offset, t.held = f, offset, nil
	t.current = part{Inode: inode(st), Base: base}
	return t.know()
}

// know keeps the head of the current file while it is short.
func (t *tail) know() error {
	n := min(int64(headBytes), t.offset)
	if n <= t.current.HeadLen {
		return nil
	}
	head, err := headOf(t.file, n)
	t.current.Head, t.current.HeadLen = head, n
	return err
}

func headOf(f io.ReaderAt, n int64) (string, error) {
	b := make([]byte, n)
	if _, err := f.ReadAt(b, 0); err != nil {
		return "", fmt.Errorf("read log: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

func inode(st fs.FileInfo) uint64 {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return s.Ino
	}
	return 0
}

// rows gives every whole row that is there, and goes on from file to file.
func (t *tail) rows(each func(place int64, text string) error) error {
	for {
		// What was cut short may have grown beyond where it stood.
		if cut, err := t.mend(); err != nil {
			return err
		} else if cut {
			continue
		}
		if err := t.read(each); err != nil {
			return err
		}
		next, err := t.successor()
		if err != nil || next == "" {
			return err
		}
		// What was written before the writer went over to the next file.
		if cut, err := t.mend(); err != nil {
			return err
		} else if cut {
			continue
		}
		if err := t.read(each); err != nil {
			return err
		}
		if err := t.turn(next, each); err != nil {
			return err
		}
	}
}

// read gives the rows of the current file up to its end.
func (t *tail) read(each func(place int64, text string) error) error {
	chunk := make([]byte, tailChunk)
	for {
		n, err := t.file.ReadAt(chunk, t.offset+int64(len(t.held)))
		t.held = append(t.held, chunk[:n]...)
		for {
			i := bytes.IndexByte(t.held, '\n')
			if i < 0 && len(t.held) < maxRow {
				break
			}
			if i < 0 {
				return fmt.Errorf("read log: a row of more than %d bytes", maxRow)
			}
			text := string(bytes.TrimSuffix(t.held[:i], []byte{'\r'}))
			t.held = t.held[i+1:]
			place := t.place()
			t.offset += int64(i) + 1
			if err := each(place, text); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return t.know()
		case err != nil:
			return fmt.Errorf("read log: %w", err)
		}
	}
}

// successor tells which file comes behind the current one; none while the
// current one is written to.
func (t *tail) successor() (name string, err error) {
	files, err := t.files()
	if err != nil {
		return "", err
	}
	if name := t.queued(files); name != "" {
		return name, nil
	}
	own, err := t.file.Stat()
	if err != nil {
		return "", fmt.Errorf("find log: %w", err)
	}
	if at, err := os.Stat(t.path); err == nil && os.SameFile(at, own) {
		return "", nil
	}
	// It was moved away. Who wrote it still may, as long as there is no row in a
	// newer one; an empty log is none of those.
	t.queue = t.unseen(files, []string{t.nameOf(files)})
	return t.queued(files), nil
}

// queued takes the next file of the queue that is still there.
func (t *tail) queued(files []logFile) string {
	for len(t.queue) > 0 {
		next := t.queue[0]
		t.queue = t.queue[1:]
		for _, f := range files {
			if os.SameFile(f.info, next) {
				return f.name
			}
		}
		t.warn("a rotated file is gone that nobody had read: its rows are missed")
	}
	return ""
}

// nameOf is what the current file is called now.
func (t *tail) nameOf(files []logFile) string {
	own, err := t.file.Stat()
	if err != nil {
		return ""
	}
	for _, f := range files {
		if os.SameFile(f.info, own) {
			return f.name
		}
	}
	return ""
}

// isCut tells whether the current file was cut short: it is shorter than what
// was read, or begins in another way.
func (t *tail) isCut(own fs.FileInfo) (bool, error) {
	if own.Size() < t.offset+int64(len(t.held)) {
		return true, nil
	}
	if t.current.HeadLen == 0 {
		return false, nil
	}
	head, err := headOf(t.file, t.current.HeadLen)
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	return err == nil && head != t.current.Head, err
}

// mend goes on in the copy of the current file, which was made before it was cut
// short and has the rest of what was read, and tells whether it was.
func (t *tail) mend() (cut bool, err error) {
	info, err := t.file.Stat()
	if err != nil {
		return false, fmt.Errorf("find log: %w", err)
	}
	if cut, err := t.isCut(info); !cut || err != nil {
		return false, err
	}
	files, err := t.files()
	if err != nil {
		return false, err
	}
	own := t.nameOf(files)
	for _, f := range files {
		if f.name != own && f.info.Size() >= t.offset && f.hasHead(&t.current) {
			t.queue = t.unseen(files, []string{f.name})
			return true, t.begin(f.name, t.current.Base, t.offset)
		}
	}
	t.warn("%s was cut short and no copy of it is there: what was written behind its byte %d and not read is missed", t.path, t.offset)
	t.before = append(t.before, t.current)
	return true, t.begin(cmp.Or(own, t.path), t.place(), 0)
}

// turn goes over to the next file. What stands behind the last row's end is a
// row, too: nobody will end it.
func (t *tail) turn(next string, each func(place int64, text string) error) error {
	if len(t.held) > 0 {
		text, place := string(t.held), t.place()
		t.offset += int64(len(t.held))
		t.held = nil
		if err := each(place, text); err != nil {
			return err
		}
	}
	t.before = append(t.before, t.current)
	return t.begin(next, t.place(), 0)
}

// parts are the files that hold what stands at a place and behind it.
func (t *tail) parts(place int64) []part {
	all := append(slices.Clone(t.before), t.current)
	for len(all) > 1 && all[1].Base <= place {
		all = all[1:]
	}
	t.before = slices.Clone(all[:len(all)-1])
	return all
}

// logFile is a file that the log is in, or was.
type logFile struct {
	name string
	info fs.FileInfo
}

// files are those of the log: its own name, and that name with something behind
// a dot or dash, oldest first. Compressed ones cannot be read on.
func (t *tail) files() ([]logFile, error) {
	dir, base := filepath.Split(t.path)
	entries, err := os.ReadDir(cmp.Or(dir, "."))
	if err != nil {
		return nil, fmt.Errorf("find log: %w", err)
	}
	var out []logFile
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), base)
		if !ok || rest != "" && rest[0] != '.' && rest[0] != '-' || slices.Contains([]string{".gz", ".xz", ".bz2", ".zst"}, filepath.Ext(rest)) {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, e.Name()))
		if err != nil || !info.Mode().IsRegular() {
			continue // it went away, or is none
		}
		out = append(out, logFile{filepath.Join(dir, e.Name()), info})
	}
	slices.SortFunc(out, func(a, b logFile) int {
		if a.name == t.path || b.name == t.path {
			return cmp.Compare(len(b.name), len(a.name)) // the log itself is the newest
		}
		return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), strings.Compare(b.name, a.name))
	})
	return out, nil
}

// unseen are the files behind the newest of those that are known.
func (t *tail) unseen(files []logFile, known []string) []fs.FileInfo {
	last := -1
	for i, f := range files {
		if slices.Contains(known, f.name) {
			last = i
		}
	}
	var out []fs.FileInfo
	for i, f := range files {
		// Where the current one has no name any more, only the log is newer for
		// sure.
		if f.name == t.path && f.info.Size() == 0 {
			continue // who wrote the one before it still may
		}
		if i > last && (last >= 0 || f.name == t.path) {
			out = append(out, f.info)
		}
	}
	return out
}

func (f *logFile) hasHead(p *part) bool {
	if p.HeadLen == 0 || f.info.Size() < p.HeadLen {
		return false
	}
	file, err := os.Open(f.name)
	if err != nil {
		return false
	}
	defer file.Close()
	head, err := headOf(file, p.HeadLen)
	return err == nil && head == p.Head
}

// locate finds the file that a part is in now: its own, else a copy of it.
func locate(files []logFile, p *part) string {
	copied := ""
	for _, f := range files {
		switch {
		case p.HeadLen == 0 && inode(f.info) == p.Inode: // nothing of it was read
			return f.name
		case !f.hasHead(p):
		case inode(f.info) == p.Inode:
			return f.name
		default:
			copied = f.name
		}
	}
	return copied
}

package gateway

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/nabz/nabz/services/gateway/web"
)

//go:embed openapi.json
var specification []byte

//go:embed docs.css
var docsStyle []byte

//go:embed docs.html
var docsPage string

// page is one file as it is sent.
type page struct {
	kind   string // media type
	plain  []byte
	packed []byte // gzip; nil where that is no shorter
	tag    string
}

// kinds are the media types of the files that a page is made of.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".mjs": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".woff2": "font/woff2",
	".json": "application/json", ".webmanifest": "application/manifest+json",
}

func newPage(kind string, content []byte) (*page, error) {
	sum := sha256.Sum256(content)
	p := &page{kind: kind, plain: content, tag: hex.EncodeToString(sum[:8])}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(content)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("pack a page: %w", err)
	}
	if b.Len() < len(content)*9/10 {
		p.packed = b.Bytes()
	}
	return p, nil
}

// openPages reads all files once. Those of no known kind, such as licences,
// are not served.
func openPages() (map[string]*page, error) {
	pages := map[string]*page{}
	err := fs.WalkDir(web.Files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || kinds[path.Ext(name)] == "" {
			return err
		}
		content, err := fs.ReadFile(web.Files, name)
		if err == nil {
			pages["/"+name], err = newPage(kinds[path.Ext(name)], content)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the wallboard's files: %w", err)
	}
	pages["/"] = pages["/index.html"]
	docs, err := renderDocs()
	if err != nil {
		return nil, err
	}
	for name, file := range map[string]struct {
		kind    string
		content []byte
	}{
		"/docs": {kinds[".html"], docs}, "/docs.css": {kinds[".css"], docsStyle}, "/openapi.json": {kinds[".json"], specification},
	} {
		if pages[name], err = newPage(file.kind, file.content); err != nil {
			return nil, err
		}
	}
	return pages, nil
}

// servePage sends a file of the wallboard.
func (s *Service) servePage(w http.ResponseWriter, r *http.Request, _ *caller) *problem {
	p := s.pages[r.URL.Path]
	if p == nil {
		return notFound("", "no such file")
	}
	p.write(w, r)
	return nil
}

func (s *Service) serveSpecification(w http.ResponseWriter, r *http.Request, c *caller) *problem {
	return s.servePage(w, r, c)
}

func (s *Service) serveDocs(w http.ResponseWriter, r *http.Request, c *caller) *problem {
	return s.servePage(w, r, c)
}

func (s *Service) serveDocsStyle(w http.ResponseWriter, r *http.Request, c *caller) *problem {
	return s.servePage(w, r, c)
}

func (p *page) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", p.kind)
	h.Set("Vary", "Accept-Encoding")
	// It is asked for anew each time, and not sent again where it is the same:
	// a new version shows at the next load.
	h.Set("Cache-Control", "no-cache")
	content, tag := p.plain, `"`+p.tag+`"`
	if p.packed != nil && takesGzip(r) {
		content, tag = p.packed, `"`+p.tag+`-gzip"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(content)))
	// Who is gone needs no page.
	_, _ = w.Write(content)
}

func takesGzip(r *http.Request) bool {
	for _, part := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(name, "gzip") && strings.TrimSpace(weight) != "q=0" {
			return true
		}
	}
	return false
}

// spec is the part of the specification that is shown to people.
type spec struct {
	Info  struct{ Title, Version, Description string }
	Paths map[string]map[string]specOperation
}

type specOperation struct {
	Summary, Description string
	Role                 string `json:"x-role"`
	Parameters           []struct {
		Ref         string `json:"$ref"`
		Name, In    string
		Required    bool
		Description string
		Schema      json.RawMessage
	}
	Responses map[string]struct {
		Ref         string `json:"$ref"`
		Description string
	}
}

// shownOperation is one operation on the page.
type shownOperation struct {
	Method, Path string
	specOperation
	Statuses []string
}

// renderDocs makes the page of the specification. It holds no script.
func renderDocs() ([]byte, error) {
	var in spec
	if err := json.Unmarshal(specification, &in); err != nil {
		return nil, fmt.Errorf("read the specification: %w", err)
	}
	var shown []shownOperation
	for _, p := range slices.Sorted(maps.Keys(in.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(in.Paths[p])) {
			op := in.Paths[p][method]
			shown = append(shown, shownOperation{strings.ToUpper(method), p, op, slices.Sorted(maps.Keys(op.Responses))})
		}
	}
	t, err := template.New("docs").Parse(docsPage)
	if err != nil {
		return nil, fmt.Errorf("read the page of the specification: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, map[string]any{"Info": in.Info, "Operations": shown}); err != nil {
		return nil, fmt.Errorf("write the page of the specification: %w", err)
	}
	return b.Bytes(), nil
}

package gateway

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/nabz/nabz/pkg/strictyaml"
)

// Limits of a query.
const (
	// maxQuery bounds a query's text; the longest sensible one names all KPIs.
	maxQuery = 4096
	// maxList bounds the elements of one list.
	maxList = 100
	// maxWord bounds one value, as in events.
	maxWord = 256
)

// params are the parameters of a query, of known names only.
type params struct{ values url.Values }

// readParams reads a query strictly.
func readParams(r *http.Request, known []string) (params, *problem) {
	if len(r.URL.RawQuery) > maxQuery {
		return params{}, bad("", "the query is too long")
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return params{}, bad("", "the query is no list of name=value")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, name) {
			hint := strictyaml.Hint(name, known)
			if len(name) > 64 {
				name = name[:64]
			}
			return params{}, bad(name, "no such parameter"+hint)
		}
		for _, v := range values[name] {
			if len(v) > maxWord && name != "kpi" {
				return params{}, bad(name, "the value is too long")
			}
			if strings.ContainsFunc(v, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\ufffd' }) {
				return params{}, bad(name, "the value has control characters, or is not UTF-8")
			}
		}
	}
	return params{values}, nil
}

// one gives a parameter that may be there once.
func (p params) one(name string) (string, *problem) {
	if len(p.values[name]) > 1 {
		return "", bad(name, "it is there twice")
	}
	return p.values.Get(name), nil
}

// list gives the elements of a list, each checked.
func (p params) list(name string, check func(string) string) ([]string, *problem) {
	text, problem := p.one(name)
	if problem != nil || text == "" {
		return nil, problem
	}
	elements := strings.Split(text, ",")
	if len(elements) > maxList {
		return nil, bad(name, "the list is too long")
	}
	for _, e := range elements {
		if wrong := check(e); wrong != "" {
			return nil, bad(name, wrong)
		}
	}
	return elements, nil
}

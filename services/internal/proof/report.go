// Package proof holds what is stored against what the raw events say, by SQL
// that shares no code with the stream: facts against a fold written by hand,
// values against a naive count over facts.
//
// It does not know how rows came to be.
package proof

// Report is the outcome of one comparison.
type Report struct {
	Name      string   // what was compared
	Compared  int64    // rows or cells
	Different int64    // of them
	Examples  []string // of differences, a few, both sides in words
}

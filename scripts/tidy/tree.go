// Package tidy holds the rules of the house as tests: which package may import
// which, what the pure core may not touch, what every package must say of
// itself, and that documents name only what is there.
//
// It does not know what the code does.
package tidy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// module is the path before the four modules.
const module = "github.com/nabz/nabz/"

// root is the top of the tree, seen from this package.
const root = "../.."

// source is one Go file.
type source struct {
	path  string // from the top, with slashes
	lines int
	test  bool
	file  *ast.File
	set   *token.FileSet
}

// dir is the folder of the file, which names its package.
func (s *source) dir() string { return s.path[:strings.LastIndexByte(s.path, '/')] }

// sources parses every Go file of the tree that is not generated.
func sources() ([]source, error) {
	var out []source
	err := walk(func(path string) error {
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, text, parser.ParseComments)
		if err != nil {
			return fmt.Errorf("parse %s: %w", path, err)
		}
		if ast.IsGenerated(file) {
			return nil
		}
		out = append(out, source{
			path: path, lines: strings.Count(string(text), "\n"), test: strings.HasSuffix(path, "_test.go"), file: file, set: set,
		})
		return nil
	})
	return out, err
}

// walk calls f with every file that belongs to the project.
func walk(f func(path string) error) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") && name != ".ci" && name != ".github" || name == "node_modules" || name == "bin" || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return f(filepath.ToSlash(rel))
	})
}

// imports are the paths that a file imports.
func (s *source) imports() []string {
	var out []string
	for _, i := range s.file.Imports {
		out = append(out, strings.Trim(i.Path.Value, `"`))
	}
	return out
}

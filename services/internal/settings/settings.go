// Package settings finds the value of every flag of a command line: the flag
// itself, else the environment, else a YAML file, else its default.
//
// It does not know what a setting means. A file is read strictly: a key that no
// flag has is an error.
package settings

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/strictyaml"
)

// Prefix begins the name of every variable of the environment.
const Prefix = "NABZ_"

// secretTag marks a flag as a secret: `secret:""`.
const secretTag = "secret"

// inlineTag marks a flag that names a file of a list, which the settings may
// hold in place: `inline:""`. Its value is then the settings' own path.
const inlineTag = "inline"

// maxSecretFile bounds a file that holds one secret.
const maxSecretFile = 64 << 10

// Settings resolves flags from the environment and a file.
type Settings struct {
	lookup func(string) (string, bool)
	path   string
	file   map[string]entry // by section and key, such as collector.listen
}

type entry struct{ value, place string }

// Value is what a flag is set to, and by what.
type Value struct {
	Text   string
	Origin string // such as "environment NABZ_KAFKA" or "nabz.yaml:3:8"
}

// Open reads the environment by lookup, and the file unless its path is empty.
// The file is checked against the flags of the model: every mistake is named
// with its line and column.
func Open(lookup func(string) (string, bool), path string, model *kong.Application) (*Settings, error) {
	s := &Settings{lookup: lookup, path: path, file: map[string]entry{}}
	if path == "" {
		return s, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	if strings.TrimSpace(string(data)) == "" {
		return s, nil
	}
	r, root, err := strictyaml.Open(path, data)
	if err != nil {
		return nil, err
	}
	s.node(r, root, model.Node, "")
	return s, r.Err()
}

// node reads the mapping of one command: its flags, and its subcommands as
// sections. A dash and an underscore are the same in a key.
func (s *Settings) node(r *strictyaml.Reader, n *yaml.Node, command *kong.Node, prefix string) {
	known := map[string]func(k, v *yaml.Node){}
	for _, f := range command.Flags {
		if skipped(f) {
			continue
		}
		name := key(f.Name)
		known[name] = func(_, v *yaml.Node) {
			if v.Kind == yaml.SequenceNode && f.Tag.Has(inlineTag) {
				s.file[prefix+name] = entry{s.path, fmt.Sprintf("%s:%d:%d", s.path, v.Line, v.Column)}
				return
			}
			s.scalar(r, v, prefix+name)
		}
		if IsSecret(f) {
			known[name+"_file"] = func(_, v *yaml.Node) { s.scalar(r, v, prefix+name+"_file") }
		}
	}
	for _, c := range command.Children {
		name := key(c.Name)
		known[name] = func(_, v *yaml.Node) { s.node(r, v, c, prefix+name+".") }
	}
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	r.Pairs(n, func(k, v *yaml.Node) {
		f, ok := known[key(k.Value)]
		if !ok {
			r.Errorf(k, "unknown key %q%s", k.Value, strictyaml.Hint(key(k.Value), names))
			return
		}
		f(k, v)
	})
}

func (s *Settings) scalar(r *strictyaml.Reader, n *yaml.Node, name string) {
	text := n.Value
	if n.Kind == yaml.SequenceNode {
		var parts []string
		r.Items(n, func(item *yaml.Node) { parts = append(parts, item.Value) })
		text = strings.Join(parts, ",")
	} else if n.Kind != yaml.ScalarNode {
		r.Errorf(n, "a value is expected, not %s", strictyaml.Kind(n))
		return
	}
	s.file[name] = entry{text, fmt.Sprintf("%s:%d:%d", s.path, n.Line, n.Column)}
}

// key gives a flag's name as a key of the file.
func key(name string) string { return strings.ReplaceAll(name, "-", "_") }

// Env gives the variable of a flag.
func Env(flag string) string { return Prefix + strings.ToUpper(key(flag)) }

// IsSecret tells whether a flag's value must not be shown.
func IsSecret(f *kong.Flag) bool { return f.Tag.Has(secretTag) }

// skipped are the flags that only a command line can have.
func skipped(f *kong.Flag) bool { return f.Name == "help" || f.Name == "config" }

// Find gives the value of a flag of a command, found by its path of names, if
// the environment or the file has one.
func (s *Settings) Find(command []string, f *kong.Flag) (Value, bool, error) {
	if skipped(f) {
		return Value{}, false, nil
	}
	env := Env(f.Name)
	if v, ok := s.lookup(env); ok {
		return Value{v, "environment " + env}, true, nil
	}
	if IsSecret(f) {
		if path, ok := s.lookup(env + "_FILE"); ok {
			return secret(path, "environment "+env+"_FILE")
		}
	}
	section := ""
	for _, c := range command {
		section += key(c) + "."
	}
	if e, ok := s.file[section+key(f.Name)]; ok {
		return Value{e.value, e.place}, true, nil
	}
	if e, ok := s.file[section+key(f.Name)+"_file"]; ok && IsSecret(f) {
		return secret(e.value, e.place)
	}
	return Value{}, false, nil
}

func secret(path, origin string) (Value, bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return Value{}, false, fmt.Errorf("%s: %w", origin, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return Value{}, false, fmt.Errorf("%s: %w", origin, err)
	}
	text := strings.TrimRight(string(b), "\r\n")
	switch {
	case len(b) > maxSecretFile:
		return Value{}, false, fmt.Errorf("%s: %s holds more than %d bytes", origin, path, maxSecretFile)
	case text == "":
		return Value{}, false, fmt.Errorf("%s: %s holds nothing", origin, path)
	}
	return Value{text, origin}, true, nil
}

// Validate is part of kong.Resolver; [Open] has checked the file.
func (s *Settings) Validate(*kong.Application) error { return nil }

// Resolve is part of kong.Resolver.
func (s *Settings) Resolve(_ *kong.Context, parent *kong.Path, f *kong.Flag) (any, error) {
	v, ok, err := s.Find(Command(parent.Node()), f)
	if err != nil || !ok {
		return nil, err
	}
	return v.Text, nil
}

// Command gives the names of the commands down to the node.
func Command(n *kong.Node) []string {
	var names []string
	for ; n != nil && n.Type == kong.CommandNode; n = n.Parent {
		names = append(names, n.Name)
	}
	slices.Reverse(names)
	return names
}

// ConfigPath finds --config in the arguments, else in the environment: the
// file has to be read before the arguments can be.
func ConfigPath(args []string, lookup func(string) (string, bool)) (string, error) {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	for i, a := range args {
		switch {
		case a == "--config" && i+1 < len(args):
			return args[i+1], nil
		case a == "--config":
			return "", errors.New("--config: a file is expected")
		}
		if v, ok := strings.CutPrefix(a, "--config="); ok {
			return v, nil
		}
	}
	v, _ := lookup(Prefix + "CONFIG")
	return v, nil
}

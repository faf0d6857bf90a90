package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help shows an example.
func (completionCmd) Help() string {
	return "Prints what a shell needs to complete commands, flags and names of KPIs.\n\n" +
		"Examples: source <(nabz completion bash)\n" +
		"          nabz completion zsh > ~/.zfunc/_nabz\n" +
		"          nabz completion fish > ~/.config/fish/completions/nabz.fish"
}

// completions are the scripts by shell: each asks the hidden command complete
// for the words that may stand where the cursor is.
var completions = map[string]string{
	"bash": `_nabz() {
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "$(nabz complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _nabz nabz
`,
	"zsh": `#compdef nabz
_nabz() {
  local -a found
  found=(${(f)"$(nabz complete "${(@)words[2,$CURRENT]}" 2>/dev/null)"})
  if (( $#found )); then compadd -a found; else _files; fi
}
compdef _nabz nabz
`,
	"fish": `complete -c nabz -a '(nabz complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
}

// Run prints the script.
func (c completionCmd) Run(a *app) error {
	_, err := fmt.Fprint(a.stdout, completions[c.Shell])
	return err
}

type completeCmd struct {
	Words []string `arg:"" optional:"" passthrough:"" help:"The words before the cursor, the last one being the one that is written."`
}

// Help shows an example.
func (completeCmd) Help() string { return "Example: nabz complete topics pl" }

// Run prints what the last word may become, one a line.
func (c completeCmd) Run(a *app) error {
	for _, word := range candidates(a.model.Node, c.Words, a.kpiNames) {
		if _, err := fmt.Fprintln(a.stdout, word); err != nil {
			return err
		}
	}
	return nil
}

// candidates are the words that may stand last.
func candidates(root *kong.Node, words []string, kpiNames func() []string) (out []string) {
	last := ""
	if len(words) > 0 {
		words, last = words[:len(words)-1], words[len(words)-1]
	}
	node, value := root, (*kong.Flag)(nil) // the flag whose value comes next
	for _, w := range words {
		switch {
		case value != nil:
			value = nil
		case strings.HasPrefix(w, "--"):
			if f := flagOf(node, w); f != nil && !f.IsBool() && !strings.Contains(w, "=") {
				value = f
			}
		default:
			for _, child := range node.Children {
				if child.Name == w {
					node = child
				}
			}
		}
	}
	add := func(words ...string) {
		for _, w := range words {
			if w != "" && strings.HasPrefix(w, last) {
				out = append(out, w)
			}
		}
	}
	switch {
	case value != nil && value.Enum != "":
		add(strings.Split(value.Enum, ",")...)
	case value != nil && value.Name == "kpi":
		add(kpiNames()...)
	case value != nil: // the shell knows files
	case strings.HasPrefix(last, "-"):
		for n := node; n != nil; n = n.Parent {
			for _, f := range n.Flags {
				if !f.Hidden {
					add("--" + f.Name)
				}
			}
		}
	default:
		for _, child := range node.Children {
			if !child.Hidden {
				add(child.Name)
			}
		}
		for _, p := range node.Positional {
			switch {
			case p.Enum != "":
				add(strings.Split(p.Enum, ",")...)
			case p.Name == "kpi" || p.Name == "what":
				add(kpiNames()...)
			}
		}
	}
	return out
}

// flagOf finds a flag of a command or of those above it.
func flagOf(node *kong.Node, word string) *kong.Flag {
	name, _, _ := strings.Cut(strings.TrimPrefix(word, "--"), "=")
	for n := node; n != nil; n = n.Parent {
		for _, f := range n.Flags {
			if f.Name == name {
				return f
			}
		}
	}
	return nil
}

// kpiNames are the names of all KPIs; none where they cannot be read.
func (g *globals) kpiNames() []string {
	all, err := g.definitions("")
	if err != nil {
		return nil
	}
	return names(all)
}

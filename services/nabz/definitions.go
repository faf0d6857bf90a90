package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/ready"
)

// definitionsFolder is where an installation keeps the definitions in force, in
// its data directory.
const definitionsFolder = "definitions"

// definitions gives everything that is defined: by the folder that was named,
// else as the running installation has it, else by the binary alone. A mistake
// in a folder is one of usage.
func (g *globals) definitions(readyFlag string) (*catalog.Catalog, error) {
	folder := g.Definitions
	if folder == "" && g.ClickHouse == "" {
		f, err := ready.Read(g.readyFile(readyFlag))
		if err != nil && !errors.Is(err, ready.ErrNotRunning) {
			return nil, err
		}
		folder = f.Definitions
	}
	return openDefinitions(folder)
}

func openDefinitions(folder string) (*catalog.Catalog, error) {
	all, err := catalog.Open(folder)
	if err != nil {
		return nil, usageError{err}
	}
	return all, nil
}

// keepDefinitions copies the folder of definitions, which has been checked: what
// is in force is what was there at the start, also for a part that is started
// again after somebody has begun to edit.
func (i *installation) keepDefinitions() error {
	kept := filepath.Join(i.app.DataDir, definitionsFolder)
	if err := os.RemoveAll(kept); err != nil {
		return fmt.Errorf("remove the definitions of last time: %w", err)
	}
	if i.app.Definitions == "" {
		return nil
	}
	for _, name := range catalog.Folders() {
		from := filepath.Join(i.app.Definitions, name)
		if st, err := os.Stat(from); err != nil || !st.IsDir() {
			continue // checked: at least one of them is there
		}
		if err := os.CopyFS(filepath.Join(kept, name), os.DirFS(from)); err != nil {
			return fmt.Errorf("keep the definitions of %s: %w", from, err)
		}
	}
	i.file.Definitions = kept
	return nil
}

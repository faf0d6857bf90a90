package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
)

// profile writes what the process's CPU time goes to into a file of dir, named
// after the command, until end is called; an empty dir: nothing.
func profile(dir, command string) (end func(), err error) {
	if dir == "" {
		return func() {}, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of profiles: %w", err)
	}
	name, _, _ := strings.Cut(command, " <")
	path := filepath.Join(dir, fmt.Sprintf("%s-%d.pprof", strings.ReplaceAll(name, " ", "-"), os.Getpid()))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("begin a profile: %w", err)
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}, nil
}

package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker in a release.
var version = "dev"

type versionCmd struct{}

// Help shows an example.
func (versionCmd) Help() string { return "Example: nabz version --json" }

// Run prints the version.
func (versionCmd) Run(a *app) error {
	v := versionText()
	if a.JSON {
		return json.NewEncoder(a.stdout).Encode(map[string]string{"version": v, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
	}
	_, err := fmt.Fprintf(a.stdout, "nabz %s %s %s/%s\n", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// versionText is the release's version, else the commit that was built.
func versionText() string {
	if version != "dev" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return "dev-" + s.Value[:12]
			}
		}
	}
	return version
}

package main

import "fmt"

type readyCmd struct {
	Listen string `help:"Address that the service listens on." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
}

// Help shows an example.
func (readyCmd) Help() string {
	return "For health checks in images that hold nothing but this binary.\n\nExample: nabz ready --listen 127.0.0.1:8080"
}

// Run asks a service whether it is ready.
func (c readyCmd) Run(a *app) error {
	if err := askReady(a.ctx, "http://"+c.Listen); err != nil {
		return err
	}
	_, err := fmt.Fprintln(a.stdout, "ready")
	return err
}

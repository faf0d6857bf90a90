package main

import (
	"os/exec"
	"syscall"
)

// tether makes a child die with this process.
func tether(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

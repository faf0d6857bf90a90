package testkit

import (
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
)

// StartTethered starts a process that dies with this one, also when a test
// panics or times out, and tells when it has ended: cmd.ProcessState says how.
// The signal comes when the starting thread ends, so the thread stays until
// the process has ended.
func StartTethered(cmd *exec.Cmd) (ended <-chan struct{}, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started, gone := make(chan error), make(chan struct{})
	go func() { // ends with the process
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			close(gone)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return gone, nil
}

package supervise

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// outputDelay is how long the output of an ended child is still read: whatever
// it left behind may hold the pipe open.
const outputDelay = time.Second

// child is one running process.
type child struct {
	pid   int
	proc  *os.Process
	stdin io.Closer
	ended chan struct{} // closed when it has ended
	err   error         // how, set before ended is closed
}

// start runs the part from a thread of its own: the kernel sends a child's
// parent-death signal when the thread that made it ends, not the process.
func start(program string, p *Part) (*child, error) {
	cmd := &exec.Cmd{
		Path: program, Args: append([]string{"nabz"}, p.Args...), Env: append(os.Environ(), p.Env...),
		Stdout: os.Stderr, Stderr: os.Stderr,
	}
	if p.Output != nil {
		cmd.Stdout, cmd.Stderr = p.Output, p.Output
	}
	cmd.SysProcAttr = attributes()
	cmd.WaitDelay = outputDelay
	c := &child{ended: make(chan struct{})}
	if p.Stdin {
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, fmt.Errorf("open standard input of %s: %w", p.Name, err)
		}
		c.stdin = in
	}
	started := make(chan error)
	go func() { // ends with the child
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			c.pid, c.proc = cmd.Process.Pid, cmd.Process
		}
		started <- err
		if err == nil {
			c.err = cmd.Wait()
			close(c.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	return c, nil
}

// stop asks the child to end and waits; one that does not within its grace is
// killed.
func (c *child) stop(p *Part) {
	grace := p.Grace
	if grace == 0 {
		grace = defaultGrace
	}
	if c.stdin != nil {
		_ = c.stdin.Close()
	} else {
		_ = c.proc.Signal(terminate)
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-c.ended:
	case <-timer.C:
		_ = c.proc.Kill()
		<-c.ended
	}
}

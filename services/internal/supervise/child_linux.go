package supervise

import "syscall"

const terminate = syscall.SIGTERM

// attributes puts the child into a process group of its own, so that ^C
// reaches it only through the supervisor and it drains in order, and kills it
// when the supervisor dies: nobody would restart or stop it any more.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

//go:build !linux

package supervise

import "syscall"

const terminate = syscall.SIGTERM

func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

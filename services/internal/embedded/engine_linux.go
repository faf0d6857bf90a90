//go:build linux && !noengine

package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/ebitengine/purego"
)

// engineNicer lets what is live go before what is stored where one machine has
// too few cores for both: the wallboard and alerts need no ClickHouse.
const engineNicer = 5

// lower makes this thread, and with it all that the engine begins, so much nicer.
// It only ever adds: taking away needs a right that a process which was itself
// begun with a low priority has not.
func lower() error {
	const least, nicest = 20, 19 // what Linux gives is least less the niceness
	left, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if err == nil {
		err = syscall.Setpriority(syscall.PRIO_PROCESS, 0, min(nicest, least-left+engineNicer))
	}
	if err != nil {
		return fmt.Errorf("lower the engine's priority: %w", err)
	}
	return nil
}

// runEngine turns this process into the engine: it loads the library and
// calls its command line, which returns when standard input is closed. How the
// engine fares is told by GET /ping alone: it returns alike from a port in use
// and from a clean stop.
func runEngine(c EngineConfig) error {
	if err := os.MkdirAll(filepath.Join(c.Dir, "store"), 0o700); err != nil {
		return fmt.Errorf("make the engine's folder: %w", err)
	}
	// The engine's main thread is this one: it handles its signals there.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := lower(); err != nil {
		return err
	}
	if err := writeEngineFiles(c); err != nil {
		return err
	}
	// The engine resolves include files against the working folder.
	if err := os.Chdir(c.Dir); err != nil {
		return fmt.Errorf("enter the engine's folder: %w", err)
	}
	lib, err := purego.Dlopen(c.Library, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return fmt.Errorf("load %s: %w", c.Library, err)
	}
	entry, err := purego.Dlsym(lib, "chdb_query_cmdline")
	if err != nil {
		return fmt.Errorf("find the entry of %s: %w", c.Library, err)
	}
	var errorOf func(result uintptr) string
	purego.RegisterLibFunc(&errorOf, lib, "chdb_result_error")
	argv, keep := cStrings(engineArgs(c))
	result, _, _ := purego.SyscallN(entry, uintptr(len(argv)), uintptr(unsafe.Pointer(&argv[0])))
	runtime.KeepAlive(keep)
	if result == 0 {
		return nil
	}
	if text := errorOf(result); text != "" {
		return errors.New(text)
	}
	return nil
}

// cStrings gives NUL-ended copies of the arguments, and what must stay alive
// for as long as they are used.
func cStrings(args []string) (argv []*byte, keep [][]byte) {
	for _, a := range args {
		b := append([]byte(a), 0)
		keep = append(keep, b)
		argv = append(argv, &b[0])
	}
	return argv, keep
}

func engineArgs(c EngineConfig) []string {
	return []string{
		"clickhouse",
		"--config-file=" + filepath.Join(c.Dir, "config.xml"),
		"--path=" + filepath.Join(c.Dir, "store"),
		"--tcp_port=" + strconv.Itoa(c.NativePort),
		"--http_port=" + strconv.Itoa(c.HTTPPort),
		"--listen_host=" + c.Host,
		"--log-level=warning", // the one in the file is ignored
		"--input-format", "LineAsString", "--structure", "line String",
		"--multiquery", "--query", engineSession,
	}
}

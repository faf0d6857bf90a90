// Package ready is the ready file: where a running installation says how to
// reach it, and where clients find it.
//
// It does not know what the parts of an installation do.
package ready

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// FileName is the ready file's name in a data directory.
const FileName = "ready.json"

// File is the content of a ready file. It holds secrets: mode 0600.
type File struct {
	Collector          string         `json:"collector,omitempty"`           // URL
	Gateway            string         `json:"gateway,omitempty"`             // URL
	Kafka              string         `json:"kafka,omitempty"`               // host:port
	ClickHouseNative   string         `json:"clickhouse_native,omitempty"`   // host:port, guarded where embedded
	ClickHouseHTTP     string         `json:"clickhouse_http,omitempty"`     // URL
	ClickHouseDatabase string         `json:"clickhouse_database,omitempty"` // of the views for people
	APIKey             string         `json:"api_key,omitempty"`             // of the installation's administrator
	BIUser             string         `json:"bi_user,omitempty"`
	BIPassword         string         `json:"bi_password,omitempty"`
	ClickHouseURL      string         `json:"clickhouse_url,omitempty"` // the services' own account
	Alertmanager       string         `json:"alertmanager,omitempty"`   // URL, of peers several
	Definitions        string         `json:"definitions,omitempty"`    // folder of those in force beside the binary's
	Webhooks           string         `json:"webhooks,omitempty"`       // path of the settings that may hold some
	PIDs               map[string]int `json:"pids"`                     // by part; the supervisor's is run
	Version            string         `json:"version"`
}

// Write replaces the file whole.
func Write(path string, f File) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("write ready file %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write ready file %s: %w", path, err)
	}
	temp := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(temp, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("write ready file %s: %w", path, err)
	}
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("write ready file %s: %w", path, err)
	}
	return nil
}

// ErrNotRunning is the error of [Read] where no installation runs.
var ErrNotRunning = errors.New("no installation runs here: start one with nabz run, or give --ready-file or its addresses")

// Read gives the file's content, if the process that wrote it still lives.
func Read(path string) (File, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return File{}, fmt.Errorf("%s: %w", path, ErrNotRunning)
	}
	if err != nil {
		return File{}, fmt.Errorf("read ready file: %w", err)
	}
	var f File
	if err := json.Unmarshal(b, &f); err != nil {
		return File{}, fmt.Errorf("read ready file %s: %w", path, err)
	}
	for _, owner := range []string{"run", "collector", "processor", "loader", "gateway"} {
		if pid := f.PIDs[owner]; pid > 0 {
			// EPERM is another user's process: it lives.
			if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
				return File{}, fmt.Errorf("%s is of process %d, which is gone: %w", path, pid, ErrNotRunning)
			}
			break
		}
	}
	return f, nil
}

//go:build !linux || noengine

package embedded

import "errors"

func runEngine(EngineConfig) error {
	return errors.New("this build holds no ClickHouse engine: give --clickhouse the address of a server")
}

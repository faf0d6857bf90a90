package main

import (
	"bytes"

	"go.uber.org/zap"
)

// discard is a writer for progress that nobody wants.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// maxEngineLine bounds a line of an embedded part: stack traces are long.
const maxEngineLine = 2 << 10

// engineLines puts what an embedded part prints into the log, line by line.
type engineLines struct {
	log  *zap.Logger
	rest []byte
}

func (e *engineLines) Write(p []byte) (int, error) {
	e.rest = append(e.rest, p...)
	for {
		end := bytes.IndexByte(e.rest, '\n')
		if end < 0 && len(e.rest) < maxEngineLine {
			return len(p), nil
		}
		line := e.rest
		if end >= 0 {
			line = e.rest[:end]
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			e.log.Warn("said", zap.ByteString("line", text[:min(len(text), maxEngineLine)]))
		}
		e.rest = append(e.rest[:0], e.rest[min(len(line)+1, len(e.rest)):]...)
	}
}

package schemas

import (
	"archive/zip"
	"bytes"
	"embed"
	"io/fs"
)

//go:embed calendar/*.yaml
var calendars embed.FS

//go:embed calendar/zoneinfo.zip
var zones []byte

// ZoneVersion is the release of the IANA time zone database that Zones holds.
const ZoneVersion = "2025c"

// Calendars holds the calendars that are part of the binary, <name>.yaml.
func Calendars() fs.FS { return sub(calendars, "calendar") }

// Zones holds the compiled zones of one release of the IANA database, a file
// for each under its name, such as Asia/Tehran. A due time must not depend on
// the machine that works it out, so neither the machine's own zones nor
// $ZONEINFO are asked, and an upgrade of the Go toolchain changes nothing.
//
// The archive is lib/time/zoneinfo.zip of Go 1.26, byte for byte (408,125
// bytes, nothing compressed): the smallest complete form that package time
// reads, with what happened before 1970. Another release is taken over by
// copying the archive of a newer toolchain and writing its version here.
func Zones() fs.FS {
	r, err := zip.NewReader(bytes.NewReader(zones), int64(len(zones)))
	if err != nil {
		panic("schemas: " + err.Error())
	}
	return r
}

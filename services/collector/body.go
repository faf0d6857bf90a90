package collector

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// mode is how a request carries CloudEvents.
type mode uint8

const (
	binary mode = iota + 1
	structured
	batched
)

// isJSON tells whether a media type is JSON in UTF-8.
func isJSON(mediaType string) bool {
	name, params, err := mime.ParseMediaType(mediaType)
	return err == nil && utf8Charset(params) && (name == "application/json" || strings.HasSuffix(name, "+json"))
}

func utf8Charset(params map[string]string) bool {
	c := strings.ToLower(params["charset"])
	return c == "" || c == "utf-8" || c == "us-ascii"
}

// modeOf finds the mode of a request by its media type, as the HTTP binding of
// CloudEvents has it.
func modeOf(h http.Header) (mode, *problem) {
	name, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err == nil && utf8Charset(params) {
		switch {
		case name == "application/cloudevents+json":
			return structured, nil
		case name == "application/cloudevents-batch+json":
			return batched, nil
		case strings.HasPrefix(name, "application/cloudevents"):
		case h.Get("Ce-Specversion") != "" && isJSON(h.Get("Content-Type")):
			return binary, nil
		}
	}
	return 0, refuse(Unsupported, "Content-Type", "application/cloudevents+json, application/cloudevents-batch+json, or application/json with the headers ce-specversion, ce-id, ... is expected, in UTF-8")
}

// bodies reads request bodies within limits.
type bodies struct {
	most  int
	gzips sync.Pool
	zstds sync.Pool
}

// read gives the body, unpacked.
func (b *bodies) read(w http.ResponseWriter, r *http.Request) ([]byte, *problem) {
	if r.ContentLength > int64(b.most) {
		b.drain(r)
		return nil, b.tooLarge()
	}
	// MaxBytesReader also ends the connection of a sender that goes on.
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(b.most)))
	if err != nil {
		return nil, b.broken(r, err)
	}
	switch strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))) {
	case "", "identity":
		return raw, nil
	case "gzip", "x-gzip":
		return b.gunzip(raw)
	case "zstd":
		return b.unzstd(raw)
	}
	return nil, refuse(Unsupported, "Content-Encoding", "gzip, zstd or none is expected")
}

func (b *bodies) tooLarge() *problem {
	return refuse(TooLarge, "", "the body is larger than "+inBytes(b.most))
}

// drained is how much of too large a body is read and dropped, in greatest
// bodies: many clients read no answer before they have sent all, and would see
// a broken connection in its place.
const drained = 4

// drain reads the rest of a body that is refused, unless it is so large that
// its sender has to be cut off, or was not sent before an answer.
func (b *bodies) drain(r *http.Request) {
	most := int64(b.most) * drained
	if r.ContentLength > most || r.Header.Get("Expect") != "" {
		return
	}
	_, _ = io.CopyN(io.Discard, r.Body, most) // the answer stands either way
}

// inBytes writes a size in the unit that it is whole in.
func inBytes(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return strconv.Itoa(n>>20) + " MiB"
	case n >= 1<<10 && n%(1<<10) == 0:
		return strconv.Itoa(n>>10) + " KiB"
	}
	return strconv.Itoa(n) + " bytes"
}

func (b *bodies) broken(r *http.Request, err error) *problem {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		b.drain(r)
		return b.tooLarge()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return refuse(SlowBody, "", "the body did not arrive in time")
	}
	return refuse(BadEncoding, "", "the body broke off")
}

func (b *bodies) gunzip(raw []byte) ([]byte, *problem) {
	z, ok := b.gzips.Get().(*gzip.Reader)
	if !ok {
		z = new(gzip.Reader)
	}
	defer b.gzips.Put(z)
	if err := z.Reset(bytes.NewReader(raw)); err != nil {
		return nil, refuse(BadEncoding, "Content-Encoding", "the body is not gzip")
	}
	return b.unpack(z, len(raw))
}

func (b *bodies) unzstd(raw []byte) ([]byte, *problem) {
	z, ok := b.zstds.Get().(*zstd.Decoder)
	if !ok {
		var err error
		// One goroutine less a decoder; the window bounds what one frame may
		// make it hold.
		z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, refuse(BadEncoding, "Content-Encoding", "the body is not zstd")
		}
	}
	defer b.zstds.Put(z)
	if err := z.Reset(bytes.NewReader(raw)); err != nil {
		return nil, refuse(BadEncoding, "Content-Encoding", "the body is not zstd")
	}
	return b.unpack(z, len(raw))
}

// unpack reads at most what a body may have, and at most maxRatio times what
// was sent.
func (b *bodies) unpack(z io.Reader, packed int) ([]byte, *problem) {
	most := min(b.most, max(ratioFloor, packed*maxRatio))
	out, err := io.ReadAll(io.LimitReader(z, int64(most)+1))
	switch {
	case len(out) > most:
		return nil, refuse(TooLarge, "Content-Encoding", "the unpacked body is larger than "+inBytes(b.most)+", or more than a hundred times what was sent")
	case err != nil:
		return nil, refuse(BadEncoding, "Content-Encoding", "the packed body is damaged")
	}
	return out, nil
}

// fromHeaders writes a request in binary mode as a structured event.
func fromHeaders(h http.Header, body []byte) []byte {
	out := make([]byte, 0, len(body)+512)
	out = append(out, '{')
	for name, values := range h {
		attribute, ok := strings.CutPrefix(strings.ToLower(name), "ce-")
		if !ok || attribute == "data" || attribute == "datacontenttype" {
			continue
		}
		for _, value := range values { // of two, the second is refused as a name that is there twice
			out = append(appendQuote(out, attribute), ':')
			out = append(appendQuote(out, percentDecoded(value)), ',')
		}
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return append(bytes.TrimSuffix(out, []byte{','}), '}')
	}
	out = append(out, `"data":`...)
	return append(append(out, body...), '}')
}

// percentDecoded undoes the escapes of the HTTP binding; what is no escape
// stays.
func percentDecoded(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if hi, lo := unhex(s[i+1]), unhex(s[i+2]); hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

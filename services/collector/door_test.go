package collector

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nabz/nabz/services/internal/testkit"
)

// TestAnswerToWhoSendsAllFirst holds that a client which writes its whole
// request before it reads gets to read why it is refused.
func TestAnswerToWhoSendsAllFirst(t *testing.T) {
	h := start(t, nil)
	for name, head := range map[string]string{
		"length":  "Content-Length: 5242880\r\n\r\n",
		"chunked": "Transfer-Encoding: chunked\r\n\r\n500000\r\n",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetDeadline(time.Now().Add(testkit.Patience)); err != nil {
			t.Fatal(err)
		}
		end := ""
		if name == "chunked" {
			end = "\r\n0\r\n\r\n"
		}
		if _, err := fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/cloudevents+json\r\n%s%s%s",
			testKey, head, strings.Repeat(" ", 5<<20), end); err != nil {
			t.Fatalf("%s: the connection broke before all was sent: %v", name, err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: no answer: %v", name, err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(string(body), "the body is larger than 4 MiB") {
			t.Errorf("%s: %d %s %v", name, resp.StatusCode, body, err)
		}
		_ = resp.Body.Close()
		_ = conn.Close()
	}
}

// TestHeaderThatIsThereTwice: which of two ids is meant cannot be known.
func TestHeaderThatIsThereTwice(t *testing.T) {
	h := start(t, nil)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/v1/events", strings.NewReader(`{"contact_id":"c","queue_id":"q"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{
		"Authorization": {"Bearer " + testKey}, "Content-Type": {"application/json"}, "Ce-Specversion": {"1.0"}, "Ce-Type": {"contact.queued"},
		"Ce-Source": {"s"}, "Ce-Time": {time.Now().UTC().Format(time.RFC3339)}, "Ce-Id": {"a", "b"},
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), `"reason":"duplicate_key","field":"id"`) {
		t.Errorf("%d %s %v", resp.StatusCode, body, err)
	}
}

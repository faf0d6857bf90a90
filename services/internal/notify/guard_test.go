package notify

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/nabz/nabz/pkg/incident"
)

// secret is 24 bytes.
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// nameServer answers every question with one address, as that of an attacker
// may, and gives a resolver that asks it.
func nameServer(t *testing.T, answer netip.Addr) *net.Resolver {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() { // ends with the connection
		b := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(b[:n]) != nil || len(m.Questions) == 0 {
				continue
			}
			q := m.Questions[0]
			m.Header.Response, m.Additionals = true, nil
			head := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}
			switch {
			case q.Type == dnsmessage.TypeA && answer.Is4():
				m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AResource{A: answer.As4()}}}
			case q.Type == dnsmessage.TypeAAAA && answer.Is6():
				m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AAAAResource{AAAA: answer.As16()}}}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// TestNobodyIsLedInside tries the spellings by which webhooks are led to inner
// addresses. A name server that gives the inner address stands behind those
// that are names to Go. Nothing may be dialled.
func TestNobodyIsLedInside(t *testing.T) {
	f := func(name, rawURL, answer string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			c := WebhookConfig{Name: "w", URL: rawURL, Secrets: []string{secret}}
			if answer != "" {
				c.Resolver = nameServer(t, netip.MustParseAddr(answer))
			}
			w, err := NewWebhook(c)
			if err != nil {
				return // refused before anything is looked up
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, rawURL, http.NoBody)
			if err != nil {
				return
			}
			res, err := w.client.Do(req)
			if err == nil {
				res.Body.Close()
				t.Fatalf("%s was reached", rawURL)
			}
			// Numbers that are no address in four parts are no names to Go.
			var dns *net.DNSError
			number := strings.Trim(strings.TrimPrefix(req.URL.Hostname(), "0x"), "0123456789abcdef.") == ""
			if !errors.Is(err, ErrForbidden) && !(number && errors.As(err, &dns) && dns.IsNotFound) {
				t.Errorf("%s: %v, want %v", rawURL, err, ErrForbidden)
			}
		})
	}
	for name, host := range map[string]string{
		"loopback": "127.0.0.1", "loopback_other": "127.8.9.10", "zero": "0.0.0.0", "zero_net": "0.1.2.3", "ten": "10.0.0.1",
		"ten_end": "10.255.255.255", "carrier": "100.64.0.1", "carrier_end": "100.127.255.254", "link": "169.254.1.1",
		"metadata": "169.254.169.254", "metadata_ecs": "169.254.170.2", "metadata_alibaba": "100.100.100.200", "b_net": "172.16.0.1",
		"b_net_end": "172.31.255.254", "c_net": "192.168.1.1", "protocol": "192.0.0.192", "documentation": "192.0.2.1",
		"documentation_2": "198.51.100.7", "documentation_3": "203.0.113.9", "benchmark": "198.18.0.1", "benchmark_end": "198.19.255.254",
		"relay": "192.88.99.1", "multicast": "224.0.0.1", "multicast_end": "239.255.255.250", "reserved": "240.0.0.1", "broadcast": "255.255.255.255",
		"loopback_6": "[::1]", "unspecified_6": "[::]", "long_6": "[0:0:0:0:0:0:0:1]", "zeros_6": "[0000:0000:0000:0000:0000:0000:0000:0001]",
		"mapped": "[::ffff:127.0.0.1]", "mapped_hex": "[::ffff:7f00:1]", "mapped_metadata": "[::ffff:a9fe:a9fe]", "mapped_ten": "[::ffff:10.0.0.1]",
		"compatible": "[::127.0.0.1]", "translated": "[::ffff:0:127.0.0.1]", "nat64": "[64:ff9b::7f00:1]", "nat64_metadata": "[64:ff9b::a9fe:a9fe]",
		"nat64_local": "[64:ff9b:1::1]", "teredo": "[2001:0:7f00:1::1]", "six_to_four": "[2002:7f00:1::1]", "unique_local": "[fd00:ec2::254]",
		"unique_local_c": "[fc00::1]", "link_6": "[fe80::1]", "link_zone": "[fe80::1%25lo]", "site_6": "[fec0::1]", "multicast_6": "[ff02::1]",
		"documentation_6": "[2001:db8::1]", "discard_6": "[100::1]",
	} {
		f(name, "https://"+host+"/hook", "")
	}
	for name, host := range map[string]string{
		"name": "hooks.example.com", "localhost": "localhost", "localhost_dot": "localhost.", "decimal": "2130706433", "hex": "0x7f000001",
		"octal": "0177.0.0.1", "short": "127.1", "padded": "127.000.000.001", "circled": "①②⑦.⓪.⓪.①", "full_width": "１２７.0.0.1", "nip": "127.0.0.1.nip.io",
		"metadata_name": "metadata.google.internal",
	} {
		f(name+"_to_loopback", "https://"+host+"/hook", "127.0.0.1")
	}
	f("name_to_loopback_6", "https://hooks.example.com/", "::1")
	f("name_to_metadata", "https://hooks.example.com/", "169.254.169.254")
	f("name_to_unique_local", "https://hooks.example.com/", "fd00::1")
	for name, rawURL := range map[string]string{
		"port_ssh": "https://93.184.216.34:22/", "port_kafka": "https://93.184.216.34:9092/", "port_http": "https://93.184.216.34:80/",
		"http": "http://93.184.216.34/", "file": "file:///etc/passwd", "gopher": "gopher://127.0.0.1:443/", "user": "https://93.184.216.34@127.0.0.1/",
		"no_host": "https:///hook", "no_scheme": "//127.0.0.1/", "unix": "unix:///run/docker.sock", "space": "https://127.0.0.1 /", "empty": "",
	} {
		f(name, rawURL, "")
	}
}

func TestOpenNet(t *testing.T) {
	for _, a := range []string{"93.184.216.34", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"} {
		for _, port := range []string{"443", "8443"} {
			if err := (guard{}).control(t.Context(), "tcp4", net.JoinHostPort(a, port), nil); err != nil {
				t.Errorf("%s is of the open net: %v", a, err)
			}
		}
	}
	inside := guard{allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
	if err := inside.control(t.Context(), "tcp4", "10.1.2.3:8080", nil); err != nil {
		t.Errorf("an inner address that is allowed: %v", err)
	}
	if err := inside.control(t.Context(), "tcp4", "10.2.0.1:443", nil); !errors.Is(err, ErrForbidden) {
		t.Errorf("an inner address beside it: %v, want %v", err, ErrForbidden)
	}
	if err := (guard{}).control(t.Context(), "unix", "/run/docker.sock", nil); !errors.Is(err, ErrForbidden) {
		t.Errorf("a socket file: %v, want %v", err, ErrForbidden)
	}
}

func outcome(t *testing.T, r Receiver, m incident.Message) incident.Outcome {
	t.Helper()
	if _, err := url.Parse(m.Key); err != nil {
		t.Fatal(err)
	}
	return r.Send(t.Context(), []incident.Message{m})[0]
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSLA tries policies of the binary and of one's own.
func TestSLA(t *testing.T) {
	own := filepath.Join(t.TempDir(), "vip")
	if err := os.Mkdir(own, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(own, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	policy := write("sla.yaml", "title: {en: VIP, fa: ویژه}\nhelp: Twenty seconds.\nof: queue_segment\nfrom: enqueued_at\nto: left_at\n"+
		"targets:\n  - {match: {queue: vip}, target: 20s}\n  - target: 60s\nseverity: page\n")
	write("scenario.txt", "09:00:00 clock\n09:00:00 a contact.queued queue_id=vip\n09:00:00 b contact.queued queue_id=sales\n09:00:22 clock\n"+
		"> 09:00:22 a vip breached settled due 09:00:20\n")
	wrong := write("wrong.txt", "09:00:00 clock\n09:00:00 a contact.queued queue_id=vip\n09:00:21 clock\n> 09:00:21 a vip breached settled due 09:00:20\n")
	f := func(want int, out, errs string, args ...string) {
		t.Helper()
		code, stdout, stderr := call(append([]string{"sla"}, args...)...)
		if code != want || !strings.Contains(stdout, out) || !strings.Contains(stderr, errs) {
			t.Errorf("nabz sla %s: exit code %d, should be %d\n%s%s", strings.Join(args, " "), code, want, stdout, stderr)
		}
	}
	f(0, "deadline   queue_wait           ok\n", "", "check")
	f(0, "threshold  service_level_low    ok\n", "", "check")
	f(0, "sla.yaml: ok", "", "check", own)
	f(0, "09:21:02 c2 queue_wait breached settled due 09:21:00 uncertain\n", "", "simulate", "queue_wait")
	f(0, "09:21:00 sales service_level_low breached since 09:20:00 at 0.7\n", "", "simulate", "service_level_low")
	f(0, "09:00:22 a vip breached settled due 09:00:20\n", "", "simulate", policy)
	f(3, "09:00:21 a vip breached provisional due 09:00:20\n", "should not be said: 09:00:21 a vip breached provisional", "simulate", policy, wrong)
	f(2, "", `no policy or rule "queue_wat", did you mean "queue_wait"?`, "simulate", "queue_wat")
	f(2, "", "no sla.yaml and no alert.yaml", "check", t.TempDir())
	write("sla.yaml", "title: {en: VIP, fa: ویژه}\nhelp: x\nof: queue_segmnt\nfrom: a\nto: b\ntargets: []\nseverity: page\n")
	f(1, "", `sla.yaml:3:5: no family of facts "queue_segmnt", did you mean "queue_segment"?`, "check", own)
}

package processor

import (
	"time"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/track"
)

// ringApart is the least time between two pulses for what is due: what falls
// due in between waits for the next. It keeps a thousand deadlines a second
// from being a thousand records.
const ringApart = 20 * time.Millisecond

// alarm wakes a task at the next instant at which silence changes something,
// so that a deadline does not wait for the next regular pulse.
type alarm struct {
	timer *time.Timer
	pulse time.Duration // between regular pulses
	at    int64         // for which the timer is set, ms since 1970 UTC
	asked int64         // the instant of the newest pulse for what was due
	rung  time.Time
}

func newAlarm(pulse time.Duration) *alarm {
	a := &alarm{timer: time.NewTimer(time.Hour), pulse: pulse, at: event.Never}
	a.timer.Stop()
	return a
}

// set takes the next instant. One for which a pulse is under way is not asked
// for again, and one long past belongs to the regular pulse: an owner that
// catches up is not to hurry.
func (a *alarm) set(at int64) {
	if at <= a.asked || at == a.at {
		return
	}
	a.at = at
	a.timer.Stop()
	if left := time.Until(time.UnixMilli(at)); at < event.Never && left > -a.pulse {
		a.timer.Reset(max(left, ringApart-time.Since(a.rung)))
	}
}

// rings tells whether a pulse is needed now.
func (a *alarm) rings(t *track.Task) bool {
	now := time.Now()
	a.at = event.Never
	if !t.Due(now.UnixMilli()) {
		return false
	}
	a.asked, a.rung = now.UnixMilli(), now
	return true
}

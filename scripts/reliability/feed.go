package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// feed is a history with a clock of its own, beside the live one.
type feed struct {
	name    string
	session int64
	clocks  int // records of its clock that were sent
}

// extensions stand in the envelope of every event of it.
func (f *feed) extensions() string {
	if f == nil {
		return ""
	}
	return fmt.Sprintf(`"feed":%q,"feedsession":"%d","feedgeneration":"1",`, f.name, f.session)
}

// Of the clock of a feed: how often it passes, and how far it stays behind what
// is sent, so that what waits for an answer is not late. Both by the machine's
// clock.
const (
	clockEvery  = time.Second
	clockBehind = 5 * time.Second
)

// clock lets the feed's time pass in every tenant until the context ends.
func (l *load) clock(ctx context.Context) {
	for ctx.Err() == nil {
		at := l.now().Add(-time.Duration(float64(clockBehind) * l.speed))
		if at.After(l.base) {
			_ = l.pass(ctx, "feed.advanced", at) // the next one says more
		}
		pause(ctx, clockEvery)
	}
}

// pass sends a record of the feed's clock to every tenant, until it is taken.
func (l *load) pass(ctx context.Context, kind string, at time.Time) error {
	var b bytes.Buffer
	for n := range tenants {
		l.feed.clocks++
		b.WriteByte("[,"[min(n, 1)])
		fmt.Fprintf(&b, `{"specversion":"1.0","type":%q,"source":"pbx/0","id":"clock:%d:%d","time":%q,"tenant":%q,"feed":%q,"data":{"session":%d,"generation":1}}`,
			kind, l.feed.session, l.feed.clocks, at.UTC().Format("2006-01-02T15:04:05.000Z"), "tenant-"+strconv.Itoa(n), l.feed.name, l.feed.session)
	}
	b.WriteByte(']')
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url+"/v1/events", bytes.NewReader(b.Bytes()))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/cloudevents-batch+json")
		req.Header.Set("Authorization", "Bearer "+l.key)
		res, err := l.client.Do(req)
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("%s", res.Status)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("send %s: %w", kind, err)
		}
		pause(ctx, 100*time.Millisecond)
	}
}

package embedded

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// sweepEvery is how often silent members are looked for.
const sweepEvery = time.Second

// members are the members of consumer groups and when each was last heard of.
// The broker forgets to time out a member that dies while its join waits: the
// answer meets a broken connection, no timer is set, and what the leader gave
// it stays with it for ever. So whoever was silent for longer than any answer
// may take is sent away here.
type members struct {
	mu   sync.Mutex
	seen map[string]heard // by member id; one that is sent away is forgotten
}

type heard struct {
	group  string
	at     time.Time
	silent time.Duration // how long a living member may be
}

// watch observes the requests of groups. The broker answers them.
func (m *members) watch(cluster *kfake.Cluster) {
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup} {
		cluster.ControlKey(key.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
			cluster.KeepControl()
			m.hear(req, time.Now())
			return nil, nil, false
		})
	}
}

func (m *members) hear(req kmsg.Request, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	touch := func(id string) {
		if h, ok := m.seen[id]; ok {
			h.at = now
			m.seen[id] = h
		}
	}
	switch r := req.(type) {
	case *kmsg.JoinGroupRequest:
		if r.MemberID != "" {
			// A join waits for those who rebalance, and only then for a session.
			silent := time.Duration(r.SessionTimeoutMillis+r.RebalanceTimeoutMillis) * time.Millisecond
			m.seen[r.MemberID] = heard{group: r.Group, at: now, silent: silent}
		}
	case *kmsg.SyncGroupRequest:
		touch(r.MemberID)
	case *kmsg.HeartbeatRequest:
		touch(r.MemberID)
	case *kmsg.LeaveGroupRequest:
		delete(m.seen, r.MemberID)
		for _, member := range r.Members {
			delete(m.seen, member.MemberID)
		}
	}
}

// silent takes out those that were not heard of for too long, by group.
func (m *members) silent(now time.Time) map[string][]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	gone := map[string][]string{}
	for id, h := range m.seen {
		if now.Sub(h.at) > h.silent {
			gone[h.group] = append(gone[h.group], id)
			delete(m.seen, id)
		}
	}
	return gone
}

// sweep sends silent members away. Those that the broker timed out itself are
// unknown to it by then.
func (m *members) sweep(ctx context.Context, cl *kgo.Client, now time.Time) error {
	gone := m.silent(now)
	for _, group := range slices.Sorted(maps.Keys(gone)) {
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Group = group
		for _, id := range gone[group] {
			member := kmsg.NewLeaveGroupRequestMember()
			member.MemberID = id
			req.Members = append(req.Members, member)
		}
		if _, err := req.RequestWith(ctx, cl); err != nil {
			return fmt.Errorf("send silent members of %s away: %w", group, err)
		}
	}
	return nil
}

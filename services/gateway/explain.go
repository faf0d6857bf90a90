package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nabz/nabz/services/internal/explain"
	"github.com/nabz/nabz/services/internal/values"
)

// maxListed is how many facts an explanation lists at most; all are counted.
const maxListed = 1000

// explainCell answers with the facts and events behind a number.
func (s *Service) explainCell(w http.ResponseWriter, r *http.Request, c *caller) *problem {
	d, p := s.definition(r.PathValue("kpi"))
	if p != nil {
		return p
	}
	req := explain.CellRequest{KPI: r.PathValue("kpi"), Tenant: c.tenant, WeekStart: s.config.WeekStart}
	if req.By, p = c.params.list("by", inBy(d)); p != nil {
		return p
	}
	if req.Where, p = c.where(d); p != nil {
		return p
	}
	if req.Zone, p = s.zone(c); p != nil {
		return p
	}
	var at, limit string
	for name, into := range map[string]*string{"feed": &req.Feed, "grain": &req.Grain, "window": &req.Window, "at": &at, "limit": &limit, "months": &req.Months} {
		if *into, p = c.params.one(name); p != nil {
			return p
		}
	}
	if limit != "" {
		n, err := strconv.Atoi(limit)
		if err != nil || n < 0 || n > maxListed {
			return bad("limit", fmt.Sprintf("a number is expected, 0 to %d", maxListed))
		}
		req.Limit = n
	}
	zone, err := time.LoadLocation(req.Zone)
	if err != nil {
		return s.broken("load the zone", err)
	}
	ms, _, err := values.Bounds(at, "", zone)
	if err != nil {
		return bad("at", strings.TrimPrefix(err.Error(), "from: "))
	}
	if ms != 0 {
		req.At = time.UnixMilli(ms)
	}
	return s.share(w, r, c, func(ctx context.Context) ([]byte, error) {
		return asJSON(s.explainer().Cell(ctx, req))
	})
}

// explainItem answers with the facts and the events of an item.
func (s *Service) explainItem(w http.ResponseWriter, r *http.Request, c *caller) *problem {
	feed, p := c.params.one("feed")
	if p != nil {
		return p
	}
	req := explain.ItemRequest{Kind: r.PathValue("kind"), ID: r.PathValue("id"), Tenant: c.tenant, Feed: feed}
	if len(req.ID) > maxWord {
		return bad("id", "the id is too long")
	}
	return s.share(w, r, c, func(ctx context.Context) ([]byte, error) {
		return asJSON(s.explainer().Item(ctx, req))
	})
}

func (s *Service) explainer() *explain.Explainer {
	return explain.New(explain.Config{Conn: s.store, Catalog: s.catalog})
}

func asJSON[T any](v T, err error) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write an explanation: %w", err)
	}
	return append(b, '\n'), nil
}

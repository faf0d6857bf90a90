package clickhouse_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/embedded"
)

// TestViewsAnswerPlainQuestions asks every view, as readers do, for the rows
// where a column is empty or absent. ClickHouse answers such a question from a
// subcolumn, by the type that the view declares: the view's query must give a
// column of that very type, or there is no such subcolumn and no answer.
func TestViewsAnswerPlainQuestions(t *testing.T) {
	conn, s, ctx := connect(t), schema(t), t.Context()
	if err := clickhouse.Migrate(ctx, conn, s, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	views := map[string][]string{}
	for _, line := range strings.Split(askHTTP(t, "SELECT table, name, type FROM system.columns WHERE database = 'nabz' FORMAT TSV"), "\n") {
		table, rest, _ := strings.Cut(line, "\t")
		column, typ, _ := strings.Cut(rest, "\t")
		switch {
		case strings.HasPrefix(typ, "Nullable"):
			views[table] = append(views[table], "countIf("+column+" IS NULL)")
		case strings.HasPrefix(typ, "Map"):
			views[table] = append(views[table], "countIf(length("+column+") = 0)")
		case strings.Contains(typ, "String"):
			views[table] = append(views[table], "countIf("+column+" = '' OR length("+column+") = 3)")
		}
	}
	want := 0
	for _, v := range s.Views {
		if strings.HasPrefix(v.Name, "nabz.") {
			want++
		}
	}
	if len(views) < want {
		t.Errorf("%d views of %d have columns to ask for", len(views), want)
	}
	for table, columns := range views {
		if strings.HasSuffix(table, "_by_week") || strings.HasSuffix(table, "_by_month") {
			continue // they are as _by_day, but for where an interval begins
		}
		where := ""
		if table == "kpi_values_all" {
			where = " WHERE kpi = 'crr'" // who names none asks more than a reader may
		}
		askHTTP(t, "SELECT "+strings.Join(columns, ", ")+" FROM nabz."+table+where)
	}
}

// askHTTP asks as a reader does, and tells what the engine refuses.
func askHTTP(t *testing.T, query string) string {
	t.Helper()
	e := kit.Engine(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.Config.HTTPURL(), strings.NewReader(query))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(embedded.UserBI, e.Config.Accounts.BI)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %.200s", query, answer)
	}
	return strings.TrimSpace(string(answer))
}

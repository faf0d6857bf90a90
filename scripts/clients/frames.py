"""Reads every view of a running installation into pandas, as docs/clients.md says."""
import json
import sys
from urllib.parse import urlparse

import clickhouse_connect

with open(sys.argv[1]) as f:
    ready = json.load(f)
url = urlparse(ready["clickhouse_http"])
client = clickhouse_connect.get_client(
    host=url.hostname, port=url.port, database=ready["clickhouse_database"],
    username=ready["bi_user"], password=ready["bi_password"],
)

for (view,) in client.query("SELECT name FROM system.tables WHERE database = 'nabz' ORDER BY name").result_rows:
    frame = client.query_df(f"SELECT * FROM {view} LIMIT 100")
    print(f"{view}: {frame.shape[0]} rows, {frame.shape[1]} columns")

# The numbers of a view are those of its facts.
counted = client.query_df(
    "SELECT feed, tenant, queue, toInt64(sum(offered)) AS n FROM kpi_offered GROUP BY ALL ORDER BY ALL")
facts = client.query_df(
    "SELECT feed, tenant, queue, toInt64(count()) AS n FROM queue_segments"
    " WHERE feed != {live:String} AND outcome NOT IN ('join_empty', 'full', 'closed') GROUP BY ALL ORDER BY ALL",
    parameters={"live": ""})
if not facts.empty:
    named = counted[counted.feed != ""].reset_index(drop=True)
    if not named.equals(facts):
        sys.exit(f"kpi_offered and queue_segments disagree:\n{named}\n{facts}")
    print(f"offered: {len(facts)} queues of named feeds, as their facts say")

try:
    client.command("DROP VIEW kpi_offered")
except clickhouse_connect.driver.exceptions.DatabaseError:
    print("the account bi may not write")
else:
    sys.exit("the account bi dropped a view")

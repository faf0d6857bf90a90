-- The values of reopen_rate by minute, as the view kpi_reopen_rate gives them.
SELECT time, toDate(time) AS date, tenant, feed, channel, team, priority, solved, again,
  (toNullable(toFloat64(again)) / nullIf(toNullable(toFloat64(solved)), 0)) AS value,
  toNullable(toFloat64(again)) AS numerator, toNullable(toFloat64(solved)) AS denominator, toNullable(toFloat64(solved)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, channel, team, priority, sum(src.solved) AS solved, sum(src.again) AS again, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.channel AS channel, p.team AS team, p.priority AS priority, p.count__outcome_closed_or_solved__at_ended_at AS solved, p.count__outcome_closed_or_solved__reopens_ge_1__at_ended_at AS again, p.count__state_open__at_ended_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_conversation AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, channel, team, priority
HAVING solved != 0 OR again != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, channel, team, priority, solved, again,
  (toNullable(toFloat64(again)) / nullIf(toNullable(toFloat64(solved)), 0)) AS value,
  toNullable(toFloat64(again)) AS numerator, toNullable(toFloat64(solved)) AS denominator, toNullable(toFloat64(solved)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, channel, team, priority, sum(src.solved) AS solved, sum(src.again) AS again, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.ended_at)), 60) * 60, 'UTC') AS bucket, f.channel AS channel, f.team AS team, f.priority AS priority, toInt64((1 AND f.outcome IN ('closed', 'solved'))) AS solved, toInt64((1 AND f.outcome IN ('closed', 'solved') AND coalesce(f.reopens, 0) >= 1 AND isNotNull(f.reopens))) AS again, toInt64((1 AND f.state IN ('open'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_conversation AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.ended_at)
) AS src
GROUP BY time, until, tenant, feed, channel, team, priority
HAVING solved != 0 OR again != 0
)

-- The values of winback_rate by minute, as the view kpi_winback_rate gives them.
SELECT time, toDate(time) AS date, tenant, feed, segment, churned, back,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 7776000000), NULL, (toNullable(toFloat64(back)) / nullIf(toNullable(toFloat64(churned)), 0))) AS value,
  toNullable(toFloat64(back)) AS numerator, toNullable(toFloat64(churned)) AS denominator, toNullable(toFloat64(churned)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, segment, sum(src.churned) AS churned, sum(src.back) AS back, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.segment AS segment, p.count__stage_churned__at_entered_at AS churned, p.count__stage_churned__duration_le_7776000000__at_entered_at AS back, p.count__state_open__at_entered_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_customer_stage AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, segment
HAVING churned != 0 OR back != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, segment, churned, back,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 7776000000), NULL, (toNullable(toFloat64(back)) / nullIf(toNullable(toFloat64(churned)), 0))) AS value,
  toNullable(toFloat64(back)) AS numerator, toNullable(toFloat64(churned)) AS denominator, toNullable(toFloat64(churned)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, segment, sum(src.churned) AS churned, sum(src.back) AS back, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.entered_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, toInt64((1 AND f.stage IN ('churned'))) AS churned, toInt64((1 AND f.stage IN ('churned') AND coalesce(f.duration, 0) <= 7776000000 AND isNotNull(f.duration))) AS back, toInt64((1 AND f.state IN ('open'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_customer_stage AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.entered_at)
) AS src
GROUP BY time, until, tenant, feed, segment
HAVING churned != 0 OR back != 0
)

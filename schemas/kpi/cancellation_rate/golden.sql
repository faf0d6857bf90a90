-- The values of cancellation_rate by minute, as the view kpi_cancellation_rate gives them.
SELECT time, toDate(time) AS date, tenant, feed, source_channel, category, product, segment, cancelled, placed,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 259200000), NULL, (toNullable(toFloat64(cancelled)) / nullIf(toNullable(toFloat64(placed)), 0))) AS value,
  toNullable(toFloat64(cancelled)) AS numerator, toNullable(toFloat64(placed)) AS denominator, toNullable(toFloat64(placed)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, source_channel, category, product, segment, sum(src.cancelled) AS cancelled, sum(src.placed) AS placed, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.source_channel AS source_channel, p.category AS category, p.product AS product, p.segment AS segment, p.count__cancelled_at_since_created_at_le_259200000__at_created_at AS cancelled, p.count__at_created_at AS placed, p.count__status_placed__at_created_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_order AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, source_channel, category, product, segment
HAVING cancelled != 0 OR placed != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, source_channel, category, product, segment, cancelled, placed,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 259200000), NULL, (toNullable(toFloat64(cancelled)) / nullIf(toNullable(toFloat64(placed)), 0))) AS value,
  toNullable(toFloat64(cancelled)) AS numerator, toNullable(toFloat64(placed)) AS denominator, toNullable(toFloat64(placed)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, source_channel, category, product, segment, sum(src.cancelled) AS cancelled, sum(src.placed) AS placed, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.created_at)), 60) * 60, 'UTC') AS bucket, f.source_channel AS source_channel, f.category AS category, f.product AS product, f.segment AS segment, toInt64((1 AND coalesce((toUnixTimestamp64Milli(f.cancelled_at) - toUnixTimestamp64Milli(f.created_at)), 0) <= 259200000 AND isNotNull((toUnixTimestamp64Milli(f.cancelled_at) - toUnixTimestamp64Milli(f.created_at))))) AS cancelled, toInt64((1)) AS placed, toInt64((1 AND f.status IN ('placed'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_order AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.created_at)
) AS src
GROUP BY time, until, tenant, feed, source_channel, category, product, segment
HAVING cancelled != 0 OR placed != 0
)

-- The values of arrival_rate by minute, as the view kpi_arrival_rate gives them.
SELECT time, toDate(time) AS date, tenant, feed, queue, channel, offered,
  ((toNullable(toFloat64(offered)) * toFloat64(3.6e+06)) / nullIf(nullIf(toFloat64(greatest(0, dateDiff('millisecond', toDateTime64(time, 3, 'UTC'), least(toDateTime64(until, 3, 'UTC'), as_of)))), 0), 0)) AS value,
  (toNullable(toFloat64(offered)) * toFloat64(3.6e+06)) AS numerator, nullIf(toFloat64(greatest(0, dateDiff('millisecond', toDateTime64(time, 3, 'UTC'), least(toDateTime64(until, 3, 'UTC'), as_of)))), 0) AS denominator, CAST(NULL, 'Nullable(Float64)') AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, queue, channel, sum(src.offered) AS offered, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.queue AS queue, p.channel AS channel, p.count__outcome_not_closed_or_full_or_join_empty__at_enqueued_at AS offered, p.count__outcome_waiting__at_enqueued_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_queue_segment AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, queue, channel
HAVING offered != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, queue, channel, offered,
  ((toNullable(toFloat64(offered)) * toFloat64(3.6e+06)) / nullIf(nullIf(toFloat64(greatest(0, dateDiff('millisecond', toDateTime64(time, 3, 'UTC'), least(toDateTime64(until, 3, 'UTC'), as_of)))), 0), 0)) AS value,
  (toNullable(toFloat64(offered)) * toFloat64(3.6e+06)) AS numerator, nullIf(toFloat64(greatest(0, dateDiff('millisecond', toDateTime64(time, 3, 'UTC'), least(toDateTime64(until, 3, 'UTC'), as_of)))), 0) AS denominator, CAST(NULL, 'Nullable(Float64)') AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, queue, channel, sum(src.offered) AS offered, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.enqueued_at)), 60) * 60, 'UTC') AS bucket, f.queue AS queue, f.channel AS channel, toInt64((1 AND f.outcome NOT IN ('closed', 'full', 'join_empty'))) AS offered, toInt64((1 AND f.outcome IN ('waiting'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_queue_segment AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.enqueued_at)
) AS src
GROUP BY time, until, tenant, feed, queue, channel
HAVING offered != 0
)

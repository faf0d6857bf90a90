-- The values of fcr_coverage by minute, as the view kpi_fcr_coverage gives them.
SELECT time, toDate(time) AS date, tenant, feed, queue, channel, direction, known, incoming,
  (toNullable(toFloat64(known)) / nullIf(toNullable(toFloat64(incoming)), 0)) AS value,
  toNullable(toFloat64(known)) AS numerator, toNullable(toFloat64(incoming)) AS denominator, toNullable(toFloat64(incoming)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, queue, channel, direction, sum(src.known) AS known, sum(src.incoming) AS incoming, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.queue AS queue, p.channel AS channel, p.direction AS direction, p.count__direction_not_internal_or_outbound__customer_not___at_started_at AS known, p.count__direction_not_internal_or_outbound__at_started_at AS incoming, p.count__state_open__at_started_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_contact AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, queue, channel, direction
HAVING known != 0 OR incoming != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, queue, channel, direction, known, incoming,
  (toNullable(toFloat64(known)) / nullIf(toNullable(toFloat64(incoming)), 0)) AS value,
  toNullable(toFloat64(known)) AS numerator, toNullable(toFloat64(incoming)) AS denominator, toNullable(toFloat64(incoming)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, queue, channel, direction, sum(src.known) AS known, sum(src.incoming) AS incoming, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.started_at)), 60) * 60, 'UTC') AS bucket, f.queue AS queue, f.channel AS channel, f.direction AS direction, toInt64((1 AND f.direction NOT IN ('internal', 'outbound') AND f.customer NOT IN (''))) AS known, toInt64((1 AND f.direction NOT IN ('internal', 'outbound'))) AS incoming, toInt64((1 AND f.state IN ('open'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_contact AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.started_at)
) AS src
GROUP BY time, until, tenant, feed, queue, channel, direction
HAVING known != 0 OR incoming != 0
)

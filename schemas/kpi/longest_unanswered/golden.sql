-- The values of longest_unanswered by minute, as the view kpi_longest_unanswered gives them.
SELECT time, toDate(time) AS date, tenant, feed, channel, team, priority, waiting_ms, waiting_end, waiting_oldest,
  if(isNull(waiting_oldest), NULL, toFloat64(greatest(0, dateDiff('millisecond', assumeNotNull(waiting_oldest), least(toDateTime64(until, 3, 'UTC'), as_of))))) / 1000 AS value,
  CAST(NULL, 'Nullable(Float64)') AS numerator, CAST(NULL, 'Nullable(Float64)') AS denominator, toNullable(toFloat64(waiting_end)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, channel, team, priority, greatest(0, sumIf(src.waiting_ms, src.bucket <= least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) - sumIf(src.waiting_end * greatest(0, dateDiff('millisecond', src.as_of, addSeconds(src.bucket, 60))), src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket)))) AS waiting_ms, sumIf(src.waiting_end, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS waiting_end, minIf(src.waiting_oldest, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS waiting_oldest, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.channel AS channel, p.team AS team, p.priority AS priority, p.level_waiting_since_to_ended_at_ms AS waiting_ms, p.level_waiting_since_to_ended_at_end AS waiting_end, CAST(NULL, 'Nullable(DateTime64(3, \'UTC\'))') AS waiting_oldest, p.count__outcome_waiting__at_waiting_since AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_reply AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
UNION ALL
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(intDiv(slot, 1000), 60) * 60, 'UTC') AS bucket, f.channel AS channel, f.team AS team, f.priority AS priority, toInt64(0) AS waiting_ms, toInt64(0) AS waiting_end, if(toUnixTimestamp64Milli(assumeNotNull(f.waiting_since)) < slot + 60000 AND slot + 60000 <= if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at))), f.waiting_since, NULL) AS waiting_oldest, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_reply AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
ARRAY JOIN range(intDiv(toUnixTimestamp64Milli(assumeNotNull(f.waiting_since)), 60000) * 60000, greatest(toUnixTimestamp64Milli(assumeNotNull(f.waiting_since)), if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at)))) + 1, 60000) AS slot
WHERE 1 AND isNotNull(f.waiting_since) AND (1) AND f.feed = '' AND f.outcome != 'lost'
) AS src
GROUP BY time, until, tenant, feed, channel, team, priority
HAVING waiting_ms != 0 OR waiting_end != 0 OR isNotNull(waiting_oldest)
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, channel, team, priority, waiting_ms, waiting_end, waiting_oldest,
  if(isNull(waiting_oldest), NULL, toFloat64(greatest(0, dateDiff('millisecond', assumeNotNull(waiting_oldest), least(toDateTime64(until, 3, 'UTC'), as_of))))) / 1000 AS value,
  CAST(NULL, 'Nullable(Float64)') AS numerator, CAST(NULL, 'Nullable(Float64)') AS denominator, toNullable(toFloat64(waiting_end)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, channel, team, priority, greatest(0, sumIf(src.waiting_ms, src.bucket <= least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) - sumIf(src.waiting_end * greatest(0, dateDiff('millisecond', src.as_of, addSeconds(src.bucket, 60))), src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket)))) AS waiting_ms, sumIf(src.waiting_end, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS waiting_end, minIf(src.waiting_oldest, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS waiting_oldest, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(intDiv(slot, 1000), 60) * 60, 'UTC') AS bucket, f.channel AS channel, f.team AS team, f.priority AS priority, greatest(0, least(if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at))), slot + 60000) - greatest(toUnixTimestamp64Milli(assumeNotNull(f.waiting_since)), slot)) AS waiting_ms, toInt64(toUnixTimestamp64Milli(assumeNotNull(f.waiting_since)) < slot + 60000 AND slot + 60000 <= if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at)))) AS waiting_end, if(toUnixTimestamp64Milli(assumeNotNull(f.waiting_since)) < slot + 60000 AND slot + 60000 <= if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at))), f.waiting_since, NULL) AS waiting_oldest, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_reply AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
ARRAY JOIN range(intDiv(toUnixTimestamp64Milli(assumeNotNull(f.waiting_since)), 60000) * 60000, greatest(toUnixTimestamp64Milli(assumeNotNull(f.waiting_since)), if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at)))) + 1, 60000) AS slot
WHERE 1 AND isNotNull(f.waiting_since) AND (1) AND f.feed = '' AND f.outcome != 'lost'
UNION ALL
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.waiting_since)), 60) * 60, 'UTC') AS bucket, f.channel AS channel, f.team AS team, f.priority AS priority, toInt64(0) AS waiting_ms, toInt64(0) AS waiting_end, CAST(NULL, 'Nullable(DateTime64(3, \'UTC\'))') AS waiting_oldest, toInt64((1 AND f.outcome IN ('waiting'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_reply AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.waiting_since)
) AS src
GROUP BY time, until, tenant, feed, channel, team, priority
HAVING waiting_ms != 0 OR waiting_end != 0 OR isNotNull(waiting_oldest)
)

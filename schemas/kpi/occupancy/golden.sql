-- The values of occupancy by minute, as the view kpi_occupancy gives them.
SELECT time, toDate(time) AS date, tenant, feed, agent, team, busy_ms, busy_end, idle_ms, idle_end,
  (toNullable(toFloat64(busy_ms)) / nullIf((toNullable(toFloat64(busy_ms)) + toNullable(toFloat64(idle_ms))), 0)) AS value,
  toNullable(toFloat64(busy_ms)) AS numerator, (toNullable(toFloat64(busy_ms)) + toNullable(toFloat64(idle_ms))) AS denominator, CAST(NULL, 'Nullable(Float64)') AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, agent, team, greatest(0, sumIf(src.busy_ms, src.bucket <= least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) - sumIf(src.busy_end * greatest(0, dateDiff('millisecond', src.as_of, addSeconds(src.bucket, 60))), src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket)))) AS busy_ms, sumIf(src.busy_end, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS busy_end, greatest(0, sumIf(src.idle_ms, src.bucket <= least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) - sumIf(src.idle_end * greatest(0, dateDiff('millisecond', src.as_of, addSeconds(src.bucket, 60))), src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket)))) AS idle_ms, sumIf(src.idle_end, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS idle_end, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.agent AS agent, p.team AS team, p.level_started_at_to_ended_at__activity_contact_or_wrapup_ms AS busy_ms, p.level_started_at_to_ended_at__activity_contact_or_wrapup_end AS busy_end, p.level_started_at_to_ended_at__activity_available_ms AS idle_ms, p.level_started_at_to_ended_at__activity_available_end AS idle_end, p.count__ending_open__at_started_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_agent_state AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, agent, team
HAVING busy_ms != 0 OR busy_end != 0 OR idle_ms != 0 OR idle_end != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, agent, team, busy_ms, busy_end, idle_ms, idle_end,
  (toNullable(toFloat64(busy_ms)) / nullIf((toNullable(toFloat64(busy_ms)) + toNullable(toFloat64(idle_ms))), 0)) AS value,
  toNullable(toFloat64(busy_ms)) AS numerator, (toNullable(toFloat64(busy_ms)) + toNullable(toFloat64(idle_ms))) AS denominator, CAST(NULL, 'Nullable(Float64)') AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, agent, team, greatest(0, sumIf(src.busy_ms, src.bucket <= least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) - sumIf(src.busy_end * greatest(0, dateDiff('millisecond', src.as_of, addSeconds(src.bucket, 60))), src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket)))) AS busy_ms, sumIf(src.busy_end, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS busy_end, greatest(0, sumIf(src.idle_ms, src.bucket <= least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) - sumIf(src.idle_end * greatest(0, dateDiff('millisecond', src.as_of, addSeconds(src.bucket, 60))), src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket)))) AS idle_ms, sumIf(src.idle_end, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS idle_end, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(intDiv(slot, 1000), 60) * 60, 'UTC') AS bucket, f.agent AS agent, f.team AS team, greatest(0, least(if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at))), slot + 60000) - greatest(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), slot)) AS busy_ms, toInt64(toUnixTimestamp64Milli(assumeNotNull(f.started_at)) < slot + 60000 AND slot + 60000 <= if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at)))) AS busy_end, toInt64(0) AS idle_ms, toInt64(0) AS idle_end, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_agent_state AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
ARRAY JOIN range(intDiv(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), 60000) * 60000, greatest(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at)))) + 1, 60000) AS slot
WHERE 1 AND isNotNull(f.started_at) AND (1 AND f.activity IN ('contact', 'wrapup')) AND f.ending != 'lost'
UNION ALL
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(intDiv(slot, 1000), 60) * 60, 'UTC') AS bucket, f.agent AS agent, f.team AS team, toInt64(0) AS busy_ms, toInt64(0) AS busy_end, greatest(0, least(if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at))), slot + 60000) - greatest(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), slot)) AS idle_ms, toInt64(toUnixTimestamp64Milli(assumeNotNull(f.started_at)) < slot + 60000 AND slot + 60000 <= if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at)))) AS idle_end, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_agent_state AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
ARRAY JOIN range(intDiv(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), 60000) * 60000, greatest(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at)))) + 1, 60000) AS slot
WHERE 1 AND isNotNull(f.started_at) AND (1 AND f.activity IN ('available')) AND f.ending != 'lost'
UNION ALL
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.started_at)), 60) * 60, 'UTC') AS bucket, f.agent AS agent, f.team AS team, toInt64(0) AS busy_ms, toInt64(0) AS busy_end, toInt64(0) AS idle_ms, toInt64(0) AS idle_end, toInt64((1 AND f.ending IN ('open'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_agent_state AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.started_at)
) AS src
GROUP BY time, until, tenant, feed, agent, team
HAVING busy_ms != 0 OR busy_end != 0 OR idle_ms != 0 OR idle_end != 0
)

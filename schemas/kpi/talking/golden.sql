-- The values of talking by minute, as the view kpi_talking gives them.
SELECT time, toDate(time) AS date, tenant, feed, agent, queue, channel, talking_ms, talking_end, held_ms, held_end, with_agent_ms, with_agent_end, wrapping_ms, wrapping_end, wrapped_ms, wrapped_end,
  toNullable(toFloat64(talking_end)) AS value,
  CAST(NULL, 'Nullable(Float64)') AS numerator, CAST(NULL, 'Nullable(Float64)') AS denominator, toNullable(toFloat64(talking_end)) AS count,
  toNullable(toFloat64(held_end)) AS held,
  (toNullable(toFloat64(wrapping_end)) + toNullable(toFloat64(wrapped_end))) AS wrapup,
  toNullable(toFloat64(with_agent_end)) AS with_agent,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, agent, queue, channel, sum(src.talking_ms) AS talking_ms, sumIf(src.talking_end, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS talking_end, sum(src.held_ms) AS held_ms, sumIf(src.held_end, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS held_end, sum(src.with_agent_ms) AS with_agent_ms, sumIf(src.with_agent_end, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS with_agent_end, sum(src.wrapping_ms) AS wrapping_ms, sumIf(src.wrapping_end, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS wrapping_end, sum(src.wrapped_ms) AS wrapped_ms, sumIf(src.wrapped_end, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS wrapped_end, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.agent AS agent, p.queue AS queue, p.channel AS channel, p.level_started_at_to_ended_at__state_talking_ms AS talking_ms, p.level_started_at_to_ended_at__state_talking_end AS talking_end, p.level_started_at_to_ended_at__state_held_ms AS held_ms, p.level_started_at_to_ended_at__state_held_end AS held_end, p.level_started_at_to_ended_at_ms AS with_agent_ms, p.level_started_at_to_ended_at_end AS with_agent_end, p.level_ended_at_to_wrapup_ended_at__state_wrapup_ms AS wrapping_ms, p.level_ended_at_to_wrapup_ended_at__state_wrapup_end AS wrapping_end, p.level_ended_at_to_wrapup_ended_at__wrapup_ended_at_known_ms AS wrapped_ms, p.level_ended_at_to_wrapup_ended_at__wrapup_ended_at_known_end AS wrapped_end, p.count__state_held_or_talking_or_wrapup__at_started_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_agent_segment AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, agent, queue, channel
HAVING talking_ms != 0 OR talking_end != 0 OR held_ms != 0 OR held_end != 0 OR with_agent_ms != 0 OR with_agent_end != 0 OR wrapping_ms != 0 OR wrapping_end != 0 OR wrapped_ms != 0 OR wrapped_end != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, agent, queue, channel, talking_ms, talking_end, held_ms, held_end, with_agent_ms, with_agent_end, wrapping_ms, wrapping_end, wrapped_ms, wrapped_end,
  toNullable(toFloat64(talking_end)) AS value,
  CAST(NULL, 'Nullable(Float64)') AS numerator, CAST(NULL, 'Nullable(Float64)') AS denominator, toNullable(toFloat64(talking_end)) AS count,
  toNullable(toFloat64(held_end)) AS held,
  (toNullable(toFloat64(wrapping_end)) + toNullable(toFloat64(wrapped_end))) AS wrapup,
  toNullable(toFloat64(with_agent_end)) AS with_agent,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, agent, queue, channel, sum(src.talking_ms) AS talking_ms, sumIf(src.talking_end, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS talking_end, sum(src.held_ms) AS held_ms, sumIf(src.held_end, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS held_end, sum(src.with_agent_ms) AS with_agent_ms, sumIf(src.with_agent_end, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS with_agent_end, sum(src.wrapping_ms) AS wrapping_ms, sumIf(src.wrapping_end, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS wrapping_end, sum(src.wrapped_ms) AS wrapped_ms, sumIf(src.wrapped_end, src.bucket = least(toTimeZone(addSeconds(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), -60), 'UTC'), greatest(toDateTime(intDiv(toUnixTimestamp(src.as_of), 60) * 60, 'UTC'), src.bucket))) AS wrapped_end, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(f.started_at), 60) * 60, 'UTC') AS bucket, f.agent AS agent, f.queue AS queue, f.channel AS channel, toInt64(0) AS talking_ms, toInt64(0) AS talking_end, toInt64(0) AS held_ms, toInt64(0) AS held_end, toInt64(0) AS with_agent_ms, toInt64(0) AS with_agent_end, toInt64(0) AS wrapping_ms, toInt64(0) AS wrapping_end, toInt64(0) AS wrapped_ms, toInt64(0) AS wrapped_end, toInt64((1 AND f.state IN ('held', 'talking', 'wrapup'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_agent_segment AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.started_at)
UNION ALL
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(intDiv(slot, 1000), 60) * 60, 'UTC') AS bucket, f.agent AS agent, f.queue AS queue, f.channel AS channel, greatest(0, least(if(isNull(f.ended_at), greatest(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), toUnixTimestamp64Milli(c.now)), toUnixTimestamp64Milli(assumeNotNull(f.ended_at))), slot + 60000) - greatest(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), slot)) AS talking_ms, toInt64(toUnixTimestamp64Milli(assumeNotNull(f.started_at)) < slot + 60000 AND slot + 60000 <= if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at)))) AS talking_end, toInt64(0) AS held_ms, toInt64(0) AS held_end, toInt64(0) AS with_agent_ms, toInt64(0) AS with_agent_end, toInt64(0) AS wrapping_ms, toInt64(0) AS wrapping_end, toInt64(0) AS wrapped_ms, toInt64(0) AS wrapped_end, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_agent_segment AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
ARRAY JOIN range(intDiv(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), 60000) * 60000, greatest(if(isNull(f.ended_at), greatest(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), toUnixTimestamp64Milli(c.now)), toUnixTimestamp64Milli(assumeNotNull(f.ended_at))), if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at)))) + 1, 60000) AS slot
WHERE 1 AND isNotNull(f.started_at) AND f.state != 'lost' AND (1 AND f.state IN ('talking'))
UNION ALL
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(intDiv(slot, 1000), 60) * 60, 'UTC') AS bucket, f.agent AS agent, f.queue AS queue, f.channel AS channel, toInt64(0) AS talking_ms, toInt64(0) AS talking_end, greatest(0, least(if(isNull(f.ended_at), greatest(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), toUnixTimestamp64Milli(c.now)), toUnixTimestamp64Milli(assumeNotNull(f.ended_at))), slot + 60000) - greatest(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), slot)) AS held_ms, toInt64(toUnixTimestamp64Milli(assumeNotNull(f.started_at)) < slot + 60000 AND slot + 60000 <= if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at)))) AS held_end, toInt64(0) AS with_agent_ms, toInt64(0) AS with_agent_end, toInt64(0) AS wrapping_ms, toInt64(0) AS wrapping_end, toInt64(0) AS wrapped_ms, toInt64(0) AS wrapped_end, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_agent_segment AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
ARRAY JOIN range(intDiv(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), 60000) * 60000, greatest(if(isNull(f.ended_at), greatest(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), toUnixTimestamp64Milli(c.now)), toUnixTimestamp64Milli(assumeNotNull(f.ended_at))), if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at)))) + 1, 60000) AS slot
WHERE 1 AND isNotNull(f.started_at) AND f.state != 'lost' AND (1 AND f.state IN ('held'))
UNION ALL
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(intDiv(slot, 1000), 60) * 60, 'UTC') AS bucket, f.agent AS agent, f.queue AS queue, f.channel AS channel, toInt64(0) AS talking_ms, toInt64(0) AS talking_end, toInt64(0) AS held_ms, toInt64(0) AS held_end, greatest(0, least(if(isNull(f.ended_at), greatest(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), toUnixTimestamp64Milli(c.now)), toUnixTimestamp64Milli(assumeNotNull(f.ended_at))), slot + 60000) - greatest(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), slot)) AS with_agent_ms, toInt64(toUnixTimestamp64Milli(assumeNotNull(f.started_at)) < slot + 60000 AND slot + 60000 <= if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at)))) AS with_agent_end, toInt64(0) AS wrapping_ms, toInt64(0) AS wrapping_end, toInt64(0) AS wrapped_ms, toInt64(0) AS wrapped_end, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_agent_segment AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
ARRAY JOIN range(intDiv(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), 60000) * 60000, greatest(if(isNull(f.ended_at), greatest(toUnixTimestamp64Milli(assumeNotNull(f.started_at)), toUnixTimestamp64Milli(c.now)), toUnixTimestamp64Milli(assumeNotNull(f.ended_at))), if(isNull(f.ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.ended_at)))) + 1, 60000) AS slot
WHERE 1 AND isNotNull(f.started_at) AND f.state != 'lost' AND (1)
UNION ALL
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(intDiv(slot, 1000), 60) * 60, 'UTC') AS bucket, f.agent AS agent, f.queue AS queue, f.channel AS channel, toInt64(0) AS talking_ms, toInt64(0) AS talking_end, toInt64(0) AS held_ms, toInt64(0) AS held_end, toInt64(0) AS with_agent_ms, toInt64(0) AS with_agent_end, greatest(0, least(if(isNull(f.wrapup_ended_at), greatest(toUnixTimestamp64Milli(assumeNotNull(f.ended_at)), toUnixTimestamp64Milli(c.now)), toUnixTimestamp64Milli(assumeNotNull(f.wrapup_ended_at))), slot + 60000) - greatest(toUnixTimestamp64Milli(assumeNotNull(f.ended_at)), slot)) AS wrapping_ms, toInt64(toUnixTimestamp64Milli(assumeNotNull(f.ended_at)) < slot + 60000 AND slot + 60000 <= if(isNull(f.wrapup_ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.wrapup_ended_at)))) AS wrapping_end, toInt64(0) AS wrapped_ms, toInt64(0) AS wrapped_end, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_agent_segment AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
ARRAY JOIN range(intDiv(toUnixTimestamp64Milli(assumeNotNull(f.ended_at)), 60000) * 60000, greatest(if(isNull(f.wrapup_ended_at), greatest(toUnixTimestamp64Milli(assumeNotNull(f.ended_at)), toUnixTimestamp64Milli(c.now)), toUnixTimestamp64Milli(assumeNotNull(f.wrapup_ended_at))), if(isNull(f.wrapup_ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.wrapup_ended_at)))) + 1, 60000) AS slot
WHERE 1 AND isNotNull(f.ended_at) AND f.state != 'lost' AND (1 AND f.state IN ('wrapup'))
UNION ALL
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(intDiv(slot, 1000), 60) * 60, 'UTC') AS bucket, f.agent AS agent, f.queue AS queue, f.channel AS channel, toInt64(0) AS talking_ms, toInt64(0) AS talking_end, toInt64(0) AS held_ms, toInt64(0) AS held_end, toInt64(0) AS with_agent_ms, toInt64(0) AS with_agent_end, toInt64(0) AS wrapping_ms, toInt64(0) AS wrapping_end, greatest(0, least(if(isNull(f.wrapup_ended_at), greatest(toUnixTimestamp64Milli(assumeNotNull(f.ended_at)), toUnixTimestamp64Milli(c.now)), toUnixTimestamp64Milli(assumeNotNull(f.wrapup_ended_at))), slot + 60000) - greatest(toUnixTimestamp64Milli(assumeNotNull(f.ended_at)), slot)) AS wrapped_ms, toInt64(toUnixTimestamp64Milli(assumeNotNull(f.ended_at)) < slot + 60000 AND slot + 60000 <= if(isNull(f.wrapup_ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.wrapup_ended_at)))) AS wrapped_end, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_agent_segment AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
ARRAY JOIN range(intDiv(toUnixTimestamp64Milli(assumeNotNull(f.ended_at)), 60000) * 60000, greatest(if(isNull(f.wrapup_ended_at), greatest(toUnixTimestamp64Milli(assumeNotNull(f.ended_at)), toUnixTimestamp64Milli(c.now)), toUnixTimestamp64Milli(assumeNotNull(f.wrapup_ended_at))), if(isNull(f.wrapup_ended_at), intDiv(toUnixTimestamp64Milli(c.now), 60000) * 60000 + 60000, toUnixTimestamp64Milli(assumeNotNull(f.wrapup_ended_at)))) + 1, 60000) AS slot
WHERE 1 AND isNotNull(f.ended_at) AND f.state != 'lost' AND (1 AND isNotNull(f.wrapup_ended_at))
) AS src
GROUP BY time, until, tenant, feed, agent, queue, channel
HAVING talking_ms != 0 OR talking_end != 0 OR held_ms != 0 OR held_end != 0 OR with_agent_ms != 0 OR with_agent_end != 0 OR wrapping_ms != 0 OR wrapping_end != 0 OR wrapped_ms != 0 OR wrapped_end != 0
)

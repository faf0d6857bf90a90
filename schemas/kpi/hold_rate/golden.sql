-- The values of hold_rate by minute, as the view kpi_hold_rate gives them.
SELECT time, toDate(time) AS date, tenant, feed, agent, queue, channel, held, all,
  (toNullable(toFloat64(held)) / nullIf(toNullable(toFloat64(all)), 0)) AS value,
  toNullable(toFloat64(held)) AS numerator, toNullable(toFloat64(all)) AS denominator, toNullable(toFloat64(all)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, agent, queue, channel, sum(src.held) AS held, sum(src.all) AS all, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.agent AS agent, p.queue AS queue, p.channel AS channel, p.count__holds_ge_1__at_ended_at AS held, p.count__at_ended_at AS all, p.count__state_held_or_talking_or_wrapup__at_ended_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_agent_segment AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, agent, queue, channel
HAVING held != 0 OR all != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, agent, queue, channel, held, all,
  (toNullable(toFloat64(held)) / nullIf(toNullable(toFloat64(all)), 0)) AS value,
  toNullable(toFloat64(held)) AS numerator, toNullable(toFloat64(all)) AS denominator, toNullable(toFloat64(all)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, agent, queue, channel, sum(src.held) AS held, sum(src.all) AS all, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.ended_at)), 60) * 60, 'UTC') AS bucket, f.agent AS agent, f.queue AS queue, f.channel AS channel, toInt64((1 AND coalesce(f.holds, 0) >= 1 AND isNotNull(f.holds))) AS held, toInt64((1)) AS all, toInt64((1 AND f.state IN ('held', 'talking', 'wrapup'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_agent_segment AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.ended_at)
) AS src
GROUP BY time, until, tenant, feed, agent, queue, channel
HAVING held != 0 OR all != 0
)

-- The values of aht by minute, as the view kpi_aht gives them.
SELECT time, toDate(time) AS date, tenant, feed, agent, queue, channel, handled, talked, held, wrapped, with_hold,
  (((toNullable(toFloat64(talked)) + toNullable(toFloat64(held))) + toNullable(toFloat64(wrapped))) / nullIf(toNullable(toFloat64(handled)) * 1000, 0)) AS value,
  ((toNullable(toFloat64(talked)) + toNullable(toFloat64(held))) + toNullable(toFloat64(wrapped))) / 1000 AS numerator, toNullable(toFloat64(handled)) AS denominator, toNullable(toFloat64(handled)) AS count,
  (toNullable(toFloat64(talked)) / nullIf(toNullable(toFloat64(handled)) * 1000, 0)) AS talk,
  (toNullable(toFloat64(held)) / nullIf(toNullable(toFloat64(handled)) * 1000, 0)) AS hold,
  (toNullable(toFloat64(wrapped)) / nullIf(toNullable(toFloat64(handled)) * 1000, 0)) AS wrapup,
  (toNullable(toFloat64(held)) / nullIf(toNullable(toFloat64(with_hold)) * 1000, 0)) AS hold_of_held,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, agent, queue, channel, sum(src.handled) AS handled, sum(src.talked) AS talked, sum(src.held) AS held, sum(src.wrapped) AS wrapped, sum(src.with_hold) AS with_hold, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.agent AS agent, p.queue AS queue, p.channel AS channel, p.count__state_ended__at_ended_at AS handled, p.sum_talk__state_ended__at_ended_at AS talked, p.sum_hold__state_ended__at_ended_at AS held, p.sum_wrapup__state_ended__at_ended_at AS wrapped, p.count__state_ended__holds_ge_1__at_ended_at AS with_hold, p.count__state_held_or_talking_or_wrapup__at_ended_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_agent_segment AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, agent, queue, channel
HAVING handled != 0 OR talked != 0 OR held != 0 OR wrapped != 0 OR with_hold != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, agent, queue, channel, handled, talked, held, wrapped, with_hold,
  (((toNullable(toFloat64(talked)) + toNullable(toFloat64(held))) + toNullable(toFloat64(wrapped))) / nullIf(toNullable(toFloat64(handled)) * 1000, 0)) AS value,
  ((toNullable(toFloat64(talked)) + toNullable(toFloat64(held))) + toNullable(toFloat64(wrapped))) / 1000 AS numerator, toNullable(toFloat64(handled)) AS denominator, toNullable(toFloat64(handled)) AS count,
  (toNullable(toFloat64(talked)) / nullIf(toNullable(toFloat64(handled)) * 1000, 0)) AS talk,
  (toNullable(toFloat64(held)) / nullIf(toNullable(toFloat64(handled)) * 1000, 0)) AS hold,
  (toNullable(toFloat64(wrapped)) / nullIf(toNullable(toFloat64(handled)) * 1000, 0)) AS wrapup,
  (toNullable(toFloat64(held)) / nullIf(toNullable(toFloat64(with_hold)) * 1000, 0)) AS hold_of_held,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, agent, queue, channel, sum(src.handled) AS handled, sum(src.talked) AS talked, sum(src.held) AS held, sum(src.wrapped) AS wrapped, sum(src.with_hold) AS with_hold, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.ended_at)), 60) * 60, 'UTC') AS bucket, f.agent AS agent, f.queue AS queue, f.channel AS channel, toInt64((1 AND f.state IN ('ended'))) AS handled, if((1 AND f.state IN ('ended')), coalesce(f.talk, 0), 0) AS talked, if((1 AND f.state IN ('ended')), coalesce(f.hold, 0), 0) AS held, if((1 AND f.state IN ('ended')), coalesce(f.wrapup, 0), 0) AS wrapped, toInt64((1 AND f.state IN ('ended') AND coalesce(f.holds, 0) >= 1 AND isNotNull(f.holds))) AS with_hold, toInt64((1 AND f.state IN ('held', 'talking', 'wrapup'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
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
HAVING handled != 0 OR talked != 0 OR held != 0 OR wrapped != 0 OR with_hold != 0
)

-- The values of hold_time by minute, as the view kpi_hold_time gives them.
SELECT time, toDate(time) AS date, tenant, feed, agent, queue, channel, held_count, held_sum,
  (toNullable(toFloat64(held_sum)) / nullIf(toNullable(toFloat64(held_count)) * 1000, 0)) AS value,
  toNullable(toFloat64(held_sum)) / 1000 AS numerator, toNullable(toFloat64(held_count)) AS denominator, toNullable(toFloat64(held_count)) AS count,
  if(notEmpty(held_hist_lengths), toFloat64(arrayFirst((l, c) -> c >= intDiv(50 * held_hist_ranks[-1] + 99, 100), held_hist_lengths, held_hist_ranks)), NULL) / 1000 AS p50,
  if(notEmpty(held_hist_lengths), toFloat64(arrayFirst((l, c) -> c >= intDiv(90 * held_hist_ranks[-1] + 99, 100), held_hist_lengths, held_hist_ranks)), NULL) / 1000 AS p90,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, agent, queue, channel, sum(src.held_count) AS held_count, sum(src.held_sum) AS held_sum, arrayMap(k -> bitShiftLeft(toInt64(k) - 32 * greatest(intDiv(toInt64(k), 32) - 1, 0), greatest(intDiv(toInt64(k), 32) - 1, 0)) + (bitShiftLeft(toInt64(1), greatest(intDiv(toInt64(k), 32) - 1, 0)) - 1) / 2, mapKeys(held_hist)) AS held_hist_lengths, arrayCumSum(mapValues(held_hist)) AS held_hist_ranks, mapSort(mapFilter((k, v) -> v != 0, sumMap(src.held_hist))) AS held_hist, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.agent AS agent, p.queue AS queue, p.channel AS channel, p.hist_hold__holds_ge_1__at_ended_at_count AS held_count, p.hist_hold__holds_ge_1__at_ended_at_sum AS held_sum, p.hist_hold__holds_ge_1__at_ended_at_buckets AS held_hist, p.count__state_held_or_talking_or_wrapup__at_ended_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_agent_segment AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, agent, queue, channel
HAVING held_count != 0 OR held_sum != 0 OR notEmpty(held_hist_lengths)
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, agent, queue, channel, held_count, held_sum,
  (toNullable(toFloat64(held_sum)) / nullIf(toNullable(toFloat64(held_count)) * 1000, 0)) AS value,
  toNullable(toFloat64(held_sum)) / 1000 AS numerator, toNullable(toFloat64(held_count)) AS denominator, toNullable(toFloat64(held_count)) AS count,
  if(notEmpty(held_hist_lengths), toFloat64(held_hist_lengths[intDiv(50 * length(held_hist_lengths) + 99, 100)]), NULL) / 1000 AS p50,
  if(notEmpty(held_hist_lengths), toFloat64(held_hist_lengths[intDiv(90 * length(held_hist_lengths) + 99, 100)]), NULL) / 1000 AS p90,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, agent, queue, channel, sum(src.held_count) AS held_count, sum(src.held_sum) AS held_sum, arrayMap(v -> arrayMap(w -> intDiv(least(v, 68719476735), w) * w + (w - 1) / 2, [arrayFirst(w -> least(v, 68719476735) < 64 * w, arrayMap(i -> toInt64(pow(2, i)), range(31)))])[1], arraySort(groupArrayArray(src.held_hist_values))) AS held_hist_lengths, mapSort(mapFilter((k, v) -> v != 0, sumMap(src.held_hist))) AS held_hist, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.ended_at)), 60) * 60, 'UTC') AS bucket, f.agent AS agent, f.queue AS queue, f.channel AS channel, toInt64(((1 AND coalesce(f.holds, 0) >= 1 AND isNotNull(f.holds)) AND isNotNull(f.hold))) AS held_count, if(((1 AND coalesce(f.holds, 0) >= 1 AND isNotNull(f.holds)) AND isNotNull(f.hold)), coalesce(f.hold, 0), 0) AS held_sum, if(((1 AND coalesce(f.holds, 0) >= 1 AND isNotNull(f.holds)) AND isNotNull(f.hold)), [assumeNotNull(f.hold)], CAST([], 'Array(Int64)')) AS held_hist_values, if(((1 AND coalesce(f.holds, 0) >= 1 AND isNotNull(f.holds)) AND isNotNull(f.hold)), map(toUInt16(32 * (arrayFirstIndex(w -> least(assumeNotNull(f.hold), 68719476735) < 64 * w, arrayMap(i -> toInt64(pow(2, i)), range(31))) - 1) + intDiv(least(assumeNotNull(f.hold), 68719476735), arrayMap(i -> toInt64(pow(2, i)), range(31))[arrayFirstIndex(w -> least(assumeNotNull(f.hold), 68719476735) < 64 * w, arrayMap(i -> toInt64(pow(2, i)), range(31)))])), toInt64(1)), mapFromArrays(CAST([], 'Array(UInt16)'), CAST([], 'Array(Int64)'))) AS held_hist, toInt64((1 AND f.state IN ('held', 'talking', 'wrapup'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
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
HAVING held_count != 0 OR held_sum != 0 OR notEmpty(held_hist_lengths)
)

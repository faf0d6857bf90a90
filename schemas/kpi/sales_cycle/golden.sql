-- The values of sales_cycle by minute, as the view kpi_sales_cycle gives them.
SELECT time, toDate(time) AS date, tenant, feed, product, segment, campaign, team, agent, cycle_count, cycle_sum, cycle_won_count, cycle_won_sum,
  (toNullable(toFloat64(cycle_sum)) / nullIf(toNullable(toFloat64(cycle_count)) * 1000, 0)) AS value,
  toNullable(toFloat64(cycle_sum)) / 1000 AS numerator, toNullable(toFloat64(cycle_count)) AS denominator, toNullable(toFloat64(cycle_count)) AS count,
  (toNullable(toFloat64(cycle_won_sum)) / nullIf(toNullable(toFloat64(cycle_won_count)) * 1000, 0)) AS won,
  if(notEmpty(cycle_hist_lengths), toFloat64(arrayFirst((l, c) -> c >= intDiv(50 * cycle_hist_ranks[-1] + 99, 100), cycle_hist_lengths, cycle_hist_ranks)), NULL) / 1000 AS p50,
  if(notEmpty(cycle_hist_lengths), toFloat64(arrayFirst((l, c) -> c >= intDiv(90 * cycle_hist_ranks[-1] + 99, 100), cycle_hist_lengths, cycle_hist_ranks)), NULL) / 1000 AS p90,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, product, segment, campaign, team, agent, sum(src.cycle_count) AS cycle_count, sum(src.cycle_sum) AS cycle_sum, arrayMap(k -> bitShiftLeft(toInt64(k) - 32 * greatest(intDiv(toInt64(k), 32) - 1, 0), greatest(intDiv(toInt64(k), 32) - 1, 0)) + (bitShiftLeft(toInt64(1), greatest(intDiv(toInt64(k), 32) - 1, 0)) - 1) / 2, mapKeys(cycle_hist)) AS cycle_hist_lengths, arrayCumSum(mapValues(cycle_hist)) AS cycle_hist_ranks, mapSort(mapFilter((k, v) -> v != 0, sumMap(src.cycle_hist))) AS cycle_hist, sum(src.cycle_won_count) AS cycle_won_count, sum(src.cycle_won_sum) AS cycle_won_sum, arrayMap(k -> bitShiftLeft(toInt64(k) - 32 * greatest(intDiv(toInt64(k), 32) - 1, 0), greatest(intDiv(toInt64(k), 32) - 1, 0)) + (bitShiftLeft(toInt64(1), greatest(intDiv(toInt64(k), 32) - 1, 0)) - 1) / 2, mapKeys(cycle_won_hist)) AS cycle_won_hist_lengths, arrayCumSum(mapValues(cycle_won_hist)) AS cycle_won_hist_ranks, mapSort(mapFilter((k, v) -> v != 0, sumMap(src.cycle_won_hist))) AS cycle_won_hist, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.product AS product, p.segment AS segment, p.campaign AS campaign, p.team AS team, p.agent AS agent, p.hist_cycle__status_given_up_or_won__at_closed_at_count AS cycle_count, p.hist_cycle__status_given_up_or_won__at_closed_at_sum AS cycle_sum, p.hist_cycle__status_given_up_or_won__at_closed_at_buckets AS cycle_hist, p.hist_cycle__status_won__at_closed_at_count AS cycle_won_count, p.hist_cycle__status_won__at_closed_at_sum AS cycle_won_sum, p.hist_cycle__status_won__at_closed_at_buckets AS cycle_won_hist, p.count__status_pending__at_closed_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_deal AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, product, segment, campaign, team, agent
HAVING cycle_count != 0 OR cycle_sum != 0 OR notEmpty(cycle_hist_lengths) OR cycle_won_count != 0 OR cycle_won_sum != 0 OR notEmpty(cycle_won_hist_lengths)
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, product, segment, campaign, team, agent, cycle_count, cycle_sum, cycle_won_count, cycle_won_sum,
  (toNullable(toFloat64(cycle_sum)) / nullIf(toNullable(toFloat64(cycle_count)) * 1000, 0)) AS value,
  toNullable(toFloat64(cycle_sum)) / 1000 AS numerator, toNullable(toFloat64(cycle_count)) AS denominator, toNullable(toFloat64(cycle_count)) AS count,
  (toNullable(toFloat64(cycle_won_sum)) / nullIf(toNullable(toFloat64(cycle_won_count)) * 1000, 0)) AS won,
  if(notEmpty(cycle_hist_lengths), toFloat64(cycle_hist_lengths[intDiv(50 * length(cycle_hist_lengths) + 99, 100)]), NULL) / 1000 AS p50,
  if(notEmpty(cycle_hist_lengths), toFloat64(cycle_hist_lengths[intDiv(90 * length(cycle_hist_lengths) + 99, 100)]), NULL) / 1000 AS p90,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, product, segment, campaign, team, agent, sum(src.cycle_count) AS cycle_count, sum(src.cycle_sum) AS cycle_sum, arrayMap(v -> arrayMap(w -> intDiv(least(v, 68719476735), w) * w + (w - 1) / 2, [arrayFirst(w -> least(v, 68719476735) < 64 * w, arrayMap(i -> toInt64(pow(2, i)), range(31)))])[1], arraySort(groupArrayArray(src.cycle_hist_values))) AS cycle_hist_lengths, mapSort(mapFilter((k, v) -> v != 0, sumMap(src.cycle_hist))) AS cycle_hist, sum(src.cycle_won_count) AS cycle_won_count, sum(src.cycle_won_sum) AS cycle_won_sum, arrayMap(v -> arrayMap(w -> intDiv(least(v, 68719476735), w) * w + (w - 1) / 2, [arrayFirst(w -> least(v, 68719476735) < 64 * w, arrayMap(i -> toInt64(pow(2, i)), range(31)))])[1], arraySort(groupArrayArray(src.cycle_won_hist_values))) AS cycle_won_hist_lengths, mapSort(mapFilter((k, v) -> v != 0, sumMap(src.cycle_won_hist))) AS cycle_won_hist, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.closed_at)), 60) * 60, 'UTC') AS bucket, f.product AS product, f.segment AS segment, f.campaign AS campaign, f.team AS team, f.agent AS agent, toInt64(((1 AND f.status IN ('given_up', 'won')) AND isNotNull(f.cycle))) AS cycle_count, if(((1 AND f.status IN ('given_up', 'won')) AND isNotNull(f.cycle)), coalesce(f.cycle, 0), 0) AS cycle_sum, if(((1 AND f.status IN ('given_up', 'won')) AND isNotNull(f.cycle)), [assumeNotNull(f.cycle)], CAST([], 'Array(Int64)')) AS cycle_hist_values, if(((1 AND f.status IN ('given_up', 'won')) AND isNotNull(f.cycle)), map(toUInt16(32 * (arrayFirstIndex(w -> least(assumeNotNull(f.cycle), 68719476735) < 64 * w, arrayMap(i -> toInt64(pow(2, i)), range(31))) - 1) + intDiv(least(assumeNotNull(f.cycle), 68719476735), arrayMap(i -> toInt64(pow(2, i)), range(31))[arrayFirstIndex(w -> least(assumeNotNull(f.cycle), 68719476735) < 64 * w, arrayMap(i -> toInt64(pow(2, i)), range(31)))])), toInt64(1)), mapFromArrays(CAST([], 'Array(UInt16)'), CAST([], 'Array(Int64)'))) AS cycle_hist, toInt64(((1 AND f.status IN ('won')) AND isNotNull(f.cycle))) AS cycle_won_count, if(((1 AND f.status IN ('won')) AND isNotNull(f.cycle)), coalesce(f.cycle, 0), 0) AS cycle_won_sum, if(((1 AND f.status IN ('won')) AND isNotNull(f.cycle)), [assumeNotNull(f.cycle)], CAST([], 'Array(Int64)')) AS cycle_won_hist_values, if(((1 AND f.status IN ('won')) AND isNotNull(f.cycle)), map(toUInt16(32 * (arrayFirstIndex(w -> least(assumeNotNull(f.cycle), 68719476735) < 64 * w, arrayMap(i -> toInt64(pow(2, i)), range(31))) - 1) + intDiv(least(assumeNotNull(f.cycle), 68719476735), arrayMap(i -> toInt64(pow(2, i)), range(31))[arrayFirstIndex(w -> least(assumeNotNull(f.cycle), 68719476735) < 64 * w, arrayMap(i -> toInt64(pow(2, i)), range(31)))])), toInt64(1)), mapFromArrays(CAST([], 'Array(UInt16)'), CAST([], 'Array(Int64)'))) AS cycle_won_hist, toInt64((1 AND f.status IN ('pending'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_deal AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.closed_at)
) AS src
GROUP BY time, until, tenant, feed, product, segment, campaign, team, agent
HAVING cycle_count != 0 OR cycle_sum != 0 OR notEmpty(cycle_hist_lengths) OR cycle_won_count != 0 OR cycle_won_sum != 0 OR notEmpty(cycle_won_hist_lengths)
)

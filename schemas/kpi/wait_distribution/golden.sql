-- The values of wait_distribution by minute, as the view kpi_wait_distribution gives them.
SELECT time, toDate(time) AS date, tenant, feed, queue, channel, waits_count, waits_sum,
  if(notEmpty(waits_hist_lengths), toFloat64(arrayFirst((l, c) -> c >= intDiv(90 * waits_hist_ranks[-1] + 99, 100), waits_hist_lengths, waits_hist_ranks)), NULL) / 1000 AS value,
  CAST(NULL, 'Nullable(Float64)') AS numerator, CAST(NULL, 'Nullable(Float64)') AS denominator, toNullable(toFloat64(waits_count)) AS count,
  (toNullable(toFloat64(waits_sum)) / nullIf(toNullable(toFloat64(waits_count)) * 1000, 0)) AS mean,
  if(notEmpty(waits_hist_lengths), toFloat64(arrayFirst((l, c) -> c >= intDiv(50 * waits_hist_ranks[-1] + 99, 100), waits_hist_lengths, waits_hist_ranks)), NULL) / 1000 AS p50,
  if(notEmpty(waits_hist_lengths), toFloat64(arrayFirst((l, c) -> c >= intDiv(90 * waits_hist_ranks[-1] + 99, 100), waits_hist_lengths, waits_hist_ranks)), NULL) / 1000 AS p90,
  if(notEmpty(waits_hist_lengths), toFloat64(arrayFirst((l, c) -> c >= intDiv(95 * waits_hist_ranks[-1] + 99, 100), waits_hist_lengths, waits_hist_ranks)), NULL) / 1000 AS p95,
  if(notEmpty(waits_hist_lengths), toFloat64(arrayFirst((l, c) -> c >= intDiv(99 * waits_hist_ranks[-1] + 99, 100), waits_hist_lengths, waits_hist_ranks)), NULL) / 1000 AS p99,
  if(notEmpty(waits_hist_lengths), toFloat64(waits_hist_lengths[-1]), NULL) / 1000 AS max,
  if(notEmpty(waits_hist_lengths), arrayMap((n, s, q) -> sqrt(toFloat64(n * q - s * s)) / (2 * toFloat64(n)), [arrayReduce('sum', arrayMap((l, c) -> toInt256(c), waits_hist_lengths, mapValues(waits_hist)))], [arrayReduce('sum', arrayMap((l, c) -> toInt256(c) * toInt256(2 * l), waits_hist_lengths, mapValues(waits_hist)))], [arrayReduce('sum', arrayMap((l, c) -> toInt256(c) * toInt256(2 * l) * toInt256(2 * l), waits_hist_lengths, mapValues(waits_hist)))])[1], NULL) / 1000 AS deviation,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, queue, channel, sum(src.waits_count) AS waits_count, sum(src.waits_sum) AS waits_sum, arrayMap(k -> bitShiftLeft(toInt64(k) - 32 * greatest(intDiv(toInt64(k), 32) - 1, 0), greatest(intDiv(toInt64(k), 32) - 1, 0)) + (bitShiftLeft(toInt64(1), greatest(intDiv(toInt64(k), 32) - 1, 0)) - 1) / 2, mapKeys(waits_hist)) AS waits_hist_lengths, arrayCumSum(mapValues(waits_hist)) AS waits_hist_ranks, mapSort(mapFilter((k, v) -> v != 0, sumMap(src.waits_hist))) AS waits_hist, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.queue AS queue, p.channel AS channel, p.hist_wait__outcome_answered__at_enqueued_at_count AS waits_count, p.hist_wait__outcome_answered__at_enqueued_at_sum AS waits_sum, p.hist_wait__outcome_answered__at_enqueued_at_buckets AS waits_hist, p.count__outcome_waiting__at_enqueued_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_queue_segment AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, queue, channel
HAVING waits_count != 0 OR waits_sum != 0 OR notEmpty(waits_hist_lengths)
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, queue, channel, waits_count, waits_sum,
  if(notEmpty(waits_hist_lengths), toFloat64(waits_hist_lengths[intDiv(90 * length(waits_hist_lengths) + 99, 100)]), NULL) / 1000 AS value,
  CAST(NULL, 'Nullable(Float64)') AS numerator, CAST(NULL, 'Nullable(Float64)') AS denominator, toNullable(toFloat64(waits_count)) AS count,
  (toNullable(toFloat64(waits_sum)) / nullIf(toNullable(toFloat64(waits_count)) * 1000, 0)) AS mean,
  if(notEmpty(waits_hist_lengths), toFloat64(waits_hist_lengths[intDiv(50 * length(waits_hist_lengths) + 99, 100)]), NULL) / 1000 AS p50,
  if(notEmpty(waits_hist_lengths), toFloat64(waits_hist_lengths[intDiv(90 * length(waits_hist_lengths) + 99, 100)]), NULL) / 1000 AS p90,
  if(notEmpty(waits_hist_lengths), toFloat64(waits_hist_lengths[intDiv(95 * length(waits_hist_lengths) + 99, 100)]), NULL) / 1000 AS p95,
  if(notEmpty(waits_hist_lengths), toFloat64(waits_hist_lengths[intDiv(99 * length(waits_hist_lengths) + 99, 100)]), NULL) / 1000 AS p99,
  if(notEmpty(waits_hist_lengths), toFloat64(waits_hist_lengths[-1]), NULL) / 1000 AS max,
  if(notEmpty(waits_hist_lengths), arrayMap((n, s, q) -> sqrt(toFloat64(n * q - s * s)) / (2 * toFloat64(n)), [arrayReduce('sum', arrayMap((l, c) -> toInt256(c), waits_hist_lengths, arrayMap(l -> toInt64(1), waits_hist_lengths)))], [arrayReduce('sum', arrayMap((l, c) -> toInt256(c) * toInt256(2 * l), waits_hist_lengths, arrayMap(l -> toInt64(1), waits_hist_lengths)))], [arrayReduce('sum', arrayMap((l, c) -> toInt256(c) * toInt256(2 * l) * toInt256(2 * l), waits_hist_lengths, arrayMap(l -> toInt64(1), waits_hist_lengths)))])[1], NULL) / 1000 AS deviation,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, queue, channel, sum(src.waits_count) AS waits_count, sum(src.waits_sum) AS waits_sum, arrayMap(v -> arrayMap(w -> intDiv(least(v, 68719476735), w) * w + (w - 1) / 2, [arrayFirst(w -> least(v, 68719476735) < 64 * w, arrayMap(i -> toInt64(pow(2, i)), range(31)))])[1], arraySort(groupArrayArray(src.waits_hist_values))) AS waits_hist_lengths, mapSort(mapFilter((k, v) -> v != 0, sumMap(src.waits_hist))) AS waits_hist, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.enqueued_at)), 60) * 60, 'UTC') AS bucket, f.queue AS queue, f.channel AS channel, toInt64(((1 AND f.outcome IN ('answered')) AND isNotNull(f.wait))) AS waits_count, if(((1 AND f.outcome IN ('answered')) AND isNotNull(f.wait)), coalesce(f.wait, 0), 0) AS waits_sum, if(((1 AND f.outcome IN ('answered')) AND isNotNull(f.wait)), [assumeNotNull(f.wait)], CAST([], 'Array(Int64)')) AS waits_hist_values, if(((1 AND f.outcome IN ('answered')) AND isNotNull(f.wait)), map(toUInt16(32 * (arrayFirstIndex(w -> least(assumeNotNull(f.wait), 68719476735) < 64 * w, arrayMap(i -> toInt64(pow(2, i)), range(31))) - 1) + intDiv(least(assumeNotNull(f.wait), 68719476735), arrayMap(i -> toInt64(pow(2, i)), range(31))[arrayFirstIndex(w -> least(assumeNotNull(f.wait), 68719476735) < 64 * w, arrayMap(i -> toInt64(pow(2, i)), range(31)))])), toInt64(1)), mapFromArrays(CAST([], 'Array(UInt16)'), CAST([], 'Array(Int64)'))) AS waits_hist, toInt64((1 AND f.outcome IN ('waiting'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
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
HAVING waits_count != 0 OR waits_sum != 0 OR notEmpty(waits_hist_lengths)
)

-- The values of followers_growth by minute, as the view kpi_followers_growth gives them.
SELECT time, toDate(time) AS date, tenant, feed, account, network, followers, previous_followers,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, ((toNullable(toFloat64(followers)) - toNullable(toFloat64(previous_followers))) / nullIf(toNullable(toFloat64(previous_followers)), 0))) AS value,
  (toNullable(toFloat64(followers)) - toNullable(toFloat64(previous_followers))) AS numerator, toNullable(toFloat64(previous_followers)) AS denominator, toNullable(toFloat64(previous_followers)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, account, network, sum(src.followers) AS followers, sum(src.previous_followers) AS previous_followers, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT src.tenant AS tenant, src.feed AS feed, if(_turn = 1, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC'), src.bucket) AS bucket, src.account AS account, src.network AS network, if(_turn = 0, src.followers, CAST(NULL, 'Nullable(Int64)')) AS followers, if(_turn = 1, src.followers, CAST(NULL, 'Nullable(Int64)')) AS previous_followers, if(_turn = 0, src.open_facts, 0) AS open_facts, src.changed_at AS changed_at, src.as_of AS as_of, src.closed AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.account AS account, w.network AS network, toNullable(toInt64(w.n)) AS followers, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, account, network, slot AS bucket, sum(latest) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, src.account AS account, src.network AS network, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, max(src.bucket) AS newest, count() AS times, argMax(src.fits, (src.at, src.id)) AS fits, argMax(src.amount, (src.at, src.id)) AS latest, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.counted_at)), 60) * 60, 'UTC') AS bucket, f.account AS account, f.network AS network, concat(toString(f.account)) AS key, assumeNotNull(f.counted_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(f.followers)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_followers_count AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0 AND isNotNull(f.counted_at) AND (1) AND toString(f.account) != '' AND isNotNull(toInt64(f.followers))
) AS src
GROUP BY tenant, feed, account, network, key, slot
) WHERE 1 GROUP BY tenant, feed, account, network, slot
) AS w
) AS src
ARRAY JOIN [0, 1] AS _turn
WHERE _turn = 0 OR addSeconds(toTimeZone(src.bucket, 'UTC'), 60) <= src.as_of
) AS src
GROUP BY time, until, tenant, feed, account, network
HAVING isNotNull(followers) OR isNotNull(previous_followers)
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, account, network, followers, previous_followers,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, ((toNullable(toFloat64(followers)) - toNullable(toFloat64(previous_followers))) / nullIf(toNullable(toFloat64(previous_followers)), 0))) AS value,
  (toNullable(toFloat64(followers)) - toNullable(toFloat64(previous_followers))) AS numerator, toNullable(toFloat64(previous_followers)) AS denominator, toNullable(toFloat64(previous_followers)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, account, network, sum(src.followers) AS followers, sum(src.previous_followers) AS previous_followers, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT src.tenant AS tenant, src.feed AS feed, if(_turn = 1, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC'), src.bucket) AS bucket, src.account AS account, src.network AS network, if(_turn = 0, src.followers, CAST(NULL, 'Nullable(Int64)')) AS followers, if(_turn = 1, src.followers, CAST(NULL, 'Nullable(Int64)')) AS previous_followers, if(_turn = 0, src.open_facts, 0) AS open_facts, src.changed_at AS changed_at, src.as_of AS as_of, src.closed AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.account AS account, w.network AS network, toNullable(toInt64(w.n)) AS followers, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, account, network, slot AS bucket, sumIf(amount, nth = 1) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.account AS account, src.network AS network, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, src.fits AS fits, src.amount AS amount, row_number() OVER (PARTITION BY src.tenant, src.feed, src.account, src.network, src.key, slot ORDER BY src.at DESC, src.id DESC) AS nth, count() OVER (PARTITION BY src.tenant, src.feed, src.account, src.network, src.key, slot) AS times, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.counted_at)), 60) * 60, 'UTC') AS bucket, f.account AS account, f.network AS network, concat(toString(f.account)) AS key, assumeNotNull(f.counted_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(f.followers)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_followers_count AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0 AND isNotNull(f.counted_at) AND (1) AND toString(f.account) != '' AND isNotNull(toInt64(f.followers))
) AS src
) GROUP BY tenant, feed, account, network, slot
) AS w
) AS src
ARRAY JOIN [0, 1] AS _turn
WHERE _turn = 0 OR addSeconds(toTimeZone(src.bucket, 'UTC'), 60) <= src.as_of
) AS src
GROUP BY time, until, tenant, feed, account, network
HAVING isNotNull(followers) OR isNotNull(previous_followers)
)

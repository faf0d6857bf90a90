-- The values of customer_equity_value by minute, as the view kpi_customer_equity_value gives them.
SELECT time, toDate(time) AS date, tenant, feed, currency, x, y, paid,
  toNullable(toFloat64(paid)) / 10000 AS value,
  CAST(NULL, 'Nullable(Float64)') AS numerator, CAST(NULL, 'Nullable(Float64)') AS denominator, CAST(NULL, 'Nullable(Float64)') AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, currency, x, y, sum(src.paid) AS paid, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.currency AS currency, w.x AS x, w.y AS y, toInt64(w.n) AS paid, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, currency, x, y, slot AS bucket, toInt64(sum(xv)) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT *, leftPad(toString(intDiv((row_number() OVER (PARTITION BY tenant, feed, currency, slot ORDER BY xv, key) - 1) * 10, count() OVER (PARTITION BY tenant, feed, currency, slot)) + 1), 2, '0') AS x, leftPad(toString(1 + toUInt8(yv >= 3) + toUInt8(yv >= 4)), 2, '0') AS y FROM (
SELECT a.tenant AS tenant, a.feed AS feed, a.currency AS currency, a.key AS key, a.slot AS slot, greatest(a.newest, b.newest) AS newest, a.value AS xv, b.value AS yv, a.as_of AS as_of, a.closed AS closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.currency AS currency, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, max(src.bucket) AS newest, toFloat64(sum(src.amount)) AS value, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.paid_at)), 60) * 60, 'UTC') AS bucket, f.currency AS currency, '' AS x, '' AS y, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.paid_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(f.amount)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_purchase AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.paid_at) AND (1) AND toString(f.customer) != '' AND isNotNull(toInt64(f.amount))
) AS src
GROUP BY tenant, feed, currency, key, slot
) AS a INNER JOIN (
SELECT src.tenant AS tenant, src.feed AS feed, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, max(src.bucket) AS newest, toFloat64(sum(src.amount)) / count() AS value, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.answered_at)), 60) * 60, 'UTC') AS bucket, '' AS currency, '' AS x, '' AS y, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.answered_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(f.score)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_answer AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.answered_at) AND (1 AND f.questionnaire IN ('csat')) AND toString(f.customer) != '' AND isNotNull(toInt64(f.score))
) AS src
GROUP BY tenant, feed, key, slot
) AS b ON b.tenant = a.tenant AND b.feed = a.feed AND b.key = a.key AND b.slot = a.slot
)
) GROUP BY tenant, feed, currency, x, y, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, currency, x, y
HAVING paid != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, currency, x, y, paid,
  toNullable(toFloat64(paid)) / 10000 AS value,
  CAST(NULL, 'Nullable(Float64)') AS numerator, CAST(NULL, 'Nullable(Float64)') AS denominator, CAST(NULL, 'Nullable(Float64)') AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, currency, x, y, sum(src.paid) AS paid, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.currency AS currency, w.x AS x, w.y AS y, toInt64(w.n) AS paid, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, currency, x, y, slot AS bucket, toInt64(sum(xv)) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, currency, slot, one.5 AS newest, one.2 AS xv, one.3 AS yv, leftPad(toString(intDiv((indexOf(xs, (one.2, one.1)) - 1) * 10, length(xs)) + 1), 2, '0') AS x, leftPad(toString(1 + toUInt8(one.3 >= 3) + toUInt8(one.3 >= 4)), 2, '0') AS y, as_of, closed FROM (
SELECT tenant, feed, currency, slot, groupArray((key, xv, yv, slot, newest)) AS ones, arraySort(arrayMap(o -> (o.2, o.1), ones)) AS xs, arraySort(arrayMap(o -> (o.3, o.1), ones)) AS ys, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT a.tenant AS tenant, a.feed AS feed, a.currency AS currency, a.key AS key, a.slot AS slot, greatest(a.newest, b.newest) AS newest, a.value AS xv, b.value AS yv, a.as_of AS as_of, a.closed AS closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.currency AS currency, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, max(src.bucket) AS newest, toFloat64(sum(src.amount)) AS value, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.paid_at)), 60) * 60, 'UTC') AS bucket, f.currency AS currency, '' AS x, '' AS y, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.paid_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(f.amount)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_purchase AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.paid_at) AND (1) AND toString(f.customer) != '' AND isNotNull(toInt64(f.amount))
) AS src
GROUP BY tenant, feed, currency, key, slot
) AS a INNER JOIN (
SELECT src.tenant AS tenant, src.feed AS feed, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, max(src.bucket) AS newest, toFloat64(sum(src.amount)) / count() AS value, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.answered_at)), 60) * 60, 'UTC') AS bucket, '' AS currency, '' AS x, '' AS y, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.answered_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(f.score)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_answer AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.answered_at) AND (1 AND f.questionnaire IN ('csat')) AND toString(f.customer) != '' AND isNotNull(toInt64(f.score))
) AS src
GROUP BY tenant, feed, key, slot
) AS b ON b.tenant = a.tenant AND b.feed = a.feed AND b.key = a.key AND b.slot = a.slot
) GROUP BY tenant, feed, currency, slot
) ARRAY JOIN ones AS one
) GROUP BY tenant, feed, currency, x, y, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, currency, x, y
HAVING paid != 0
)

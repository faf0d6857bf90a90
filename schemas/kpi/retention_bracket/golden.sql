-- The values of retention_bracket by minute, as the view kpi_retention_bracket gives them.
SELECT time, toDate(time) AS date, tenant, feed, segment, stage, day, size, back,
  if(as_of < toDateTime64(toDateTime(toDate(addSeconds(until, -1)) + transform(toString(day), ['1-7', '8-30', '31-90'], [8, 31, 91], 0), 'UTC'), 3, 'UTC'), NULL, (toNullable(toFloat64(back)) / nullIf(toNullable(toFloat64(size)), 0))) AS value,
  toNullable(toFloat64(back)) AS numerator, toNullable(toFloat64(size)) AS denominator, toNullable(toFloat64(size)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, segment, stage, day, sum(src.size) AS size, sum(src.back) AS back, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, w.day AS day, toInt64(w.n) AS size, toInt64(0) AS back, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, src.segment AS segment, src.stage AS stage, span.1 AS day, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, count() AS n, any(src.as_of) AS as_of, any(src.closed) AS closed, slot AS bucket FROM (
SELECT o.tenant AS tenant, o.feed AS feed, o.key AS key, argMin(o.bucket, (o.at, o.id)) AS bucket, argMin(o.segment, (o.at, o.id)) AS segment, argMin(o.stage, (o.at, o.id)) AS stage, min(o.at) AS at, any(o.as_of) AS as_of, any(o.closed) AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, '' AS day, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS o GROUP BY tenant, feed, key
) AS src ARRAY JOIN [('1-7', toInt64(1), toInt64(7)), ('8-30', toInt64(8), toInt64(30)), ('31-90', toInt64(31), toInt64(90))] AS span
GROUP BY tenant, feed, segment, stage, day, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, w.day AS day, toInt64(0) AS size, toInt64(w.n) AS back, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, src.segment AS segment, src.stage AS stage, span.1 AS day, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, countIf(arrayExists(x -> x >= span.2 AND x <= span.3, src.days)) AS n, any(src.as_of) AS as_of, any(src.closed) AS closed, slot AS bucket FROM (
SELECT b.*, days FROM (
SELECT o.tenant AS tenant, o.feed AS feed, o.key AS key, argMin(o.bucket, (o.at, o.id)) AS bucket, argMin(o.segment, (o.at, o.id)) AS segment, argMin(o.stage, (o.at, o.id)) AS stage, min(o.at) AS at, any(o.as_of) AS as_of, any(o.closed) AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, '' AS day, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS o GROUP BY tenant, feed, key
) AS b INNER JOIN (
SELECT a.tenant AS tenant, a.feed AS feed, a.key AS key, groupUniqArray(toInt64(toDate(toTimeZone(a.at, 'UTC'))) - toInt64(toDate(toTimeZone(c.at, 'UTC')))) AS days FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, '' AS day, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS a INNER JOIN (
SELECT o.tenant AS tenant, o.feed AS feed, o.key AS key, argMin(o.bucket, (o.at, o.id)) AS bucket, argMin(o.segment, (o.at, o.id)) AS segment, argMin(o.stage, (o.at, o.id)) AS stage, min(o.at) AS at, any(o.as_of) AS as_of, any(o.closed) AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, '' AS day, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS o GROUP BY tenant, feed, key
) AS c ON c.tenant = a.tenant AND c.feed = a.feed AND c.key = a.key GROUP BY tenant, feed, key
) AS d ON d.tenant = b.tenant AND d.feed = b.feed AND d.key = b.key
) AS src ARRAY JOIN [('1-7', toInt64(1), toInt64(7)), ('8-30', toInt64(8), toInt64(30)), ('31-90', toInt64(31), toInt64(90))] AS span
GROUP BY tenant, feed, segment, stage, day, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, segment, stage, day
HAVING size != 0 OR back != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, segment, stage, day, size, back,
  if(as_of < toDateTime64(toDateTime(toDate(addSeconds(until, -1)) + transform(toString(day), ['1-7', '8-30', '31-90'], [8, 31, 91], 0), 'UTC'), 3, 'UTC'), NULL, (toNullable(toFloat64(back)) / nullIf(toNullable(toFloat64(size)), 0))) AS value,
  toNullable(toFloat64(back)) AS numerator, toNullable(toFloat64(size)) AS denominator, toNullable(toFloat64(size)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, segment, stage, day, sum(src.size) AS size, sum(src.back) AS back, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, w.day AS day, toInt64(w.n) AS size, toInt64(0) AS back, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.stage AS stage, span AS day, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, count() AS n, any(src.as_of) AS as_of, any(src.closed) AS closed, slot AS bucket FROM (
SELECT * FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, '' AS day, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) ORDER BY at, id LIMIT 1 BY tenant, feed, key
) AS src
CROSS JOIN (SELECT arrayJoin(['1-7', '8-30', '31-90']) AS span) AS spans
GROUP BY tenant, feed, segment, stage, day, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, w.day AS day, toInt64(0) AS size, toInt64(w.n) AS back, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.stage AS stage, arrayJoin(arrayFilter(l -> l.2 <= dateDiff('day', toTimeZone(src.at, 'UTC'), toTimeZone(later.at, 'UTC')) AND dateDiff('day', toTimeZone(src.at, 'UTC'), toTimeZone(later.at, 'UTC')) <= l.3, [('1-7', toInt64(1), toInt64(7)), ('8-30', toInt64(8), toInt64(30)), ('31-90', toInt64(31), toInt64(90))])).1 AS day, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, uniqExact(src.key) AS n, any(src.as_of) AS as_of, any(src.closed) AS closed, slot AS bucket FROM (
SELECT * FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, '' AS day, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) ORDER BY at, id LIMIT 1 BY tenant, feed, key
) AS src
INNER JOIN (
SELECT DISTINCT tenant, feed, key, at FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, '' AS day, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
)
) AS later ON later.tenant = src.tenant AND later.feed = src.feed AND later.key = src.key
GROUP BY tenant, feed, segment, stage, day, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, segment, stage, day
HAVING size != 0 OR back != 0
)

-- The values of customer_tenure_days by minute, as the view kpi_customer_tenure_days gives them.
SELECT time, toDate(time) AS date, tenant, feed, segment, stage, tenure, customers,
  (toNullable(toFloat64(tenure)) / nullIf(toNullable(toFloat64(customers)) * 8.64e+07, 0)) AS value,
  toNullable(toFloat64(tenure)) / 8.64e+07 AS numerator, toNullable(toFloat64(customers)) AS denominator, toNullable(toFloat64(customers)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, segment, stage, sum(src.tenure) AS tenure, sum(src.customers) AS customers, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, toNullable(toInt64(w.n)) AS tenure, toInt64(0) AS customers, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, stage, slot AS bucket, sum(latest) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, src.segment AS segment, src.stage AS stage, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, max(src.bucket) AS newest, count() AS times, argMax(src.fits, (src.at, src.id)) AS fits, argMax(src.amount, (src.at, src.id)) AS latest, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(f.tenure)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != '' AND isNotNull(toInt64(f.tenure))
) AS src
GROUP BY tenant, feed, segment, stage, key, slot
) WHERE 1 GROUP BY tenant, feed, segment, stage, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, CAST(NULL, 'Nullable(Int64)') AS tenure, toInt64(w.n) AS customers, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, stage, slot AS bucket, count() AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, src.segment AS segment, src.stage AS stage, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, max(src.bucket) AS newest, count() AS times, argMax(src.fits, (src.at, src.id)) AS fits, argMax(src.amount, (src.at, src.id)) AS latest, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1 AND isNotNull(f.tenure)) AND toString(f.customer) != ''
) AS src
GROUP BY tenant, feed, segment, stage, key, slot
) WHERE times >= 1 AND fits = 1 GROUP BY tenant, feed, segment, stage, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, segment, stage
HAVING isNotNull(tenure) OR customers != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, segment, stage, tenure, customers,
  (toNullable(toFloat64(tenure)) / nullIf(toNullable(toFloat64(customers)) * 8.64e+07, 0)) AS value,
  toNullable(toFloat64(tenure)) / 8.64e+07 AS numerator, toNullable(toFloat64(customers)) AS denominator, toNullable(toFloat64(customers)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, segment, stage, sum(src.tenure) AS tenure, sum(src.customers) AS customers, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, toNullable(toInt64(w.n)) AS tenure, toInt64(0) AS customers, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, stage, slot AS bucket, sumIf(amount, nth = 1) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.stage AS stage, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, src.fits AS fits, src.amount AS amount, row_number() OVER (PARTITION BY src.tenant, src.feed, src.segment, src.stage, src.key, slot ORDER BY src.at DESC, src.id DESC) AS nth, count() OVER (PARTITION BY src.tenant, src.feed, src.segment, src.stage, src.key, slot) AS times, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(f.tenure)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != '' AND isNotNull(toInt64(f.tenure))
) AS src
) GROUP BY tenant, feed, segment, stage, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, CAST(NULL, 'Nullable(Int64)') AS tenure, toInt64(w.n) AS customers, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, stage, slot AS bucket, countIf(nth = 1 AND times >= 1 AND fits = 1) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.stage AS stage, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, src.fits AS fits, src.amount AS amount, row_number() OVER (PARTITION BY src.tenant, src.feed, src.segment, src.stage, src.key, slot ORDER BY src.at DESC, src.id DESC) AS nth, count() OVER (PARTITION BY src.tenant, src.feed, src.segment, src.stage, src.key, slot) AS times, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1 AND isNotNull(f.tenure)) AND toString(f.customer) != ''
) AS src
) GROUP BY tenant, feed, segment, stage, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, segment, stage
HAVING isNotNull(tenure) OR customers != 0
)

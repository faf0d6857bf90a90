-- The values of crr by minute, as the view kpi_crr gives them.
SELECT time, toDate(time) AS date, tenant, feed, segment, stage, kept, before, active, fresh, returned,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, (toNullable(toFloat64(kept)) / nullIf(toNullable(toFloat64(before)), 0))) AS value,
  toNullable(toFloat64(kept)) AS numerator, toNullable(toFloat64(before)) AS denominator, toNullable(toFloat64(before)) AS count,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, (((toNullable(toFloat64(active)) - toNullable(toFloat64(fresh))) - toNullable(toFloat64(returned))) / nullIf(toNullable(toFloat64(before)), 0))) AS by_counts,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, segment, stage, sum(src.kept) AS kept, sum(src.before) AS before, sum(src.active) AS active, sum(src.fresh) AS fresh, sum(src.returned) AS returned, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, toInt64(w.n) AS kept, toInt64(0) AS before, toInt64(0) AS active, toInt64(0) AS fresh, toInt64(0) AS returned, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, stage, slot AS bucket, countIf(here AND was) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, segment, stage, key, if(_turn = 1, a.ending, a.beginning) AS slot, max(_turn = 0) AS here, max(_turn = 1) AS was, min(slot) OVER (PARTITION BY tenant, feed, segment, stage, key) AS debut, any(a.as_of) AS as_of, any(a.closed) AS closed FROM (
SELECT tenant, feed, src.segment AS segment, src.stage AS stage, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS src
GROUP BY tenant, feed, segment, stage, key, beginning, ending
) AS a ARRAY JOIN [0, 1] AS _turn
WHERE _turn = 0 OR a.ending <= a.as_of
GROUP BY tenant, feed, segment, stage, key, slot
) GROUP BY tenant, feed, segment, stage, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, toInt64(0) AS kept, toInt64(w.n) AS before, toInt64(0) AS active, toInt64(0) AS fresh, toInt64(0) AS returned, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, stage, slot AS bucket, countIf(was) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, segment, stage, key, if(_turn = 1, a.ending, a.beginning) AS slot, max(_turn = 0) AS here, max(_turn = 1) AS was, min(slot) OVER (PARTITION BY tenant, feed, segment, stage, key) AS debut, any(a.as_of) AS as_of, any(a.closed) AS closed FROM (
SELECT tenant, feed, src.segment AS segment, src.stage AS stage, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS src
GROUP BY tenant, feed, segment, stage, key, beginning, ending
) AS a ARRAY JOIN [0, 1] AS _turn
WHERE _turn = 0 OR a.ending <= a.as_of
GROUP BY tenant, feed, segment, stage, key, slot
) GROUP BY tenant, feed, segment, stage, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, toInt64(0) AS kept, toInt64(0) AS before, toInt64(w.n) AS active, toInt64(0) AS fresh, toInt64(0) AS returned, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, stage, slot AS bucket, count() AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, src.segment AS segment, src.stage AS stage, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, max(src.bucket) AS newest, count() AS times, argMax(src.fits, (src.at, src.id)) AS fits, argMax(src.amount, (src.at, src.id)) AS latest, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS src
GROUP BY tenant, feed, segment, stage, key, slot
) WHERE times >= 1 AND fits = 1 GROUP BY tenant, feed, segment, stage, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, toInt64(0) AS kept, toInt64(0) AS before, toInt64(0) AS active, toInt64(w.n) AS fresh, toInt64(0) AS returned, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, stage, slot AS bucket, countIf(here AND slot = debut) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, segment, stage, key, if(_turn = 1, a.ending, a.beginning) AS slot, max(_turn = 0) AS here, max(_turn = 1) AS was, min(slot) OVER (PARTITION BY tenant, feed, segment, stage, key) AS debut, any(a.as_of) AS as_of, any(a.closed) AS closed FROM (
SELECT tenant, feed, src.segment AS segment, src.stage AS stage, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS src
GROUP BY tenant, feed, segment, stage, key, beginning, ending
) AS a ARRAY JOIN [0, 1] AS _turn
WHERE _turn = 0 OR a.ending <= a.as_of
GROUP BY tenant, feed, segment, stage, key, slot
) GROUP BY tenant, feed, segment, stage, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, toInt64(0) AS kept, toInt64(0) AS before, toInt64(0) AS active, toInt64(0) AS fresh, toInt64(w.n) AS returned, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, stage, slot AS bucket, countIf(here AND NOT was AND slot > debut) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, segment, stage, key, if(_turn = 1, a.ending, a.beginning) AS slot, max(_turn = 0) AS here, max(_turn = 1) AS was, min(slot) OVER (PARTITION BY tenant, feed, segment, stage, key) AS debut, any(a.as_of) AS as_of, any(a.closed) AS closed FROM (
SELECT tenant, feed, src.segment AS segment, src.stage AS stage, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS src
GROUP BY tenant, feed, segment, stage, key, beginning, ending
) AS a ARRAY JOIN [0, 1] AS _turn
WHERE _turn = 0 OR a.ending <= a.as_of
GROUP BY tenant, feed, segment, stage, key, slot
) GROUP BY tenant, feed, segment, stage, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, segment, stage
HAVING kept != 0 OR before != 0 OR active != 0 OR fresh != 0 OR returned != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, segment, stage, kept, before, active, fresh, returned,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, (toNullable(toFloat64(kept)) / nullIf(toNullable(toFloat64(before)), 0))) AS value,
  toNullable(toFloat64(kept)) AS numerator, toNullable(toFloat64(before)) AS denominator, toNullable(toFloat64(before)) AS count,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, (((toNullable(toFloat64(active)) - toNullable(toFloat64(fresh))) - toNullable(toFloat64(returned))) / nullIf(toNullable(toFloat64(before)), 0))) AS by_counts,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, segment, stage, sum(src.kept) AS kept, sum(src.before) AS before, sum(src.active) AS active, sum(src.fresh) AS fresh, sum(src.returned) AS returned, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, toInt64(w.n) AS kept, toInt64(0) AS before, toInt64(0) AS active, toInt64(0) AS fresh, toInt64(0) AS returned, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, stage, slot AS bucket, countIf((tenant, feed, segment, stage, key, slot) IN (SELECT tenant, feed, segment, stage, key, beginning FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.stage AS stage, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS src
)) AND (tenant, feed, segment, stage, key, slot) IN (SELECT tenant, feed, segment, stage, key, ending FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.stage AS stage, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS src
) WHERE ending <= as_of)) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT DISTINCT tenant, feed, segment, stage, key, arrayJoin(if(ending <= as_of, [beginning, ending], [beginning])) AS slot, as_of, closed FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.stage AS stage, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS src
)
) GROUP BY tenant, feed, segment, stage, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, toInt64(0) AS kept, toInt64(w.n) AS before, toInt64(0) AS active, toInt64(0) AS fresh, toInt64(0) AS returned, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, stage, slot AS bucket, countIf((tenant, feed, segment, stage, key, slot) IN (SELECT tenant, feed, segment, stage, key, ending FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.stage AS stage, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS src
) WHERE ending <= as_of)) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT DISTINCT tenant, feed, segment, stage, key, arrayJoin(if(ending <= as_of, [beginning, ending], [beginning])) AS slot, as_of, closed FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.stage AS stage, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS src
)
) GROUP BY tenant, feed, segment, stage, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, toInt64(0) AS kept, toInt64(0) AS before, toInt64(w.n) AS active, toInt64(0) AS fresh, toInt64(0) AS returned, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, stage, slot AS bucket, countIf(nth = 1 AND times >= 1 AND fits = 1) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.stage AS stage, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, src.fits AS fits, src.amount AS amount, row_number() OVER (PARTITION BY src.tenant, src.feed, src.segment, src.stage, src.key, slot ORDER BY src.at DESC, src.id DESC) AS nth, count() OVER (PARTITION BY src.tenant, src.feed, src.segment, src.stage, src.key, slot) AS times, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS src
) GROUP BY tenant, feed, segment, stage, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, toInt64(0) AS kept, toInt64(0) AS before, toInt64(0) AS active, toInt64(w.n) AS fresh, toInt64(0) AS returned, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, stage, slot AS bucket, countIf((tenant, feed, segment, stage, key, slot) IN (SELECT tenant, feed, segment, stage, key, min(beginning) FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.stage AS stage, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS src
) GROUP BY tenant, feed, segment, stage, key)) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT DISTINCT tenant, feed, segment, stage, key, arrayJoin(if(ending <= as_of, [beginning, ending], [beginning])) AS slot, as_of, closed FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.stage AS stage, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS src
)
) GROUP BY tenant, feed, segment, stage, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.stage AS stage, toInt64(0) AS kept, toInt64(0) AS before, toInt64(0) AS active, toInt64(0) AS fresh, toInt64(w.n) AS returned, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, stage, slot AS bucket, countIf((tenant, feed, segment, stage, key, slot) IN (SELECT tenant, feed, segment, stage, key, beginning FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.stage AS stage, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS src
)) AND NOT (tenant, feed, segment, stage, key, slot) IN (SELECT tenant, feed, segment, stage, key, ending FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.stage AS stage, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS src
) WHERE ending <= as_of) AND NOT (tenant, feed, segment, stage, key, slot) IN (SELECT tenant, feed, segment, stage, key, min(beginning) FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.stage AS stage, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS src
) GROUP BY tenant, feed, segment, stage, key)) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT DISTINCT tenant, feed, segment, stage, key, arrayJoin(if(ending <= as_of, [beginning, ending], [beginning])) AS slot, as_of, closed FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.stage AS stage, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.first_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_day AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.first_at) AND (1) AND toString(f.customer) != ''
) AS src
)
) GROUP BY tenant, feed, segment, stage, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, segment, stage
HAVING kept != 0 OR before != 0 OR active != 0 OR fresh != 0 OR returned != 0
)

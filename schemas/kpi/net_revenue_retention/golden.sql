-- The values of net_revenue_retention by minute, as the view kpi_net_revenue_retention gives them.
SELECT time, toDate(time) AS date, tenant, feed, segment, currency, kept, before, gone,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, (toNullable(toFloat64(kept)) / nullIf(toNullable(toFloat64(before)), 0))) AS value,
  toNullable(toFloat64(kept)) AS numerator, toNullable(toFloat64(before)) AS denominator, CAST(NULL, 'Nullable(Float64)') AS count,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, (toNullable(toFloat64(gone)) / nullIf(toNullable(toFloat64(before)), 0))) AS lost,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, segment, currency, sum(src.kept) AS kept, sum(src.before) AS before, sum(src.gone) AS gone, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.currency AS currency, toInt64(w.n) AS kept, toInt64(0) AS before, toInt64(0) AS gone, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, currency, slot AS bucket, sumIf(mine, here AND was) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, segment, currency, key, if(_turn = 1, a.ending, a.beginning) AS slot, max(_turn = 0) AS here, max(_turn = 1) AS was, sumIf(a.amount, _turn = 0) AS mine, sumIf(a.amount, _turn = 1) AS past, min(slot) OVER (PARTITION BY tenant, feed, segment, currency, key) AS debut, any(a.as_of) AS as_of, any(a.closed) AS closed FROM (
SELECT tenant, feed, src.segment AS segment, src.currency AS currency, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, sum(src.amount) AS amount, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.entered_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.entered_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(f.amount)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_order_entry AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.entered_at) AND (1) AND toString(f.customer) != '' AND isNotNull(toInt64(f.amount))
) AS src
GROUP BY tenant, feed, segment, currency, key, beginning, ending
) AS a ARRAY JOIN [0, 1] AS _turn
WHERE _turn = 0 OR a.ending <= a.as_of
GROUP BY tenant, feed, segment, currency, key, slot
) GROUP BY tenant, feed, segment, currency, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.currency AS currency, toInt64(0) AS kept, toInt64(w.n) AS before, toInt64(0) AS gone, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, currency, slot AS bucket, sum(past) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, segment, currency, key, if(_turn = 1, a.ending, a.beginning) AS slot, max(_turn = 0) AS here, max(_turn = 1) AS was, sumIf(a.amount, _turn = 0) AS mine, sumIf(a.amount, _turn = 1) AS past, min(slot) OVER (PARTITION BY tenant, feed, segment, currency, key) AS debut, any(a.as_of) AS as_of, any(a.closed) AS closed FROM (
SELECT tenant, feed, src.segment AS segment, src.currency AS currency, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, sum(src.amount) AS amount, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.entered_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.entered_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(f.amount)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_order_entry AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.entered_at) AND (1) AND toString(f.customer) != '' AND isNotNull(toInt64(f.amount))
) AS src
GROUP BY tenant, feed, segment, currency, key, beginning, ending
) AS a ARRAY JOIN [0, 1] AS _turn
WHERE _turn = 0 OR a.ending <= a.as_of
GROUP BY tenant, feed, segment, currency, key, slot
) GROUP BY tenant, feed, segment, currency, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.currency AS currency, toInt64(0) AS kept, toInt64(0) AS before, toInt64(w.n) AS gone, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, currency, slot AS bucket, sumIf(past, was AND NOT here) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, segment, currency, key, if(_turn = 1, a.ending, a.beginning) AS slot, max(_turn = 0) AS here, max(_turn = 1) AS was, sumIf(a.amount, _turn = 0) AS mine, sumIf(a.amount, _turn = 1) AS past, min(slot) OVER (PARTITION BY tenant, feed, segment, currency, key) AS debut, any(a.as_of) AS as_of, any(a.closed) AS closed FROM (
SELECT tenant, feed, src.segment AS segment, src.currency AS currency, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, sum(src.amount) AS amount, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.entered_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.entered_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(f.amount)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_order_entry AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.entered_at) AND (1) AND toString(f.customer) != '' AND isNotNull(toInt64(f.amount))
) AS src
GROUP BY tenant, feed, segment, currency, key, beginning, ending
) AS a ARRAY JOIN [0, 1] AS _turn
WHERE _turn = 0 OR a.ending <= a.as_of
GROUP BY tenant, feed, segment, currency, key, slot
) GROUP BY tenant, feed, segment, currency, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, segment, currency
HAVING kept != 0 OR before != 0 OR gone != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, segment, currency, kept, before, gone,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, (toNullable(toFloat64(kept)) / nullIf(toNullable(toFloat64(before)), 0))) AS value,
  toNullable(toFloat64(kept)) AS numerator, toNullable(toFloat64(before)) AS denominator, CAST(NULL, 'Nullable(Float64)') AS count,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, (toNullable(toFloat64(gone)) / nullIf(toNullable(toFloat64(before)), 0))) AS lost,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, segment, currency, sum(src.kept) AS kept, sum(src.before) AS before, sum(src.gone) AS gone, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.currency AS currency, toInt64(w.n) AS kept, toInt64(0) AS before, toInt64(0) AS gone, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, currency, slot AS bucket, sumIf(amount, (tenant, feed, segment, currency, key, slot) IN (SELECT tenant, feed, segment, currency, key, ending FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.currency AS currency, src.key AS key, src.amount AS amount, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.entered_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.entered_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(f.amount)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_order_entry AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.entered_at) AND (1) AND toString(f.customer) != '' AND isNotNull(toInt64(f.amount))
) AS src
))) AS n, any(told) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, segment, currency, key, amount, beginning AS slot, as_of AS told, closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.currency AS currency, src.key AS key, src.amount AS amount, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.entered_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.entered_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(f.amount)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_order_entry AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.entered_at) AND (1) AND toString(f.customer) != '' AND isNotNull(toInt64(f.amount))
) AS src
)
) GROUP BY tenant, feed, segment, currency, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.currency AS currency, toInt64(0) AS kept, toInt64(w.n) AS before, toInt64(0) AS gone, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, currency, slot AS bucket, sumIf(amount, 1 AND slot <= told) AS n, any(told) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, segment, currency, key, amount, ending AS slot, as_of AS told, closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.currency AS currency, src.key AS key, src.amount AS amount, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.entered_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.entered_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(f.amount)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_order_entry AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.entered_at) AND (1) AND toString(f.customer) != '' AND isNotNull(toInt64(f.amount))
) AS src
)
) GROUP BY tenant, feed, segment, currency, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.currency AS currency, toInt64(0) AS kept, toInt64(0) AS before, toInt64(w.n) AS gone, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, currency, slot AS bucket, sumIf(amount, NOT (tenant, feed, segment, currency, key, slot) IN (SELECT tenant, feed, segment, currency, key, beginning FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.currency AS currency, src.key AS key, src.amount AS amount, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.entered_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.entered_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(f.amount)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_order_entry AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.entered_at) AND (1) AND toString(f.customer) != '' AND isNotNull(toInt64(f.amount))
) AS src
)) AND slot <= told) AS n, any(told) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, segment, currency, key, amount, ending AS slot, as_of AS told, closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.currency AS currency, src.key AS key, src.amount AS amount, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.entered_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.entered_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(f.amount)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_order_entry AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.entered_at) AND (1) AND toString(f.customer) != '' AND isNotNull(toInt64(f.amount))
) AS src
)
) GROUP BY tenant, feed, segment, currency, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, segment, currency
HAVING kept != 0 OR before != 0 OR gone != 0
)

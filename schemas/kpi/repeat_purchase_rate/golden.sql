-- The values of repeat_purchase_rate by minute, as the view kpi_repeat_purchase_rate gives them.
SELECT time, toDate(time) AS date, tenant, feed, source_channel, category, product, segment, campaign, again, buyers,
  (toNullable(toFloat64(again)) / nullIf(toNullable(toFloat64(buyers)), 0)) AS value,
  toNullable(toFloat64(again)) AS numerator, toNullable(toFloat64(buyers)) AS denominator, toNullable(toFloat64(buyers)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, source_channel, category, product, segment, campaign, sum(src.again) AS again, sum(src.buyers) AS buyers, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.source_channel AS source_channel, w.category AS category, w.product AS product, w.segment AS segment, w.campaign AS campaign, toInt64(w.n) AS again, toInt64(0) AS buyers, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, source_channel, category, product, segment, campaign, slot AS bucket, count() AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, src.source_channel AS source_channel, src.category AS category, src.product AS product, src.segment AS segment, src.campaign AS campaign, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, max(src.bucket) AS newest, count() AS times, argMax(src.fits, (src.at, src.id)) AS fits, argMax(src.amount, (src.at, src.id)) AS latest, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.paid_at)), 60) * 60, 'UTC') AS bucket, f.source_channel AS source_channel, f.category AS category, f.product AS product, f.segment AS segment, f.campaign AS campaign, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.paid_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_order AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.paid_at) AND (1 AND f.status NOT IN ('cancelled')) AND toString(f.customer) != ''
) AS src
GROUP BY tenant, feed, source_channel, category, product, segment, campaign, key, slot
) WHERE times >= 2 AND fits = 1 GROUP BY tenant, feed, source_channel, category, product, segment, campaign, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.source_channel AS source_channel, w.category AS category, w.product AS product, w.segment AS segment, w.campaign AS campaign, toInt64(0) AS again, toInt64(w.n) AS buyers, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, source_channel, category, product, segment, campaign, slot AS bucket, count() AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, src.source_channel AS source_channel, src.category AS category, src.product AS product, src.segment AS segment, src.campaign AS campaign, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, max(src.bucket) AS newest, count() AS times, argMax(src.fits, (src.at, src.id)) AS fits, argMax(src.amount, (src.at, src.id)) AS latest, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.paid_at)), 60) * 60, 'UTC') AS bucket, f.source_channel AS source_channel, f.category AS category, f.product AS product, f.segment AS segment, f.campaign AS campaign, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.paid_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_order AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.paid_at) AND (1 AND f.status NOT IN ('cancelled')) AND toString(f.customer) != ''
) AS src
GROUP BY tenant, feed, source_channel, category, product, segment, campaign, key, slot
) WHERE times >= 1 AND fits = 1 GROUP BY tenant, feed, source_channel, category, product, segment, campaign, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, source_channel, category, product, segment, campaign
HAVING again != 0 OR buyers != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, source_channel, category, product, segment, campaign, again, buyers,
  (toNullable(toFloat64(again)) / nullIf(toNullable(toFloat64(buyers)), 0)) AS value,
  toNullable(toFloat64(again)) AS numerator, toNullable(toFloat64(buyers)) AS denominator, toNullable(toFloat64(buyers)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, source_channel, category, product, segment, campaign, sum(src.again) AS again, sum(src.buyers) AS buyers, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.source_channel AS source_channel, w.category AS category, w.product AS product, w.segment AS segment, w.campaign AS campaign, toInt64(w.n) AS again, toInt64(0) AS buyers, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, source_channel, category, product, segment, campaign, slot AS bucket, countIf(nth = 1 AND times >= 2 AND fits = 1) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.source_channel AS source_channel, src.category AS category, src.product AS product, src.segment AS segment, src.campaign AS campaign, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, src.fits AS fits, src.amount AS amount, row_number() OVER (PARTITION BY src.tenant, src.feed, src.source_channel, src.category, src.product, src.segment, src.campaign, src.key, slot ORDER BY src.at DESC, src.id DESC) AS nth, count() OVER (PARTITION BY src.tenant, src.feed, src.source_channel, src.category, src.product, src.segment, src.campaign, src.key, slot) AS times, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.paid_at)), 60) * 60, 'UTC') AS bucket, f.source_channel AS source_channel, f.category AS category, f.product AS product, f.segment AS segment, f.campaign AS campaign, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.paid_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_order AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.paid_at) AND (1 AND f.status NOT IN ('cancelled')) AND toString(f.customer) != ''
) AS src
) GROUP BY tenant, feed, source_channel, category, product, segment, campaign, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.source_channel AS source_channel, w.category AS category, w.product AS product, w.segment AS segment, w.campaign AS campaign, toInt64(0) AS again, toInt64(w.n) AS buyers, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, source_channel, category, product, segment, campaign, slot AS bucket, countIf(nth = 1 AND times >= 1 AND fits = 1) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.source_channel AS source_channel, src.category AS category, src.product AS product, src.segment AS segment, src.campaign AS campaign, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, src.fits AS fits, src.amount AS amount, row_number() OVER (PARTITION BY src.tenant, src.feed, src.source_channel, src.category, src.product, src.segment, src.campaign, src.key, slot ORDER BY src.at DESC, src.id DESC) AS nth, count() OVER (PARTITION BY src.tenant, src.feed, src.source_channel, src.category, src.product, src.segment, src.campaign, src.key, slot) AS times, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.paid_at)), 60) * 60, 'UTC') AS bucket, f.source_channel AS source_channel, f.category AS category, f.product AS product, f.segment AS segment, f.campaign AS campaign, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.paid_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_order AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.paid_at) AND (1 AND f.status NOT IN ('cancelled')) AND toString(f.customer) != ''
) AS src
) GROUP BY tenant, feed, source_channel, category, product, segment, campaign, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, source_channel, category, product, segment, campaign
HAVING again != 0 OR buyers != 0
)

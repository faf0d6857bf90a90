-- The values of cost_to_serve by minute, as the view kpi_cost_to_serve gives them.
SELECT time, toDate(time) AS date, tenant, feed, currency, segment, costs, served,
  (toNullable(toFloat64(costs)) / nullIf(toNullable(toFloat64(served)) * 10000, 0)) AS value,
  toNullable(toFloat64(costs)) / 10000 AS numerator, toNullable(toFloat64(served)) AS denominator, toNullable(toFloat64(served)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT * FROM (
SELECT time, until, tenant, feed, currency, segment, costs, sum(g.served) OVER (PARTITION BY tenant, feed, time, until, segment) AS served, open_facts, changed_at, as_of, closed FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, currency, segment, sum(src.costs) AS costs, sum(src.served) AS served, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.currency AS currency, p.segment AS segment, p.sum_amount__account_labour_cost_or_platform_cost__at_entered_at__c4c4a508e9ab12f9 AS costs, toInt64(0) AS served, toInt64(0) AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_finance_entry AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.currency AS currency, w.segment AS segment, toInt64(0) AS costs, toInt64(w.n) AS served, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, currency, segment, slot AS bucket, count() AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, src.currency AS currency, src.segment AS segment, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, max(src.bucket) AS newest, count() AS times, argMax(src.fits, (src.at, src.id)) AS fits, argMax(src.amount, (src.at, src.id)) AS latest, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.contacted_at)), 60) * 60, 'UTC') AS bucket, '' AS currency, f.segment AS segment, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.contacted_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_contact AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.contacted_at) AND (1) AND toString(f.customer) != ''
) AS src
GROUP BY tenant, feed, currency, segment, key, slot
) WHERE times >= 1 AND fits = 1 GROUP BY tenant, feed, currency, segment, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, currency, segment
HAVING costs != 0 OR served != 0
) AS g
) WHERE costs != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, currency, segment, costs, served,
  (toNullable(toFloat64(costs)) / nullIf(toNullable(toFloat64(served)) * 10000, 0)) AS value,
  toNullable(toFloat64(costs)) / 10000 AS numerator, toNullable(toFloat64(served)) AS denominator, toNullable(toFloat64(served)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT * FROM (
SELECT time, until, tenant, feed, currency, segment, costs, sum(g.served) OVER (PARTITION BY tenant, feed, time, until, segment) AS served, open_facts, changed_at, as_of, closed FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, currency, segment, sum(src.costs) AS costs, sum(src.served) AS served, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.currency AS currency, w.segment AS segment, toInt64(0) AS costs, toInt64(w.n) AS served, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, currency, segment, slot AS bucket, countIf(nth = 1 AND times >= 1 AND fits = 1) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.currency AS currency, src.segment AS segment, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, src.fits AS fits, src.amount AS amount, row_number() OVER (PARTITION BY src.tenant, src.feed, src.currency, src.segment, src.key, slot ORDER BY src.at DESC, src.id DESC) AS nth, count() OVER (PARTITION BY src.tenant, src.feed, src.currency, src.segment, src.key, slot) AS times, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.contacted_at)), 60) * 60, 'UTC') AS bucket, '' AS currency, f.segment AS segment, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.contacted_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_customer_contact AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.contacted_at) AND (1) AND toString(f.customer) != ''
) AS src
) GROUP BY tenant, feed, currency, segment, slot
) AS w
UNION ALL
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.entered_at)), 60) * 60, 'UTC') AS bucket, f.currency AS currency, f.segment AS segment, if((1 AND f.account IN ('labour.cost', 'platform.cost')), coalesce(f.amount, 0), 0) AS costs, toInt64(0) AS served, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_finance_entry AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.entered_at)
) AS src
GROUP BY time, until, tenant, feed, currency, segment
HAVING costs != 0 OR served != 0
) AS g
) WHERE costs != 0
)

-- The values of clv by minute, as the view kpi_clv gives them.
SELECT time, toDate(time) AS date, tenant, feed, segment, currency, paid, buyers, known_paid, known_cost, before, lost,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, (((((toNullable(toFloat64(paid)) / nullIf(toNullable(toFloat64(buyers)), 0)) * (toNullable(toFloat64(known_paid)) - toNullable(toFloat64(known_cost)))) / nullIf(toNullable(toFloat64(known_paid)), 0)) * toNullable(toFloat64(before))) / nullIf(toNullable(toFloat64(lost)) * 10000, 0))) AS value,
  ((((toNullable(toFloat64(paid)) / nullIf(toNullable(toFloat64(buyers)), 0)) * (toNullable(toFloat64(known_paid)) - toNullable(toFloat64(known_cost)))) / nullIf(toNullable(toFloat64(known_paid)), 0)) * toNullable(toFloat64(before))) / 10000 AS numerator, toNullable(toFloat64(lost)) AS denominator, toNullable(toFloat64(lost)) AS count,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, (toNullable(toFloat64(paid)) / nullIf(toNullable(toFloat64(buyers)) * 10000, 0))) AS arpu,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, segment, currency, sum(src.paid) AS paid, sum(src.buyers) AS buyers, sum(src.known_paid) AS known_paid, sum(src.known_cost) AS known_cost, sum(src.before) AS before, sum(src.lost) AS lost, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.segment AS segment, p.currency AS currency, p.sum_amount__at_paid_at AS paid, toInt64(0) AS buyers, p.sum_amount__cost_known__at_paid_at AS known_paid, p.sum_cost__at_paid_at AS known_cost, toInt64(0) AS before, toInt64(0) AS lost, toInt64(0) AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_purchase AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.currency AS currency, toInt64(0) AS paid, toInt64(w.n) AS buyers, toInt64(0) AS known_paid, toInt64(0) AS known_cost, toInt64(0) AS before, toInt64(0) AS lost, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, currency, slot AS bucket, count() AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, src.segment AS segment, src.currency AS currency, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, max(src.bucket) AS newest, count() AS times, argMax(src.fits, (src.at, src.id)) AS fits, argMax(src.amount, (src.at, src.id)) AS latest, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.paid_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.paid_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_purchase AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.paid_at) AND (1) AND toString(f.customer) != ''
) AS src
GROUP BY tenant, feed, segment, currency, key, slot
) WHERE times >= 1 AND fits = 1 GROUP BY tenant, feed, segment, currency, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.currency AS currency, toInt64(0) AS paid, toInt64(0) AS buyers, toInt64(0) AS known_paid, toInt64(0) AS known_cost, toInt64(w.n) AS before, toInt64(0) AS lost, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, currency, slot AS bucket, countIf(was) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, segment, currency, key, if(_turn = 1, a.ending, a.beginning) AS slot, max(_turn = 0) AS here, max(_turn = 1) AS was, min(slot) OVER (PARTITION BY tenant, feed, segment, currency, key) AS debut, any(a.as_of) AS as_of, any(a.closed) AS closed FROM (
SELECT tenant, feed, src.segment AS segment, src.currency AS currency, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.paid_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.paid_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_purchase AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.paid_at) AND (1) AND toString(f.customer) != ''
) AS src
GROUP BY tenant, feed, segment, currency, key, beginning, ending
) AS a ARRAY JOIN [0, 1] AS _turn
WHERE _turn = 0 OR a.ending <= a.as_of
GROUP BY tenant, feed, segment, currency, key, slot
) GROUP BY tenant, feed, segment, currency, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.currency AS currency, toInt64(0) AS paid, toInt64(0) AS buyers, toInt64(0) AS known_paid, toInt64(0) AS known_cost, toInt64(0) AS before, toInt64(w.n) AS lost, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, currency, slot AS bucket, countIf(was AND NOT here) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, segment, currency, key, if(_turn = 1, a.ending, a.beginning) AS slot, max(_turn = 0) AS here, max(_turn = 1) AS was, min(slot) OVER (PARTITION BY tenant, feed, segment, currency, key) AS debut, any(a.as_of) AS as_of, any(a.closed) AS closed FROM (
SELECT tenant, feed, src.segment AS segment, src.currency AS currency, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.paid_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.paid_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_purchase AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.paid_at) AND (1) AND toString(f.customer) != ''
) AS src
GROUP BY tenant, feed, segment, currency, key, beginning, ending
) AS a ARRAY JOIN [0, 1] AS _turn
WHERE _turn = 0 OR a.ending <= a.as_of
GROUP BY tenant, feed, segment, currency, key, slot
) GROUP BY tenant, feed, segment, currency, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, segment, currency
HAVING paid != 0 OR buyers != 0 OR known_paid != 0 OR known_cost != 0 OR before != 0 OR lost != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, segment, currency, paid, buyers, known_paid, known_cost, before, lost,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, (((((toNullable(toFloat64(paid)) / nullIf(toNullable(toFloat64(buyers)), 0)) * (toNullable(toFloat64(known_paid)) - toNullable(toFloat64(known_cost)))) / nullIf(toNullable(toFloat64(known_paid)), 0)) * toNullable(toFloat64(before))) / nullIf(toNullable(toFloat64(lost)) * 10000, 0))) AS value,
  ((((toNullable(toFloat64(paid)) / nullIf(toNullable(toFloat64(buyers)), 0)) * (toNullable(toFloat64(known_paid)) - toNullable(toFloat64(known_cost)))) / nullIf(toNullable(toFloat64(known_paid)), 0)) * toNullable(toFloat64(before))) / 10000 AS numerator, toNullable(toFloat64(lost)) AS denominator, toNullable(toFloat64(lost)) AS count,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, (toNullable(toFloat64(paid)) / nullIf(toNullable(toFloat64(buyers)) * 10000, 0))) AS arpu,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, segment, currency, sum(src.paid) AS paid, sum(src.buyers) AS buyers, sum(src.known_paid) AS known_paid, sum(src.known_cost) AS known_cost, sum(src.before) AS before, sum(src.lost) AS lost, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.currency AS currency, toInt64(0) AS paid, toInt64(w.n) AS buyers, toInt64(0) AS known_paid, toInt64(0) AS known_cost, toInt64(0) AS before, toInt64(0) AS lost, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, currency, slot AS bucket, countIf(nth = 1 AND times >= 1 AND fits = 1) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.currency AS currency, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, src.fits AS fits, src.amount AS amount, row_number() OVER (PARTITION BY src.tenant, src.feed, src.segment, src.currency, src.key, slot ORDER BY src.at DESC, src.id DESC) AS nth, count() OVER (PARTITION BY src.tenant, src.feed, src.segment, src.currency, src.key, slot) AS times, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.paid_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.paid_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_purchase AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.paid_at) AND (1) AND toString(f.customer) != ''
) AS src
) GROUP BY tenant, feed, segment, currency, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.currency AS currency, toInt64(0) AS paid, toInt64(0) AS buyers, toInt64(0) AS known_paid, toInt64(0) AS known_cost, toInt64(w.n) AS before, toInt64(0) AS lost, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, currency, slot AS bucket, countIf((tenant, feed, segment, currency, key, slot) IN (SELECT tenant, feed, segment, currency, key, ending FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.currency AS currency, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.paid_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.paid_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_purchase AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.paid_at) AND (1) AND toString(f.customer) != ''
) AS src
) WHERE ending <= as_of)) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT DISTINCT tenant, feed, segment, currency, key, arrayJoin(if(ending <= as_of, [beginning, ending], [beginning])) AS slot, as_of, closed FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.currency AS currency, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.paid_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.paid_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_purchase AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.paid_at) AND (1) AND toString(f.customer) != ''
) AS src
)
) GROUP BY tenant, feed, segment, currency, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.segment AS segment, w.currency AS currency, toInt64(0) AS paid, toInt64(0) AS buyers, toInt64(0) AS known_paid, toInt64(0) AS known_cost, toInt64(0) AS before, toInt64(w.n) AS lost, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, segment, currency, slot AS bucket, countIf((tenant, feed, segment, currency, key, slot) IN (SELECT tenant, feed, segment, currency, key, ending FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.currency AS currency, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.paid_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.paid_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_purchase AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.paid_at) AND (1) AND toString(f.customer) != ''
) AS src
) WHERE ending <= as_of) AND NOT (tenant, feed, segment, currency, key, slot) IN (SELECT tenant, feed, segment, currency, key, beginning FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.currency AS currency, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.paid_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.paid_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_purchase AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.paid_at) AND (1) AND toString(f.customer) != ''
) AS src
))) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT DISTINCT tenant, feed, segment, currency, key, arrayJoin(if(ending <= as_of, [beginning, ending], [beginning])) AS slot, as_of, closed FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.segment AS segment, src.currency AS currency, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.paid_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, concat(if(i.root != '', i.root, toString(f.customer))) AS key, assumeNotNull(f.paid_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_purchase AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.paid_at) AND (1) AND toString(f.customer) != ''
) AS src
)
) GROUP BY tenant, feed, segment, currency, slot
) AS w
UNION ALL
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.paid_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.currency AS currency, if((1), coalesce(f.amount, 0), 0) AS paid, toInt64(0) AS buyers, if((1 AND isNotNull(f.cost)), coalesce(f.amount, 0), 0) AS known_paid, if((1), coalesce(f.cost, 0), 0) AS known_cost, toInt64(0) AS before, toInt64(0) AS lost, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_purchase AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.paid_at)
) AS src
GROUP BY time, until, tenant, feed, segment, currency
HAVING paid != 0 OR buyers != 0 OR known_paid != 0 OR known_cost != 0 OR before != 0 OR lost != 0
)

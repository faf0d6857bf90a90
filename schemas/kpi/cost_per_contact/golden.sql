-- The values of cost_per_contact by minute, as the view kpi_cost_per_contact gives them.
SELECT time, toDate(time) AS date, tenant, feed, currency, costs, labour, handled,
  (toNullable(toFloat64(costs)) / nullIf(toNullable(toFloat64(handled)) * 10000, 0)) AS value,
  toNullable(toFloat64(costs)) / 10000 AS numerator, toNullable(toFloat64(handled)) AS denominator, toNullable(toFloat64(handled)) AS count,
  (toNullable(toFloat64(labour)) / nullIf(toNullable(toFloat64(handled)) * 10000, 0)) AS labour_only,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT * FROM (
SELECT time, until, tenant, feed, currency, costs, labour, sum(g.handled) OVER (PARTITION BY tenant, feed, time, until) AS handled, open_facts, changed_at, as_of, closed FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, currency, sum(src.costs) AS costs, sum(src.labour) AS labour, sum(src.handled) AS handled, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.currency AS currency, p.sum_amount__account_labour_cost_or_platform_cost__at_entered_at__c4c4a508e9ab12f9 AS costs, p.sum_amount__account_labour_cost__at_entered_at__af3b4f1f88864010 AS labour, toInt64(0) AS handled, toInt64(0) AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_finance_entry AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
UNION ALL
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, '' AS currency, toInt64(0) AS costs, toInt64(0) AS labour, p.count__outcome_answered__at_ended_at AS handled, p.count__state_open__at_ended_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_contact AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, currency
HAVING costs != 0 OR labour != 0 OR handled != 0
) AS g
) WHERE costs != 0 OR labour != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, currency, costs, labour, handled,
  (toNullable(toFloat64(costs)) / nullIf(toNullable(toFloat64(handled)) * 10000, 0)) AS value,
  toNullable(toFloat64(costs)) / 10000 AS numerator, toNullable(toFloat64(handled)) AS denominator, toNullable(toFloat64(handled)) AS count,
  (toNullable(toFloat64(labour)) / nullIf(toNullable(toFloat64(handled)) * 10000, 0)) AS labour_only,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT * FROM (
SELECT time, until, tenant, feed, currency, costs, labour, sum(g.handled) OVER (PARTITION BY tenant, feed, time, until) AS handled, open_facts, changed_at, as_of, closed FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, currency, sum(src.costs) AS costs, sum(src.labour) AS labour, sum(src.handled) AS handled, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.ended_at)), 60) * 60, 'UTC') AS bucket, '' AS currency, toInt64(0) AS costs, toInt64(0) AS labour, toInt64((1 AND f.outcome IN ('answered'))) AS handled, toInt64((1 AND f.state IN ('open'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_contact AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.ended_at)
UNION ALL
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.entered_at)), 60) * 60, 'UTC') AS bucket, f.currency AS currency, if((1 AND f.account IN ('labour.cost', 'platform.cost')), coalesce(f.amount, 0), 0) AS costs, if((1 AND f.account IN ('labour.cost')), coalesce(f.amount, 0), 0) AS labour, toInt64(0) AS handled, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_finance_entry AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.entered_at)
) AS src
GROUP BY time, until, tenant, feed, currency
HAVING costs != 0 OR labour != 0 OR handled != 0
) AS g
) WHERE costs != 0 OR labour != 0
)

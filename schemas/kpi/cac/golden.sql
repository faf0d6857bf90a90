-- The values of cac by minute, as the view kpi_cac gives them.
SELECT time, toDate(time) AS date, tenant, feed, source_channel, segment, currency, spent, previous_spent, new,
  (toNullable(toFloat64(spent)) / nullIf(toNullable(toFloat64(new)) * 10000, 0)) AS value,
  toNullable(toFloat64(spent)) / 10000 AS numerator, toNullable(toFloat64(new)) AS denominator, toNullable(toFloat64(new)) AS count,
  (toNullable(toFloat64(previous_spent)) / nullIf(toNullable(toFloat64(new)) * 10000, 0)) AS lagged,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT * FROM (
SELECT time, until, tenant, feed, source_channel, segment, currency, spent, previous_spent, sum(g.new) OVER (PARTITION BY tenant, feed, time, until, source_channel, segment) AS new, open_facts, changed_at, as_of, closed FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, source_channel, segment, currency, sum(src.spent) AS spent, sum(src.previous_spent) AS previous_spent, sum(src.new) AS new, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT src.tenant AS tenant, src.feed AS feed, if(_turn = 1, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC'), src.bucket) AS bucket, src.source_channel AS source_channel, src.segment AS segment, src.currency AS currency, if(_turn = 0, src.spent, toInt64(0)) AS spent, if(_turn = 1, src.spent, toInt64(0)) AS previous_spent, if(_turn = 0, src.new, toInt64(0)) AS new, if(_turn = 0, src.open_facts, 0) AS open_facts, src.changed_at AS changed_at, src.as_of AS as_of, src.closed AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.source_channel AS source_channel, p.segment AS segment, p.currency AS currency, p.sum_cost__at_recorded_at AS spent, toInt64(0) AS new, toInt64(0) AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_campaign_cost AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
UNION ALL
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.source_channel AS source_channel, p.segment AS segment, '' AS currency, toInt64(0) AS spent, p.count__at_first_order_at AS new, toInt64(0) AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_customer AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
ARRAY JOIN [0, 1] AS _turn
WHERE _turn = 0 OR addSeconds(toTimeZone(src.bucket, 'UTC'), 60) <= src.as_of
) AS src
GROUP BY time, until, tenant, feed, source_channel, segment, currency
HAVING spent != 0 OR previous_spent != 0 OR new != 0
) AS g
) WHERE spent != 0 OR previous_spent != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, source_channel, segment, currency, spent, previous_spent, new,
  (toNullable(toFloat64(spent)) / nullIf(toNullable(toFloat64(new)) * 10000, 0)) AS value,
  toNullable(toFloat64(spent)) / 10000 AS numerator, toNullable(toFloat64(new)) AS denominator, toNullable(toFloat64(new)) AS count,
  (toNullable(toFloat64(previous_spent)) / nullIf(toNullable(toFloat64(new)) * 10000, 0)) AS lagged,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT * FROM (
SELECT time, until, tenant, feed, source_channel, segment, currency, spent, previous_spent, sum(g.new) OVER (PARTITION BY tenant, feed, time, until, source_channel, segment) AS new, open_facts, changed_at, as_of, closed FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, source_channel, segment, currency, sum(src.spent) AS spent, sum(src.previous_spent) AS previous_spent, sum(src.new) AS new, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT src.tenant AS tenant, src.feed AS feed, if(_turn = 1, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC'), src.bucket) AS bucket, src.source_channel AS source_channel, src.segment AS segment, src.currency AS currency, if(_turn = 0, src.spent, toInt64(0)) AS spent, if(_turn = 1, src.spent, toInt64(0)) AS previous_spent, if(_turn = 0, src.new, toInt64(0)) AS new, if(_turn = 0, src.open_facts, 0) AS open_facts, src.changed_at AS changed_at, src.as_of AS as_of, src.closed AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.recorded_at)), 60) * 60, 'UTC') AS bucket, f.source_channel AS source_channel, f.segment AS segment, f.currency AS currency, if((1), coalesce(f.cost, 0), 0) AS spent, toInt64(0) AS new, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_campaign_cost AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.recorded_at)
UNION ALL
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.first_order_at)), 60) * 60, 'UTC') AS bucket, f.source_channel AS source_channel, f.segment AS segment, '' AS currency, toInt64(0) AS spent, toInt64((1)) AS new, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_customer AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.first_order_at)
) AS src
ARRAY JOIN [0, 1] AS _turn
WHERE _turn = 0 OR addSeconds(toTimeZone(src.bucket, 'UTC'), 60) <= src.as_of
) AS src
GROUP BY time, until, tenant, feed, source_channel, segment, currency
HAVING spent != 0 OR previous_spent != 0 OR new != 0
) AS g
) WHERE spent != 0 OR previous_spent != 0
)

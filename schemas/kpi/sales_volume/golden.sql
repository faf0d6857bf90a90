-- The values of sales_volume by minute, as the view kpi_sales_volume gives them.
SELECT time, toDate(time) AS date, tenant, feed, source_channel, category, product, segment, campaign, currency, ordered, orders,
  toNullable(toFloat64(ordered)) / 10000 AS value,
  CAST(NULL, 'Nullable(Float64)') AS numerator, CAST(NULL, 'Nullable(Float64)') AS denominator, CAST(NULL, 'Nullable(Float64)') AS count,
  (toNullable(toFloat64(ordered)) / nullIf(toNullable(toFloat64(orders)) * 10000, 0)) AS average,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, source_channel, category, product, segment, campaign, currency, sum(src.ordered) AS ordered, sum(src.orders) AS orders, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.source_channel AS source_channel, p.category AS category, p.product AS product, p.segment AS segment, p.campaign AS campaign, p.currency AS currency, p.sum_ordered__status_not_cancelled__at_created_at AS ordered, p.count__status_not_cancelled__ordered_known__at_created_at AS orders, p.count__status_placed__at_created_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_order AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, source_channel, category, product, segment, campaign, currency
HAVING ordered != 0 OR orders != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, source_channel, category, product, segment, campaign, currency, ordered, orders,
  toNullable(toFloat64(ordered)) / 10000 AS value,
  CAST(NULL, 'Nullable(Float64)') AS numerator, CAST(NULL, 'Nullable(Float64)') AS denominator, CAST(NULL, 'Nullable(Float64)') AS count,
  (toNullable(toFloat64(ordered)) / nullIf(toNullable(toFloat64(orders)) * 10000, 0)) AS average,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, source_channel, category, product, segment, campaign, currency, sum(src.ordered) AS ordered, sum(src.orders) AS orders, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.created_at)), 60) * 60, 'UTC') AS bucket, f.source_channel AS source_channel, f.category AS category, f.product AS product, f.segment AS segment, f.campaign AS campaign, f.currency AS currency, if((1 AND f.status NOT IN ('cancelled')), coalesce(f.ordered, 0), 0) AS ordered, toInt64((1 AND f.status NOT IN ('cancelled') AND isNotNull(f.ordered))) AS orders, toInt64((1 AND f.status IN ('placed'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_order AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.created_at)
) AS src
GROUP BY time, until, tenant, feed, source_channel, category, product, segment, campaign, currency
HAVING ordered != 0 OR orders != 0
)

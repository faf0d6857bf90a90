-- The values of revenue_growth by minute, as the view kpi_revenue_growth gives them.
SELECT time, toDate(time) AS date, tenant, feed, source_channel, category, product, segment, campaign, currency, net, previous_net,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, ((toNullable(toFloat64(net)) - toNullable(toFloat64(previous_net))) / nullIf(toNullable(toFloat64(previous_net)), 0))) AS value,
  (toNullable(toFloat64(net)) - toNullable(toFloat64(previous_net))) AS numerator, toNullable(toFloat64(previous_net)) AS denominator, CAST(NULL, 'Nullable(Float64)') AS count,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, (toNullable(toFloat64(net)) / nullIf(toNullable(toFloat64(previous_net)), 0))) AS factor,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, source_channel, category, product, segment, campaign, currency, sum(src.net) AS net, sum(src.previous_net) AS previous_net, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT src.tenant AS tenant, src.feed AS feed, if(_turn = 1, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC'), src.bucket) AS bucket, src.source_channel AS source_channel, src.category AS category, src.product AS product, src.segment AS segment, src.campaign AS campaign, src.currency AS currency, if(_turn = 0, src.net, toInt64(0)) AS net, if(_turn = 1, src.net, toInt64(0)) AS previous_net, if(_turn = 0, src.open_facts, 0) AS open_facts, src.changed_at AS changed_at, src.as_of AS as_of, src.closed AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.source_channel AS source_channel, p.category AS category, p.product AS product, p.segment AS segment, p.campaign AS campaign, p.currency AS currency, p.sum_amount__at_entered_at AS net, toInt64(0) AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_order_entry AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
ARRAY JOIN [0, 1] AS _turn
WHERE _turn = 0 OR addSeconds(toTimeZone(src.bucket, 'UTC'), 60) <= src.as_of
) AS src
GROUP BY time, until, tenant, feed, source_channel, category, product, segment, campaign, currency
HAVING net != 0 OR previous_net != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, source_channel, category, product, segment, campaign, currency, net, previous_net,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, ((toNullable(toFloat64(net)) - toNullable(toFloat64(previous_net))) / nullIf(toNullable(toFloat64(previous_net)), 0))) AS value,
  (toNullable(toFloat64(net)) - toNullable(toFloat64(previous_net))) AS numerator, toNullable(toFloat64(previous_net)) AS denominator, CAST(NULL, 'Nullable(Float64)') AS count,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), NULL, (toNullable(toFloat64(net)) / nullIf(toNullable(toFloat64(previous_net)), 0))) AS factor,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, source_channel, category, product, segment, campaign, currency, sum(src.net) AS net, sum(src.previous_net) AS previous_net, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT src.tenant AS tenant, src.feed AS feed, if(_turn = 1, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC'), src.bucket) AS bucket, src.source_channel AS source_channel, src.category AS category, src.product AS product, src.segment AS segment, src.campaign AS campaign, src.currency AS currency, if(_turn = 0, src.net, toInt64(0)) AS net, if(_turn = 1, src.net, toInt64(0)) AS previous_net, if(_turn = 0, src.open_facts, 0) AS open_facts, src.changed_at AS changed_at, src.as_of AS as_of, src.closed AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.entered_at)), 60) * 60, 'UTC') AS bucket, f.source_channel AS source_channel, f.category AS category, f.product AS product, f.segment AS segment, f.campaign AS campaign, f.currency AS currency, if((1), coalesce(f.amount, 0), 0) AS net, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_order_entry AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.entered_at)
) AS src
ARRAY JOIN [0, 1] AS _turn
WHERE _turn = 0 OR addSeconds(toTimeZone(src.bucket, 'UTC'), 60) <= src.as_of
) AS src
GROUP BY time, until, tenant, feed, source_channel, category, product, segment, campaign, currency
HAVING net != 0 OR previous_net != 0
)

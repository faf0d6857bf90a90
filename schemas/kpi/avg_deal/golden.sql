-- The values of avg_deal by minute, as the view kpi_avg_deal gives them.
SELECT time, toDate(time) AS date, tenant, feed, product, segment, campaign, team, agent, currency, worth, won,
  (toNullable(toFloat64(worth)) / nullIf(toNullable(toFloat64(won)) * 10000, 0)) AS value,
  toNullable(toFloat64(worth)) / 10000 AS numerator, toNullable(toFloat64(won)) AS denominator, toNullable(toFloat64(won)) AS count,
  toNullable(toFloat64(worth)) / 10000 AS sum,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, product, segment, campaign, team, agent, currency, sum(src.worth) AS worth, sum(src.won) AS won, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.product AS product, p.segment AS segment, p.campaign AS campaign, p.team AS team, p.agent AS agent, p.currency AS currency, p.sum_amount__status_won__at_won_at AS worth, p.count__status_won__amount_known__at_won_at AS won, p.count__status_pending__at_won_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_deal AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, product, segment, campaign, team, agent, currency
HAVING worth != 0 OR won != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, product, segment, campaign, team, agent, currency, worth, won,
  (toNullable(toFloat64(worth)) / nullIf(toNullable(toFloat64(won)) * 10000, 0)) AS value,
  toNullable(toFloat64(worth)) / 10000 AS numerator, toNullable(toFloat64(won)) AS denominator, toNullable(toFloat64(won)) AS count,
  toNullable(toFloat64(worth)) / 10000 AS sum,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, product, segment, campaign, team, agent, currency, sum(src.worth) AS worth, sum(src.won) AS won, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.won_at)), 60) * 60, 'UTC') AS bucket, f.product AS product, f.segment AS segment, f.campaign AS campaign, f.team AS team, f.agent AS agent, f.currency AS currency, if((1 AND f.status IN ('won')), coalesce(f.amount, 0), 0) AS worth, toInt64((1 AND f.status IN ('won') AND isNotNull(f.amount))) AS won, toInt64((1 AND f.status IN ('pending'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_deal AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.won_at)
) AS src
GROUP BY time, until, tenant, feed, product, segment, campaign, team, agent, currency
HAVING worth != 0 OR won != 0
)

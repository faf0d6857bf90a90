-- The values of click_through_rate by minute, as the view kpi_click_through_rate gives them.
SELECT time, toDate(time) AS date, tenant, feed, campaign, source_channel, segment, category, clicks, impressions,
  (toNullable(toFloat64(clicks)) / nullIf(toNullable(toFloat64(impressions)), 0)) AS value,
  toNullable(toFloat64(clicks)) AS numerator, toNullable(toFloat64(impressions)) AS denominator, toNullable(toFloat64(impressions)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, campaign, source_channel, segment, category, sum(src.clicks) AS clicks, sum(src.impressions) AS impressions, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.campaign AS campaign, p.source_channel AS source_channel, p.segment AS segment, p.category AS category, p.sum_clicks__impressions_known__at_recorded_at AS clicks, p.sum_impressions__clicks_known__at_recorded_at AS impressions, toInt64(0) AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_campaign_cost AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, campaign, source_channel, segment, category
HAVING clicks != 0 OR impressions != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, campaign, source_channel, segment, category, clicks, impressions,
  (toNullable(toFloat64(clicks)) / nullIf(toNullable(toFloat64(impressions)), 0)) AS value,
  toNullable(toFloat64(clicks)) AS numerator, toNullable(toFloat64(impressions)) AS denominator, toNullable(toFloat64(impressions)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, campaign, source_channel, segment, category, sum(src.clicks) AS clicks, sum(src.impressions) AS impressions, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.recorded_at)), 60) * 60, 'UTC') AS bucket, f.campaign AS campaign, f.source_channel AS source_channel, f.segment AS segment, f.category AS category, if((1 AND isNotNull(f.impressions)), coalesce(f.clicks, 0), 0) AS clicks, if((1 AND isNotNull(f.clicks)), coalesce(f.impressions, 0), 0) AS impressions, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_campaign_cost AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.recorded_at)
) AS src
GROUP BY time, until, tenant, feed, campaign, source_channel, segment, category
HAVING clicks != 0 OR impressions != 0
)

-- The values of sentiment_share by minute, as the view kpi_sentiment_share gives them.
SELECT time, toDate(time) AS date, tenant, feed, account, network, mention, campaign, language, positive, negative, toned,
  (toNullable(toFloat64(positive)) / nullIf(toNullable(toFloat64(toned)), 0)) AS value,
  toNullable(toFloat64(positive)) AS numerator, toNullable(toFloat64(toned)) AS denominator, toNullable(toFloat64(toned)) AS count,
  (toNullable(toFloat64(negative)) / nullIf(toNullable(toFloat64(toned)), 0)) AS negative_share,
  ((toNullable(toFloat64(positive)) - toNullable(toFloat64(negative))) / nullIf(toNullable(toFloat64(toned)), 0)) AS net,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, account, network, mention, campaign, language, sum(src.positive) AS positive, sum(src.negative) AS negative, sum(src.toned) AS toned, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.account AS account, p.network AS network, p.mention AS mention, p.campaign AS campaign, p.language AS language, p.count__sentiment_positive__at_received_at AS positive, p.count__sentiment_negative__at_received_at AS negative, p.count__sentiment_negative_or_neutral_or_positive__at_received_at AS toned, toInt64(0) AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_social_mention AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, account, network, mention, campaign, language
HAVING positive != 0 OR negative != 0 OR toned != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, account, network, mention, campaign, language, positive, negative, toned,
  (toNullable(toFloat64(positive)) / nullIf(toNullable(toFloat64(toned)), 0)) AS value,
  toNullable(toFloat64(positive)) AS numerator, toNullable(toFloat64(toned)) AS denominator, toNullable(toFloat64(toned)) AS count,
  (toNullable(toFloat64(negative)) / nullIf(toNullable(toFloat64(toned)), 0)) AS negative_share,
  ((toNullable(toFloat64(positive)) - toNullable(toFloat64(negative))) / nullIf(toNullable(toFloat64(toned)), 0)) AS net,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, account, network, mention, campaign, language, sum(src.positive) AS positive, sum(src.negative) AS negative, sum(src.toned) AS toned, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.received_at)), 60) * 60, 'UTC') AS bucket, f.account AS account, f.network AS network, f.mention AS mention, f.campaign AS campaign, f.language AS language, toInt64((1 AND f.sentiment IN ('positive'))) AS positive, toInt64((1 AND f.sentiment IN ('negative'))) AS negative, toInt64((1 AND f.sentiment IN ('negative', 'neutral', 'positive'))) AS toned, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_social_mention AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.received_at)
) AS src
GROUP BY time, until, tenant, feed, account, network, mention, campaign, language
HAVING positive != 0 OR negative != 0 OR toned != 0
)

-- The values of web_sessions by minute, as the view kpi_web_sessions gives them.
SELECT time, toDate(time) AS date, tenant, feed, source_channel, campaign, country, language, sessions, bounced, successful,
  toNullable(toFloat64(sessions)) AS value,
  CAST(NULL, 'Nullable(Float64)') AS numerator, CAST(NULL, 'Nullable(Float64)') AS denominator, toNullable(toFloat64(sessions)) AS count,
  (toNullable(toFloat64(bounced)) / nullIf(toNullable(toFloat64(sessions)), 0)) AS bounce_share,
  (toNullable(toFloat64(successful)) / nullIf(toNullable(toFloat64(sessions)), 0)) AS goal_share,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, source_channel, campaign, country, language, sum(src.sessions) AS sessions, sum(src.bounced) AS bounced, sum(src.successful) AS successful, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.source_channel AS source_channel, p.campaign AS campaign, p.country AS country, p.language AS language, p.count__at_started_at AS sessions, p.count__pages_le_1__goals_le_0__at_started_at AS bounced, p.count__goals_ge_1__at_started_at AS successful, p.count__state_open__at_started_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_web_session AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, source_channel, campaign, country, language
HAVING sessions != 0 OR bounced != 0 OR successful != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, source_channel, campaign, country, language, sessions, bounced, successful,
  toNullable(toFloat64(sessions)) AS value,
  CAST(NULL, 'Nullable(Float64)') AS numerator, CAST(NULL, 'Nullable(Float64)') AS denominator, toNullable(toFloat64(sessions)) AS count,
  (toNullable(toFloat64(bounced)) / nullIf(toNullable(toFloat64(sessions)), 0)) AS bounce_share,
  (toNullable(toFloat64(successful)) / nullIf(toNullable(toFloat64(sessions)), 0)) AS goal_share,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, source_channel, campaign, country, language, sum(src.sessions) AS sessions, sum(src.bounced) AS bounced, sum(src.successful) AS successful, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.started_at)), 60) * 60, 'UTC') AS bucket, f.source_channel AS source_channel, f.campaign AS campaign, f.country AS country, f.language AS language, toInt64((1)) AS sessions, toInt64((1 AND coalesce(f.pages, 0) <= 1 AND isNotNull(f.pages) AND coalesce(f.goals, 0) <= 0 AND isNotNull(f.goals))) AS bounced, toInt64((1 AND coalesce(f.goals, 0) >= 1 AND isNotNull(f.goals))) AS successful, toInt64((1 AND f.state IN ('open'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_web_session AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.started_at)
) AS src
GROUP BY time, until, tenant, feed, source_channel, campaign, country, language
HAVING sessions != 0 OR bounced != 0 OR successful != 0
)

-- The values of lead_conversion by minute, as the view kpi_lead_conversion gives them.
SELECT time, toDate(time) AS date, tenant, feed, source_channel, campaign, segment, country, team, agent, leads, converted,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 2592000000), NULL, (toNullable(toFloat64(converted)) / nullIf(toNullable(toFloat64(leads)), 0))) AS value,
  toNullable(toFloat64(converted)) AS numerator, toNullable(toFloat64(leads)) AS denominator, toNullable(toFloat64(leads)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, source_channel, campaign, segment, country, team, agent, sum(src.leads) AS leads, sum(src.converted) AS converted, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.source_channel AS source_channel, p.campaign AS campaign, p.segment AS segment, p.country AS country, p.team AS team, p.agent AS agent, p.count__at_created_at AS leads, p.count__time_to_convert_le_2592000000__at_created_at AS converted, p.count__status_new_or_assigned_or_contacted_or_working_or_qualified__at_created_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_lead AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, source_channel, campaign, segment, country, team, agent
HAVING leads != 0 OR converted != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, source_channel, campaign, segment, country, team, agent, leads, converted,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 2592000000), NULL, (toNullable(toFloat64(converted)) / nullIf(toNullable(toFloat64(leads)), 0))) AS value,
  toNullable(toFloat64(converted)) AS numerator, toNullable(toFloat64(leads)) AS denominator, toNullable(toFloat64(leads)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, source_channel, campaign, segment, country, team, agent, sum(src.leads) AS leads, sum(src.converted) AS converted, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.created_at)), 60) * 60, 'UTC') AS bucket, f.source_channel AS source_channel, f.campaign AS campaign, f.segment AS segment, f.country AS country, f.team AS team, f.agent AS agent, toInt64((1)) AS leads, toInt64((1 AND coalesce(f.time_to_convert, 0) <= 2592000000 AND isNotNull(f.time_to_convert))) AS converted, toInt64((1 AND f.status IN ('new', 'assigned', 'contacted', 'working', 'qualified'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_lead AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.created_at)
) AS src
GROUP BY time, until, tenant, feed, source_channel, campaign, segment, country, team, agent
HAVING leads != 0 OR converted != 0
)

-- The values of fcr_provisional by minute, as the view kpi_fcr_provisional gives them.
SELECT time, toDate(time) AS date, tenant, feed, segment, stage, channel, queue, contacts, repeated, decided,
  ((toNullable(toFloat64(contacts)) - toNullable(toFloat64(repeated))) / nullIf(toNullable(toFloat64(contacts)), 0)) AS value,
  (toNullable(toFloat64(contacts)) - toNullable(toFloat64(repeated))) AS numerator, toNullable(toFloat64(contacts)) AS denominator, toNullable(toFloat64(contacts)) AS count,
  (toNullable(toFloat64(decided)) / nullIf(toNullable(toFloat64(contacts)), 0)) AS mature,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, segment, stage, channel, queue, sum(src.contacts) AS contacts, sum(src.repeated) AS repeated, sum(src.decided) AS decided, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.segment AS segment, p.stage AS stage, p.channel AS channel, p.queue AS queue, p.count__at_contacted_at AS contacts, p.count__until_next_le_604800000__at_contacted_at AS repeated, p.count__state_closed__at_contacted_at AS decided, p.count__state_open__at_contacted_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_customer_contact AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, segment, stage, channel, queue
HAVING contacts != 0 OR repeated != 0 OR decided != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, segment, stage, channel, queue, contacts, repeated, decided,
  ((toNullable(toFloat64(contacts)) - toNullable(toFloat64(repeated))) / nullIf(toNullable(toFloat64(contacts)), 0)) AS value,
  (toNullable(toFloat64(contacts)) - toNullable(toFloat64(repeated))) AS numerator, toNullable(toFloat64(contacts)) AS denominator, toNullable(toFloat64(contacts)) AS count,
  (toNullable(toFloat64(decided)) / nullIf(toNullable(toFloat64(contacts)), 0)) AS mature,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, segment, stage, channel, queue, sum(src.contacts) AS contacts, sum(src.repeated) AS repeated, sum(src.decided) AS decided, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.contacted_at)), 60) * 60, 'UTC') AS bucket, f.segment AS segment, f.stage AS stage, f.channel AS channel, f.queue AS queue, toInt64((1)) AS contacts, toInt64((1 AND coalesce(f.until_next, 0) <= 604800000 AND isNotNull(f.until_next))) AS repeated, toInt64((1 AND f.state IN ('closed'))) AS decided, toInt64((1 AND f.state IN ('open'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_customer_contact AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.contacted_at)
) AS src
GROUP BY time, until, tenant, feed, segment, stage, channel, queue
HAVING contacts != 0 OR repeated != 0 OR decided != 0
)

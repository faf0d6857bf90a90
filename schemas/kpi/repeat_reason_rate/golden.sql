-- The values of repeat_reason_rate by minute, as the view kpi_repeat_reason_rate gives them.
SELECT time, toDate(time) AS date, tenant, feed, channel, team, again, all,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 604800000), NULL, (toNullable(toFloat64(again)) / nullIf(toNullable(toFloat64(all)), 0))) AS value,
  toNullable(toFloat64(again)) AS numerator, toNullable(toFloat64(all)) AS denominator, toNullable(toFloat64(all)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, channel, team, sum(src.again) AS again, sum(src.all) AS all, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.channel AS channel, p.team AS team, toInt64(0) AS again, p.count__type_not___customer_not___outcome_not_deleted_or_spam__at_started_at AS all, p.count__state_open__at_started_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_conversation AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.channel AS channel, w.team AS team, toInt64(w.n) AS again, toInt64(0) AS all, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.channel AS channel, src.team AS team, src.bucket AS bucket, toInt64(src.next >= src.at AND dateDiff('millisecond', src.at, src.next) <= 604800000) AS n, src.as_of AS as_of, src.closed AS closed FROM (
SELECT *, leadInFrame(at) OVER (PARTITION BY tenant, feed, key ORDER BY at, id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.started_at)), 60) * 60, 'UTC') AS bucket, f.channel AS channel, f.team AS team, concat(if(i.root != '', i.root, toString(f.customer)), '\0', toString(f.type)) AS key, assumeNotNull(f.started_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_conversation AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.started_at) AND (1 AND f.type NOT IN ('') AND f.customer NOT IN ('') AND f.outcome NOT IN ('deleted', 'spam')) AND toString(f.customer) != '' AND toString(f.type) != ''
)
) AS src
) AS w
) AS src
GROUP BY time, until, tenant, feed, channel, team
HAVING again != 0 OR all != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, channel, team, again, all,
  if(as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 604800000), NULL, (toNullable(toFloat64(again)) / nullIf(toNullable(toFloat64(all)), 0))) AS value,
  toNullable(toFloat64(again)) AS numerator, toNullable(toFloat64(all)) AS denominator, toNullable(toFloat64(all)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, channel, team, sum(src.again) AS again, sum(src.all) AS all, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.channel AS channel, w.team AS team, toInt64(w.n) AS again, toInt64(0) AS all, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.channel AS channel, src.team AS team, src.bucket AS bucket, toInt64(arrayExists(o -> o > (toUnixTimestamp64Milli(src.at), src.id) AND o.1 - toUnixTimestamp64Milli(src.at) <= 604800000, b.ones)) AS n, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.started_at)), 60) * 60, 'UTC') AS bucket, f.channel AS channel, f.team AS team, concat(if(i.root != '', i.root, toString(f.customer)), '\0', toString(f.type)) AS key, assumeNotNull(f.started_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_conversation AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.started_at) AND (1 AND f.type NOT IN ('') AND f.customer NOT IN ('') AND f.outcome NOT IN ('deleted', 'spam')) AND toString(f.customer) != '' AND toString(f.type) != ''
) AS src INNER JOIN (
SELECT tenant, feed, key, groupArray((toUnixTimestamp64Milli(at), id)) AS ones FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.started_at)), 60) * 60, 'UTC') AS bucket, f.channel AS channel, f.team AS team, concat(if(i.root != '', i.root, toString(f.customer)), '\0', toString(f.type)) AS key, assumeNotNull(f.started_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_conversation AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
LEFT JOIN nabz_internal.identities_customer AS i ON i.tenant = f.tenant AND i.feed = f.feed AND i.entity = toString(f.customer)
WHERE f.deleted = 0 AND isNotNull(f.started_at) AND (1 AND f.type NOT IN ('') AND f.customer NOT IN ('') AND f.outcome NOT IN ('deleted', 'spam')) AND toString(f.customer) != '' AND toString(f.type) != ''
) GROUP BY tenant, feed, key
) AS b ON b.tenant = src.tenant AND b.feed = src.feed AND b.key = src.key
) AS w
UNION ALL
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.started_at)), 60) * 60, 'UTC') AS bucket, f.channel AS channel, f.team AS team, toInt64(0) AS again, toInt64((1 AND f.type NOT IN ('') AND f.customer NOT IN ('') AND f.outcome NOT IN ('deleted', 'spam'))) AS all, toInt64((1 AND f.state IN ('open'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_conversation AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.started_at)
) AS src
GROUP BY time, until, tenant, feed, channel, team
HAVING again != 0 OR all != 0
)

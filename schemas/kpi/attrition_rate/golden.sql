-- The values of attrition_rate by minute, as the view kpi_attrition_rate gives them.
SELECT time, toDate(time) AS date, tenant, feed, department, role, team, location, left, willing, staffed,
  ((toNullable(toFloat64(left)) * toFloat64(3.1536e+10)) / nullIf(toNullable(toFloat64(staffed)), 0)) AS value,
  (toNullable(toFloat64(left)) * toFloat64(3.1536e+10)) AS numerator, toNullable(toFloat64(staffed)) AS denominator, CAST(NULL, 'Nullable(Float64)') AS count,
  ((toNullable(toFloat64(willing)) * toFloat64(3.1536e+10)) / nullIf(toNullable(toFloat64(staffed)), 0)) AS of_own_will,
  ((toNullable(toFloat64(left)) * nullIf(toFloat64(greatest(0, dateDiff('millisecond', toDateTime64(time, 3, 'UTC'), least(toDateTime64(until, 3, 'UTC'), as_of)))), 0)) / nullIf(toNullable(toFloat64(staffed)), 0)) AS in_the_interval,
  (toNullable(toFloat64(staffed)) / nullIf(nullIf(toFloat64(greatest(0, dateDiff('millisecond', toDateTime64(time, 3, 'UTC'), least(toDateTime64(until, 3, 'UTC'), as_of)))), 0), 0)) AS headcount,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, department, role, team, location, sum(src.left) AS left, sum(src.willing) AS willing, sum(src.staffed) AS staffed, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.department AS department, p.role AS role, p.team AS team, p.location AS location, p.count__status_left__at_left_at AS left, p.count__status_left__voluntary_ge_1__at_left_at AS willing, toInt64(0) AS staffed, p.count__status_employed__at_left_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_employee AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.department AS department, w.role AS role, w.team AS team, w.location AS location, toInt64(0) AS left, toInt64(0) AS willing, toInt64(w.n) AS staffed, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, toDateTime(intDiv(slot, 1000), 'UTC') AS bucket, department, role, team, location, greatest(0, least(ended, slot + 60000) - greatest(begun, slot)) AS n, as_of, closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, f.department AS department, f.role AS role, f.team AS team, f.location AS location, toUnixTimestamp64Milli(assumeNotNull(f.hired_at)) + 0 AS begun, toUnixTimestamp64Milli(least(s.as_of, ifNull(f.left_at, s.as_of))) AS ended, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_employee AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0 AND isNotNull(f.hired_at) AND (1) AND f.status != 'lost'
) ARRAY JOIN range(intDiv(begun, 60000) * 60000, greatest(begun, ended) + 1, 60000) AS slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, department, role, team, location
HAVING left != 0 OR willing != 0 OR staffed != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, department, role, team, location, left, willing, staffed,
  ((toNullable(toFloat64(left)) * toFloat64(3.1536e+10)) / nullIf(toNullable(toFloat64(staffed)), 0)) AS value,
  (toNullable(toFloat64(left)) * toFloat64(3.1536e+10)) AS numerator, toNullable(toFloat64(staffed)) AS denominator, CAST(NULL, 'Nullable(Float64)') AS count,
  ((toNullable(toFloat64(willing)) * toFloat64(3.1536e+10)) / nullIf(toNullable(toFloat64(staffed)), 0)) AS of_own_will,
  ((toNullable(toFloat64(left)) * nullIf(toFloat64(greatest(0, dateDiff('millisecond', toDateTime64(time, 3, 'UTC'), least(toDateTime64(until, 3, 'UTC'), as_of)))), 0)) / nullIf(toNullable(toFloat64(staffed)), 0)) AS in_the_interval,
  (toNullable(toFloat64(staffed)) / nullIf(nullIf(toFloat64(greatest(0, dateDiff('millisecond', toDateTime64(time, 3, 'UTC'), least(toDateTime64(until, 3, 'UTC'), as_of)))), 0), 0)) AS headcount,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, department, role, team, location, sum(src.left) AS left, sum(src.willing) AS willing, sum(src.staffed) AS staffed, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.department AS department, w.role AS role, w.team AS team, w.location AS location, toInt64(0) AS left, toInt64(0) AS willing, toInt64(w.n) AS staffed, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, toDateTime(intDiv(slot, 1000), 'UTC') AS bucket, department, role, team, location, greatest(0, least(ended, slot + 60000) - greatest(begun, slot)) AS n, as_of, closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, f.department AS department, f.role AS role, f.team AS team, f.location AS location, toUnixTimestamp64Milli(assumeNotNull(f.hired_at)) + 0 AS begun, toUnixTimestamp64Milli(least(s.as_of, ifNull(f.left_at, s.as_of))) AS ended, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_employee AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0 AND isNotNull(f.hired_at) AND (1) AND f.status != 'lost'
) ARRAY JOIN arrayMap(n -> n * 60000, range(intDiv(begun, 60000), intDiv(greatest(begun, ended), 60000) + 1)) AS slot
) AS w
UNION ALL
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.left_at)), 60) * 60, 'UTC') AS bucket, f.department AS department, f.role AS role, f.team AS team, f.location AS location, toInt64((1 AND f.status IN ('left'))) AS left, toInt64((1 AND f.status IN ('left') AND coalesce(f.voluntary, 0) >= 1 AND isNotNull(f.voluntary))) AS willing, toInt64(0) AS staffed, toInt64((1 AND f.status IN ('employed'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_employee AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.left_at)
) AS src
GROUP BY time, until, tenant, feed, department, role, team, location
HAVING left != 0 OR willing != 0 OR staffed != 0
)

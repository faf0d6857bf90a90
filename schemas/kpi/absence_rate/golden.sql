-- The values of absence_rate by minute, as the view kpi_absence_rate gives them.
SELECT time, toDate(time) AS date, tenant, feed, department, role, team, location, planned, absent,
  (toNullable(toFloat64(absent)) / nullIf(toNullable(toFloat64(planned)), 0)) AS value,
  toNullable(toFloat64(absent)) AS numerator, toNullable(toFloat64(planned)) AS denominator, CAST(NULL, 'Nullable(Float64)') AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, department, role, team, location, sum(src.planned) AS planned, sum(src.absent) AS absent, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.department AS department, p.role AS role, p.team AS team, p.location AS location, p.sum_planned__at_starts_at AS planned, toInt64(0) AS absent, toInt64(0) AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_employee_shift AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
UNION ALL
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.department AS department, p.role AS role, p.team AS team, p.location AS location, toInt64(0) AS planned, p.sum_absent__at_starts_at AS absent, toInt64(0) AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_employee_absence AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, department, role, team, location
HAVING planned != 0 OR absent != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, department, role, team, location, planned, absent,
  (toNullable(toFloat64(absent)) / nullIf(toNullable(toFloat64(planned)), 0)) AS value,
  toNullable(toFloat64(absent)) AS numerator, toNullable(toFloat64(planned)) AS denominator, CAST(NULL, 'Nullable(Float64)') AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, department, role, team, location, sum(src.planned) AS planned, sum(src.absent) AS absent, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.starts_at)), 60) * 60, 'UTC') AS bucket, f.department AS department, f.role AS role, f.team AS team, f.location AS location, if((1), coalesce(f.planned, 0), 0) AS planned, toInt64(0) AS absent, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_employee_shift AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.starts_at)
UNION ALL
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.starts_at)), 60) * 60, 'UTC') AS bucket, f.department AS department, f.role AS role, f.team AS team, f.location AS location, toInt64(0) AS planned, if((1), coalesce(f.absent, 0), 0) AS absent, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_employee_absence AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.starts_at)
) AS src
GROUP BY time, until, tenant, feed, department, role, team, location
HAVING planned != 0 OR absent != 0
)

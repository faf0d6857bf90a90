-- The values of headcount by minute, as the view kpi_headcount gives them.
SELECT time, toDate(time) AS date, tenant, feed, department, role, team, location, staff,
  toNullable(toFloat64(staff)) AS value,
  CAST(NULL, 'Nullable(Float64)') AS numerator, CAST(NULL, 'Nullable(Float64)') AS denominator, toNullable(toFloat64(staff)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, department, role, team, location, sum(src.staff) AS staff, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.department AS department, w.role AS role, w.team AS team, w.location AS location, toInt64(w.n) AS staff, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, department, role, team, location, slot AS bucket, count() AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, src.department AS department, src.role AS role, src.team AS team, src.location AS location, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, max(src.bucket) AS newest, count() AS times, argMax(src.fits, (src.at, src.id)) AS fits, argMax(src.amount, (src.at, src.id)) AS latest, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.starts_at)), 60) * 60, 'UTC') AS bucket, f.department AS department, f.role AS role, f.team AS team, f.location AS location, concat(toString(f.employee)) AS key, assumeNotNull(f.starts_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_employee_shift AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0 AND isNotNull(f.starts_at) AND (1) AND toString(f.employee) != ''
) AS src
GROUP BY tenant, feed, department, role, team, location, key, slot
) WHERE times >= 1 AND fits = 1 GROUP BY tenant, feed, department, role, team, location, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, department, role, team, location
HAVING staff != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, department, role, team, location, staff,
  toNullable(toFloat64(staff)) AS value,
  CAST(NULL, 'Nullable(Float64)') AS numerator, CAST(NULL, 'Nullable(Float64)') AS denominator, toNullable(toFloat64(staff)) AS count,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, department, role, team, location, sum(src.staff) AS staff, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.department AS department, w.role AS role, w.team AS team, w.location AS location, toInt64(w.n) AS staff, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, department, role, team, location, slot AS bucket, countIf(nth = 1 AND times >= 1 AND fits = 1) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.department AS department, src.role AS role, src.team AS team, src.location AS location, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, src.fits AS fits, src.amount AS amount, row_number() OVER (PARTITION BY src.tenant, src.feed, src.department, src.role, src.team, src.location, src.key, slot ORDER BY src.at DESC, src.id DESC) AS nth, count() OVER (PARTITION BY src.tenant, src.feed, src.department, src.role, src.team, src.location, src.key, slot) AS times, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.starts_at)), 60) * 60, 'UTC') AS bucket, f.department AS department, f.role AS role, f.team AS team, f.location AS location, concat(toString(f.employee)) AS key, assumeNotNull(f.starts_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_employee_shift AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0 AND isNotNull(f.starts_at) AND (1) AND toString(f.employee) != ''
) AS src
) GROUP BY tenant, feed, department, role, team, location, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, department, role, team, location
HAVING staff != 0
)

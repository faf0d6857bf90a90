-- The values of lifecycle_funnel by minute, as the view kpi_lifecycle_funnel gives them.
SELECT time, toDate(time) AS date, tenant, feed, stage, from_stage, next_stage, segment, entered, moved, developed, acquired, retained, in_development,
  (toNullable(toFloat64(moved)) / nullIf(toNullable(toFloat64(entered)), 0)) AS value,
  toNullable(toFloat64(moved)) AS numerator, toNullable(toFloat64(entered)) AS denominator, toNullable(toFloat64(entered)) AS count,
  (toNullable(toFloat64(developed)) / nullIf(toNullable(toFloat64(acquired)), 0)) AS acquisition_to_development,
  (toNullable(toFloat64(retained)) / nullIf(toNullable(toFloat64(in_development)), 0)) AS development_to_retention,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, stage, from_stage, next_stage, segment, sum(src.entered) AS entered, sum(src.moved) AS moved, sum(src.developed) AS developed, sum(src.acquired) AS acquired, sum(src.retained) AS retained, sum(src.in_development) AS in_development, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.stage AS stage, p.from_stage AS from_stage, p.next_stage AS next_stage, p.segment AS segment, p.count__at_entered_at AS entered, p.count__duration_known__at_entered_at AS moved, p.count__stage_acquisition__next_stage_development__at_entered_at AS developed, p.count__stage_acquisition__at_entered_at AS acquired, p.count__stage_development__next_stage_retention__at_entered_at AS retained, p.count__stage_development__at_entered_at AS in_development, p.count__state_open__at_entered_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_customer_stage AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, stage, from_stage, next_stage, segment
HAVING entered != 0 OR moved != 0 OR developed != 0 OR acquired != 0 OR retained != 0 OR in_development != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, stage, from_stage, next_stage, segment, entered, moved, developed, acquired, retained, in_development,
  (toNullable(toFloat64(moved)) / nullIf(toNullable(toFloat64(entered)), 0)) AS value,
  toNullable(toFloat64(moved)) AS numerator, toNullable(toFloat64(entered)) AS denominator, toNullable(toFloat64(entered)) AS count,
  (toNullable(toFloat64(developed)) / nullIf(toNullable(toFloat64(acquired)), 0)) AS acquisition_to_development,
  (toNullable(toFloat64(retained)) / nullIf(toNullable(toFloat64(in_development)), 0)) AS development_to_retention,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, stage, from_stage, next_stage, segment, sum(src.entered) AS entered, sum(src.moved) AS moved, sum(src.developed) AS developed, sum(src.acquired) AS acquired, sum(src.retained) AS retained, sum(src.in_development) AS in_development, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.entered_at)), 60) * 60, 'UTC') AS bucket, f.stage AS stage, f.from_stage AS from_stage, f.next_stage AS next_stage, f.segment AS segment, toInt64((1)) AS entered, toInt64((1 AND isNotNull(f.duration))) AS moved, toInt64((1 AND f.stage IN ('acquisition') AND f.next_stage IN ('development'))) AS developed, toInt64((1 AND f.stage IN ('acquisition'))) AS acquired, toInt64((1 AND f.stage IN ('development') AND f.next_stage IN ('retention'))) AS retained, toInt64((1 AND f.stage IN ('development'))) AS in_development, toInt64((1 AND f.state IN ('open'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_customer_stage AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.entered_at)
) AS src
GROUP BY time, until, tenant, feed, stage, from_stage, next_stage, segment
HAVING entered != 0 OR moved != 0 OR developed != 0 OR acquired != 0 OR retained != 0 OR in_development != 0
)

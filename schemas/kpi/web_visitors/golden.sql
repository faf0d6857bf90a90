-- The values of web_visitors by minute, as the view kpi_web_visitors gives them.
SELECT time, toDate(time) AS date, tenant, feed, source_channel, campaign, country, language, visitors, fresh,
  toNullable(toFloat64(visitors)) AS value,
  CAST(NULL, 'Nullable(Float64)') AS numerator, CAST(NULL, 'Nullable(Float64)') AS denominator, toNullable(toFloat64(visitors)) AS count,
  toNullable(toFloat64(fresh)) AS first_time,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, source_channel, campaign, country, language, sum(src.visitors) AS visitors, sum(src.fresh) AS fresh, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.source_channel AS source_channel, w.campaign AS campaign, w.country AS country, w.language AS language, toInt64(w.n) AS visitors, toInt64(0) AS fresh, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, source_channel, campaign, country, language, slot AS bucket, count() AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, src.source_channel AS source_channel, src.campaign AS campaign, src.country AS country, src.language AS language, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, max(src.bucket) AS newest, count() AS times, argMax(src.fits, (src.at, src.id)) AS fits, argMax(src.amount, (src.at, src.id)) AS latest, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.started_at)), 60) * 60, 'UTC') AS bucket, f.source_channel AS source_channel, f.campaign AS campaign, f.country AS country, f.language AS language, concat(toString(f.visitor)) AS key, assumeNotNull(f.started_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_web_session AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0 AND isNotNull(f.started_at) AND (1) AND toString(f.visitor) != ''
) AS src
GROUP BY tenant, feed, source_channel, campaign, country, language, key, slot
) WHERE times >= 1 AND fits = 1 GROUP BY tenant, feed, source_channel, campaign, country, language, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.source_channel AS source_channel, w.campaign AS campaign, w.country AS country, w.language AS language, toInt64(0) AS visitors, toInt64(w.n) AS fresh, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, source_channel, campaign, country, language, slot AS bucket, countIf(here AND slot = debut) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT tenant, feed, source_channel, campaign, country, language, key, if(_turn = 1, a.ending, a.beginning) AS slot, max(_turn = 0) AS here, max(_turn = 1) AS was, min(slot) OVER (PARTITION BY tenant, feed, source_channel, campaign, country, language, key) AS debut, any(a.as_of) AS as_of, any(a.closed) AS closed FROM (
SELECT tenant, feed, src.source_channel AS source_channel, src.campaign AS campaign, src.country AS country, src.language AS language, key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, any(src.as_of) AS as_of, any(src.closed) AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.started_at)), 60) * 60, 'UTC') AS bucket, f.source_channel AS source_channel, f.campaign AS campaign, f.country AS country, f.language AS language, concat(toString(f.visitor)) AS key, assumeNotNull(f.started_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_web_session AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0 AND isNotNull(f.started_at) AND (1) AND toString(f.visitor) != ''
) AS src
GROUP BY tenant, feed, source_channel, campaign, country, language, key, beginning, ending
) AS a ARRAY JOIN [0, 1] AS _turn
WHERE _turn = 0 OR a.ending <= a.as_of
GROUP BY tenant, feed, source_channel, campaign, country, language, key, slot
) GROUP BY tenant, feed, source_channel, campaign, country, language, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, source_channel, campaign, country, language
HAVING visitors != 0 OR fresh != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, source_channel, campaign, country, language, visitors, fresh,
  toNullable(toFloat64(visitors)) AS value,
  CAST(NULL, 'Nullable(Float64)') AS numerator, CAST(NULL, 'Nullable(Float64)') AS denominator, toNullable(toFloat64(visitors)) AS count,
  toNullable(toFloat64(fresh)) AS first_time,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, source_channel, campaign, country, language, sum(src.visitors) AS visitors, sum(src.fresh) AS fresh, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.source_channel AS source_channel, w.campaign AS campaign, w.country AS country, w.language AS language, toInt64(w.n) AS visitors, toInt64(0) AS fresh, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, source_channel, campaign, country, language, slot AS bucket, countIf(nth = 1 AND times >= 1 AND fits = 1) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT src.tenant AS tenant, src.feed AS feed, src.source_channel AS source_channel, src.campaign AS campaign, src.country AS country, src.language AS language, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS slot, src.fits AS fits, src.amount AS amount, row_number() OVER (PARTITION BY src.tenant, src.feed, src.source_channel, src.campaign, src.country, src.language, src.key, slot ORDER BY src.at DESC, src.id DESC) AS nth, count() OVER (PARTITION BY src.tenant, src.feed, src.source_channel, src.campaign, src.country, src.language, src.key, slot) AS times, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.started_at)), 60) * 60, 'UTC') AS bucket, f.source_channel AS source_channel, f.campaign AS campaign, f.country AS country, f.language AS language, concat(toString(f.visitor)) AS key, assumeNotNull(f.started_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_web_session AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0 AND isNotNull(f.started_at) AND (1) AND toString(f.visitor) != ''
) AS src
) GROUP BY tenant, feed, source_channel, campaign, country, language, slot
) AS w
UNION ALL
SELECT w.tenant AS tenant, w.feed AS feed, w.bucket AS bucket, w.source_channel AS source_channel, w.campaign AS campaign, w.country AS country, w.language AS language, toInt64(0) AS visitors, toInt64(w.n) AS fresh, toInt64(0) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, w.as_of AS as_of, w.closed AS closed
FROM (
SELECT tenant, feed, source_channel, campaign, country, language, slot AS bucket, countIf((tenant, feed, source_channel, campaign, country, language, key, slot) IN (SELECT tenant, feed, source_channel, campaign, country, language, key, min(beginning) FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.source_channel AS source_channel, src.campaign AS campaign, src.country AS country, src.language AS language, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.started_at)), 60) * 60, 'UTC') AS bucket, f.source_channel AS source_channel, f.campaign AS campaign, f.country AS country, f.language AS language, concat(toString(f.visitor)) AS key, assumeNotNull(f.started_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_web_session AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0 AND isNotNull(f.started_at) AND (1) AND toString(f.visitor) != ''
) AS src
) GROUP BY tenant, feed, source_channel, campaign, country, language, key)) AS n, any(as_of) AS as_of, any(closed) AS closed FROM (
SELECT DISTINCT tenant, feed, source_channel, campaign, country, language, key, arrayJoin(if(ending <= as_of, [beginning, ending], [beginning])) AS slot, as_of, closed FROM (
SELECT DISTINCT src.tenant AS tenant, src.feed AS feed, src.source_channel AS source_channel, src.campaign AS campaign, src.country AS country, src.language AS language, src.key AS key, toTimeZone(toTimeZone(src.bucket, 'UTC'), 'UTC') AS beginning, toTimeZone(addSeconds(toTimeZone(src.bucket, 'UTC'), 60), 'UTC') AS ending, src.as_of AS as_of, src.closed AS closed FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.started_at)), 60) * 60, 'UTC') AS bucket, f.source_channel AS source_channel, f.campaign AS campaign, f.country AS country, f.language AS language, concat(toString(f.visitor)) AS key, assumeNotNull(f.started_at) AS at, f.id AS id, toUInt8((1)) AS fits, assumeNotNull(toInt64(0)) AS amount, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.fact_web_session AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0 AND isNotNull(f.started_at) AND (1) AND toString(f.visitor) != ''
) AS src
)
) GROUP BY tenant, feed, source_channel, campaign, country, language, slot
) AS w
) AS src
GROUP BY time, until, tenant, feed, source_channel, campaign, country, language
HAVING visitors != 0 OR fresh != 0
)

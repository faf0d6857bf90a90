-- The values of service_level by minute, as the view kpi_service_level gives them.
SELECT time, toDate(time) AS date, tenant, feed, queue, channel, offered, answered, answered_in, answered_below, abandoned, abandoned_in, abandoned_above, abandoned_short, callback_in, flow_outs, breakouts,
  (toNullable(toFloat64(answered_in)) / nullIf(toNullable(toFloat64(offered)), 0)) AS value,
  toNullable(toFloat64(answered_in)) AS numerator, toNullable(toFloat64(offered)) AS denominator, toNullable(toFloat64(offered)) AS count,
  (((toNullable(toFloat64(answered_in)) + toNullable(toFloat64(abandoned_in))) + toNullable(toFloat64(callback_in))) / nullIf(toNullable(toFloat64(offered)), 0)) AS amazon_connect,
  (toNullable(toFloat64(answered_in)) / nullIf(toNullable(toFloat64(offered)), 0)) AS amazon_connect_answered,
  (toNullable(toFloat64(answered_in)) / nullIf(((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))) - toNullable(toFloat64(abandoned_short))), 0)) AS genesys,
  (toNullable(toFloat64(answered_in)) / nullIf((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))), 0)) AS genesys_short_abandons,
  (toNullable(toFloat64(answered_in)) / nullIf((((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))) - toNullable(toFloat64(abandoned_short))) + toNullable(toFloat64(flow_outs))), 0)) AS genesys_flow_outs,
  (toNullable(toFloat64(answered_in)) / nullIf(((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))) + toNullable(toFloat64(flow_outs))), 0)) AS genesys_all,
  (toNullable(toFloat64(answered_in)) / nullIf(toNullable(toFloat64(answered)), 0)) AS genesys_no_abandons,
  (toNullable(toFloat64(answered_in)) / nullIf(((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))) + toNullable(toFloat64(breakouts))), 0)) AS vonage,
  (toNullable(toFloat64(answered_in)) / nullIf((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))), 0)) AS vonage_no_breakouts,
  (toNullable(toFloat64(answered_in)) / nullIf((((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))) - toNullable(toFloat64(abandoned_short))) + toNullable(toFloat64(breakouts))), 0)) AS vonage_short_abandons_off,
  (toNullable(toFloat64(answered_below)) / nullIf((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned_above))), 0)) AS xcally,
  (toNullable(toFloat64(answered_in)) / nullIf(toNullable(toFloat64(answered)), 0)) AS asterisk_sl,
  ((toNullable(toFloat64(answered_in)) + toNullable(toFloat64(abandoned_in))) / nullIf((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))), 0)) AS asterisk_sl2,
  (toNullable(toFloat64(answered_in)) / nullIf(toNullable(toFloat64(answered)), 0)) AS answered_qos,
  (toNullable(toFloat64(answered_in)) / nullIf(((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))) - toNullable(toFloat64(abandoned_short))), 0)) AS ringcentral,
  (toNullable(toFloat64(answered_in)) / nullIf(toNullable(toFloat64(answered)), 0)) AS ringcentral_answered,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, queue, channel, sum(src.offered) AS offered, sum(src.answered) AS answered, sum(src.answered_in) AS answered_in, sum(src.answered_below) AS answered_below, sum(src.abandoned) AS abandoned, sum(src.abandoned_in) AS abandoned_in, sum(src.abandoned_above) AS abandoned_above, sum(src.abandoned_short) AS abandoned_short, sum(src.callback_in) AS callback_in, sum(src.flow_outs) AS flow_outs, sum(src.breakouts) AS breakouts, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT p.tenant AS tenant, p.feed AS feed, p.bucket AS bucket, p.queue AS queue, p.channel AS channel, p.count__outcome_not_closed_or_full_or_join_empty__at_enqueued_at AS offered, p.count__outcome_answered__at_enqueued_at AS answered, p.count__outcome_answered__wait_le_20000__at_enqueued_at AS answered_in, p.count__outcome_answered__wait_lt_20000__at_enqueued_at AS answered_below, p.count__outcome_abandoned__at_enqueued_at AS abandoned, p.count__outcome_abandoned__wait_le_20000__at_enqueued_at AS abandoned_in, p.count__outcome_abandoned__wait_gt_20000__at_enqueued_at AS abandoned_above, p.count__outcome_abandoned__wait_le_5000__at_enqueued_at AS abandoned_short, p.count__outcome_callback__wait_le_20000__at_enqueued_at AS callback_in, p.count__outcome_flow_out__at_enqueued_at AS flow_outs, p.count__outcome_callback_or_exit_key__at_enqueued_at AS breakouts, p.count__outcome_waiting__at_enqueued_at AS open_facts, p.changed_at AS changed_at, s.as_of AS as_of, s.closed AS closed
FROM nabz_internal.pane_queue_segment AS p FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = p.feed AND s.generation = p.generation AND s.epoch = p.epoch AND s.tenant = if(p.feed = '', '', p.tenant)
WHERE p.grain = 60
) AS src
GROUP BY time, until, tenant, feed, queue, channel
HAVING offered != 0 OR answered != 0 OR answered_in != 0 OR answered_below != 0 OR abandoned != 0 OR abandoned_in != 0 OR abandoned_above != 0 OR abandoned_short != 0 OR callback_in != 0 OR flow_outs != 0 OR breakouts != 0
)

-- The same, counted naively over facts: what nabz verify holds them against.
SELECT time, toDate(time) AS date, tenant, feed, queue, channel, offered, answered, answered_in, answered_below, abandoned, abandoned_in, abandoned_above, abandoned_short, callback_in, flow_outs, breakouts,
  (toNullable(toFloat64(answered_in)) / nullIf(toNullable(toFloat64(offered)), 0)) AS value,
  toNullable(toFloat64(answered_in)) AS numerator, toNullable(toFloat64(offered)) AS denominator, toNullable(toFloat64(offered)) AS count,
  (((toNullable(toFloat64(answered_in)) + toNullable(toFloat64(abandoned_in))) + toNullable(toFloat64(callback_in))) / nullIf(toNullable(toFloat64(offered)), 0)) AS amazon_connect,
  (toNullable(toFloat64(answered_in)) / nullIf(toNullable(toFloat64(offered)), 0)) AS amazon_connect_answered,
  (toNullable(toFloat64(answered_in)) / nullIf(((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))) - toNullable(toFloat64(abandoned_short))), 0)) AS genesys,
  (toNullable(toFloat64(answered_in)) / nullIf((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))), 0)) AS genesys_short_abandons,
  (toNullable(toFloat64(answered_in)) / nullIf((((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))) - toNullable(toFloat64(abandoned_short))) + toNullable(toFloat64(flow_outs))), 0)) AS genesys_flow_outs,
  (toNullable(toFloat64(answered_in)) / nullIf(((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))) + toNullable(toFloat64(flow_outs))), 0)) AS genesys_all,
  (toNullable(toFloat64(answered_in)) / nullIf(toNullable(toFloat64(answered)), 0)) AS genesys_no_abandons,
  (toNullable(toFloat64(answered_in)) / nullIf(((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))) + toNullable(toFloat64(breakouts))), 0)) AS vonage,
  (toNullable(toFloat64(answered_in)) / nullIf((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))), 0)) AS vonage_no_breakouts,
  (toNullable(toFloat64(answered_in)) / nullIf((((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))) - toNullable(toFloat64(abandoned_short))) + toNullable(toFloat64(breakouts))), 0)) AS vonage_short_abandons_off,
  (toNullable(toFloat64(answered_below)) / nullIf((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned_above))), 0)) AS xcally,
  (toNullable(toFloat64(answered_in)) / nullIf(toNullable(toFloat64(answered)), 0)) AS asterisk_sl,
  ((toNullable(toFloat64(answered_in)) + toNullable(toFloat64(abandoned_in))) / nullIf((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))), 0)) AS asterisk_sl2,
  (toNullable(toFloat64(answered_in)) / nullIf(toNullable(toFloat64(answered)), 0)) AS answered_qos,
  (toNullable(toFloat64(answered_in)) / nullIf(((toNullable(toFloat64(answered)) + toNullable(toFloat64(abandoned))) - toNullable(toFloat64(abandoned_short))), 0)) AS ringcentral,
  (toNullable(toFloat64(answered_in)) / nullIf(toNullable(toFloat64(answered)), 0)) AS ringcentral_answered,
  as_of, multiIf(open_facts > 0 OR (NOT closed AND as_of < addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000)), 'open', changed_at >= addMilliseconds(toDateTime64(until, 3, 'UTC'), 600000), 'corrected', 'closed') AS finality
FROM (
SELECT toTimeZone(src.bucket, 'UTC') AS time, addSeconds(toTimeZone(src.bucket, 'UTC'), 60) AS until, tenant, feed, queue, channel, sum(src.offered) AS offered, sum(src.answered) AS answered, sum(src.answered_in) AS answered_in, sum(src.answered_below) AS answered_below, sum(src.abandoned) AS abandoned, sum(src.abandoned_in) AS abandoned_in, sum(src.abandoned_above) AS abandoned_above, sum(src.abandoned_short) AS abandoned_short, sum(src.callback_in) AS callback_in, sum(src.flow_outs) AS flow_outs, sum(src.breakouts) AS breakouts, sum(src.open_facts) AS open_facts, max(src.changed_at) AS changed_at, any(src.as_of) AS as_of, any(src.closed) AS closed
FROM (
SELECT f.tenant AS tenant, f.feed AS feed, toDateTime(intDiv(toUnixTimestamp(assumeNotNull(f.enqueued_at)), 60) * 60, 'UTC') AS bucket, f.queue AS queue, f.channel AS channel, toInt64((1 AND f.outcome NOT IN ('closed', 'full', 'join_empty'))) AS offered, toInt64((1 AND f.outcome IN ('answered'))) AS answered, toInt64((1 AND f.outcome IN ('answered') AND coalesce(f.wait, 0) <= 20000 AND isNotNull(f.wait))) AS answered_in, toInt64((1 AND f.outcome IN ('answered') AND coalesce(f.wait, 0) < 20000 AND isNotNull(f.wait))) AS answered_below, toInt64((1 AND f.outcome IN ('abandoned'))) AS abandoned, toInt64((1 AND f.outcome IN ('abandoned') AND coalesce(f.wait, 0) <= 20000 AND isNotNull(f.wait))) AS abandoned_in, toInt64((1 AND f.outcome IN ('abandoned') AND coalesce(f.wait, 0) > 20000 AND isNotNull(f.wait))) AS abandoned_above, toInt64((1 AND f.outcome IN ('abandoned') AND coalesce(f.wait, 0) <= 5000 AND isNotNull(f.wait))) AS abandoned_short, toInt64((1 AND f.outcome IN ('callback') AND coalesce(f.wait, 0) <= 20000 AND isNotNull(f.wait))) AS callback_in, toInt64((1 AND f.outcome IN ('flow_out'))) AS flow_outs, toInt64((1 AND f.outcome IN ('callback', 'exit_key'))) AS breakouts, toInt64((1 AND f.outcome IN ('waiting'))) AS open_facts, toDateTime64(0, 3, 'UTC') AS changed_at, f.as_of AS as_of, f.closed AS closed
FROM (
SELECT f.*, s.as_of AS as_of, s.closed AS closed FROM nabz_internal.fact_queue_segment AS f FINAL
INNER JOIN nabz_internal.shown AS s ON s.feed = f.feed AND s.generation = f.generation AND s.epoch = f.epoch AND s.tenant = if(f.feed = '', '', f.tenant)
WHERE f.deleted = 0
) AS f
INNER JOIN (SELECT tenant, feed, generation, epoch, partition, max(now) AS now FROM nabz_internal.progress FINAL WHERE topic = 'nabz.panes.v1' GROUP BY tenant, feed, generation, epoch, partition) AS c
ON c.feed = f.feed AND c.generation = f.generation AND c.epoch = f.epoch AND c.partition = f.partition AND c.tenant = if(f.feed = '', '', f.tenant)
WHERE 1 AND isNotNull(f.enqueued_at)
) AS src
GROUP BY time, until, tenant, feed, queue, channel
HAVING offered != 0 OR answered != 0 OR answered_in != 0 OR answered_below != 0 OR abandoned != 0 OR abandoned_in != 0 OR abandoned_above != 0 OR abandoned_short != 0 OR callback_in != 0 OR flow_outs != 0 OR breakouts != 0
)

-- The facts of conversations, made of raw events alone: a second, independent
-- way to the rows that the stream writes, for nabz verify. Written by hand; it
-- shares nothing with the stream but the catalogue (types, ranks, openers) and
-- the table of timings, which are parameters. Rejects and progress are taken as
-- given.
--
-- An item's events are put in order. A first fold only says to which life each
-- belongs, how the conversation stood before and after it, and who had it.
-- Waits for a reply are then groups of rows between two ends of a wait, clocks
-- are sums over neighbours, and a second fold finds the first reply.
--
-- Time in business hours is business(tenant, team, from, to), in ms: made of the
-- calendars (pkg/warehouse/hours.go), it stands in place of {{business}}.
--
-- Parameters: those of members.sql; family (conversation or reply: the rows to
-- give), linger, keep and max_age (ms).
WITH
-- What is known of an item between two of its events.
--   life               number of the life, from 1
--   opened, how        it has an opener, or inherits one; how it was over
--   since, over        since when it has been open; when it was over
--   assignee, assigned who has it, and since when
--   journal            each event that counts, and what stood before and after it
'Tuple(life UInt32, opened Bool, how String, since Int64, over Int64, assignee String, assigned Int64,
  journal Array(Tuple(life UInt32, n UInt32, t Int64, was String, became String, opened Bool, over Int64,
    assigns Bool, assignee String, assigned Int64)))' AS State,

-- What is known of the first reply between two events of a life.
'Tuple(since Int64, vague Bool, handed Bool, replied Int64, ended Int64, begun Bool, early Bool, clamped Bool,
  sender String, assignee String, assigned Int64, k UInt64, knock Int64)' AS First,

['merged', 'deleted', 'lost'] AS finals,

{{business}} AS business,

{{members.sql}},

-- What each event says.
--   says   ask, reply or note: a person's message
--   word   the status it sets, or how it ends the conversation
--   spam   1 marks, 0 takes the mark off, -1 says nothing of it
--   other  it merges another conversation into this one
words AS (
  SELECT m.*,
    m.type = 'conversation.merged' AND m.texts['into_conversation_id'] = m.entity AS other,
    m.texts['actor'] AS actor,
    multiIf(m.type != 'message.created' OR m.ints['automated'] != 0, '',
      actor = 'customer' AND m.texts['visibility'] != 'internal', 'ask',
      actor = 'agent', if(m.texts['visibility'] = 'internal', 'note', 'reply'), '') AS says,
    multiIf(
      m.type IN ('conversation.created', 'conversation.status_changed'),
        if(m.texts['status'] IN ('new', 'open', 'pending', 'on_hold', 'snoozed', 'solved', 'closed'), m.texts['status'], ''),
      m.type = 'conversation.reopened', 'open',
      m.type = 'conversation.merged', 'merged',
      m.type = 'conversation.deleted', 'deleted', '') AS word,
    multiIf(
      m.type = 'conversation.tagged' AND m.texts['tag'] = 'spam', toInt8(NOT mapContains(m.ints, 'added') OR m.ints['added'] != 0),
      m.type IN ('conversation.status_changed', 'conversation.deleted') AND m.texts['reason'] = 'spam', 1, -1) AS spam,
    m.type = 'conversation.created' AND actor IN ('', 'customer') AND m.texts['direction'] != 'outbound'
      AND m.texts['initiation'] != 'outbound' AS by_customer
  FROM members AS m
),

-- Each item with the events that say anything of it, in order.
items AS (
  SELECT m.tenant AS tenant, m.partition AS partition, m.entity AS item, any(m.now) AS now,
    arraySort(groupArray(CAST((
      m.t, m.rank, m.sequence, m.uid, m.type, m.opens, m.other, m.says, m.word, m.spam, m.by_customer, m.actor,
      m.texts['agent_id'], m.texts['channel'], m.texts['customer_id'], m.texts['team_id'], m.texts['priority'], m.texts['ticket_type'],
      if(m.other AND mapContains(m.ints, 'merged_began_at'), m.ints['merged_began_at'], m.t)
    ), 'Tuple(t Int64, rank Int64, sequence Int64, uid String, type String, opens Bool, other Bool, says String, word String, spam Int8,
      by_customer Bool, actor String, agent String, channel String, customer String, team String, priority String, kind String,
      began Int64)'))) AS events
  FROM words AS m
  WHERE m.type IN ('conversation.created', 'conversation.status_changed', 'conversation.assigned', 'conversation.team_changed',
    'conversation.priority_changed', 'conversation.type_changed', 'conversation.tagged', 'conversation.merged',
    'conversation.reopened', 'conversation.bot_handoff', 'conversation.deleted', 'message.created')
  GROUP BY m.tenant, m.partition, m.entity
),

-- arrayMap over arrays of one element gives names to values that are used more
-- than once: the names stand before its body, the values behind it.
folded AS (
  SELECT tenant, partition, item, now, events, arrayFold((s, e, n) ->
    arrayMap(lost ->
    arrayMap((how, over) ->
    arrayMap((gap, recent) ->
    arrayMap(echo ->
    arrayMap(begins ->
    arrayMap((was, opened, assignee, assigned) ->
    arrayMap((became, opens, assigns) ->
    arrayMap((going, went) ->
    arrayMap((since, until, has, had_since) -> if(echo,
      CAST((s.life, s.opened, how, s.since, over, s.assignee, s.assigned,
        arrayConcat(s.journal, if(lost, [(s.life, 0, over, '', 'lost', s.opened, over, false, s.assignee, s.assigned)], []))), State),
      CAST((s.life + begins, opens, became, since, until, has, had_since, arrayConcat(s.journal,
        if(lost, [(s.life, 0, over, '', 'lost', s.opened, over, false, s.assignee, s.assigned)], []),
        [(s.life + begins, n, e.t, was, became, opens, until, assigns, has, had_since)])), State)),

    -- Since when it is open, and when it was over; who has it then.
    [if(going AND NOT went, e.t, s.since)],
    [multiIf(NOT going AND (went OR begins OR NOT s.opened), e.t, over)],
    [if(assigns, e.agent, assignee)],
    [if(assigns AND e.agent != assignee, e.t, assigned)])[1],

    -- Whether it is open after the event, and was before it.
    [opens AND became = ''], [NOT begins AND s.opened AND how = ''])[1],

    -- How it stands then, whether it has an opener, whether somebody gets it.
    [multiIf(
      e.other, was,
      e.word = 'deleted', 'deleted',
      has(finals, was), was,
      e.word = 'merged', 'merged',
      e.word IN ('solved', 'closed'), if(was = '', e.word, was),
      e.word = '' OR e.type = 'conversation.created', was,
      '')],
    [opened OR e.opens],
    [NOT has(finals, was) AND (e.type = 'conversation.assigned'
      OR e.type = 'conversation.created' AND e.agent != '' AND assignee = '')])[1],

    -- What it was before the event.
    [if(begins, '', how)], [if(begins, s.life > 0 AND recent, s.opened)], [if(begins, '', s.assignee)], [if(begins, 0, s.assigned)])[1],

    [s.life = 0 OR gap AND NOT echo])[1],

    -- So late it means something only where the customer writes or it is opened.
    [gap AND recent AND NOT e.opens AND NOT (e.says = 'ask' OR e.type = 'conversation.reopened'
      OR e.type = 'conversation.status_changed' AND e.word NOT IN ('', 'solved', 'closed'))])[1],

    -- The life before was over for longer than the linger; it is still known.
    [s.life > 0 AND NOT (s.opened AND how = '') AND e.t > over + {linger:Int64}],
    [s.opened AND e.t <= over + {keep:Int64}])[1],

    [if(lost, 'lost', s.how)], [if(lost, s.since + {max_age:Int64}, s.over)])[1],

    -- It was open for the greatest age.
    [s.life > 0 AND s.opened AND s.how = '' AND s.since + {max_age:Int64} < e.t])[1],

    events, arrayMap(n -> toUInt32(n), arrayEnumerate(events)),
    CAST((0, false, '', 0, 0, '', 0, []), State)) AS last
  FROM items
),

-- One row for each event of a life, and one for its loss.
journals AS (
  SELECT tenant, partition, item, events, arrayConcat(last.journal,
    if(last.opened AND last.how = '' AND last.since + {max_age:Int64} <= now, [CAST((last.life, 0, last.since + {max_age:Int64}, '', 'lost', true,
      last.since + {max_age:Int64}, false, last.assignee, last.assigned), 'Tuple(life UInt32, n UInt32, t Int64, was String, became String,
      opened Bool, over Int64, assigns Bool, assignee String, assigned Int64)')], [])) AS journal
  FROM folded
),

rows AS (
  SELECT tenant, partition, item, j.life AS life, k, j.t AS t, j.was AS was, j.became AS became, j.opened AS opened, j.over AS over,
    j.assigns AS assigns, j.assignee AS assignee, j.assigned AS assigned,
    NOT has(finals, was) AND NOT e.other AS live,
    e.uid AS uid, e.type AS type, if(live, e.says, '') AS says, e.word AS word, if(j.n = 0, -1, e.spam) AS spam, e.by_customer AS by_customer,
    e.actor AS actor, e.agent AS agent, if(e.other, e.began, t) AS began,
    if(e.other, '', e.channel) AS channel, if(e.other, '', e.customer) AS customer, if(e.other, '', e.team) AS team,
    if(e.other, '', e.priority) AS priority, if(e.other, '', e.kind) AS kind,
    -- the status that it sets
    multiIf(NOT live, NULL, type = 'conversation.status_changed' OR type = 'conversation.created' AND was = '', nullIf(word, ''),
      type = 'conversation.reopened' AND was != '', 'open', NULL) AS sets,
    -- the wait for a reply ends, if there is one
    says = 'reply' OR was = '' AND became != '' AS ends
  FROM (
    SELECT tenant, partition, item, j, k, events[j.n] AS e
    FROM journals
    ARRAY JOIN journal AS j, arrayEnumerate(journal) AS k
  )
),

-- What is known when each event has been taken, and what the next finds.
known AS (
  SELECT *, if(lasts = 0, 0, business(tenant, team_next, t, t + lasts)) AS lasts_business
  FROM (
  SELECT *,
    leadInFrame(team_then, 1, team_then) OVER (PARTITION BY tenant, partition, item, life ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS team_next
  FROM (
  SELECT *,
    ifNull(anyLast(sets) OVER past, 'new') AS status,
    ifNull(any(nullIf(channel, '')) OVER past, '') AS channel_then,
    ifNull(anyLast(nullIf(team, '')) OVER past, '') AS team_then,
    ifNull(anyLast(nullIf(priority, '')) OVER past, '') AS priority_then,
    sum(ends) OVER past - ends AS grp,
    leadInFrame(t, 1, t) OVER (PARTITION BY tenant, partition, item, life ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) - t AS lasts
  FROM rows
  WINDOW past AS (PARTITION BY tenant, partition, item, life ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  ))
),

-- The lives that have an opener: the others show nothing.
lives AS (
  SELECT tenant, partition, item, life,
    argMin(uid, k) AS life_uid, argMin(t, k) AS opened_t, least(opened_t, min(began)) AS origin, argMax(became, k) AS how, argMax(over, k) AS over_t,
    argMaxIf(channel_then, k, 1) AS life_channel, argMax(team_then, k) AS life_team, argMax(priority_then, k) AS life_priority,
    argMaxIf(kind, k, kind != '') AS life_kind, argMinIf(customer, k, customer != '') AS life_customer, argMax(status, k) AS life_status,
    argMax(assignee, k) AS life_assignee,
    argMinIf(agent, k, (assigns OR says = 'reply') AND agent != '') AS first_had, argMaxIf(agent, k, (assigns OR says = 'reply') AND agent != '') AS last_had,
    countIf(says = 'reply') AS wrote,
    least(32, uniqExactIf(agent, says = 'note' AND agent != '')) AS noted,
    countIf(was = '' AND became IN ('solved', 'closed')) AS solved,
    minOrNullIf(t, was = '' AND became IN ('solved', 'closed')) AS first_solved, maxOrNullIf(t, was = '' AND became IN ('solved', 'closed')) AS last_solved,
    countIf(was != '' AND became = '') AS reopened,
    sumIf(lasts, became = '' AND status IN ('new', 'open', 'on_hold')) AS waited,
    sumIf(lasts, became = '' AND status IN ('new', 'open')) AS worked,
    sumIf(lasts, became = '' AND assignee = '') AS nobodys,
    sumIf(lasts_business, became = '' AND status IN ('new', 'open', 'on_hold')) AS waited_business,
    sumIf(lasts_business, became = '' AND status IN ('new', 'open')) AS worked_business,
    sumIf(lasts_business, became = '' AND assignee = '') AS nobodys_business,
    argMaxIf(spam, k, spam >= 0) = 1 AS is_spam,
    maxIf(k, spam = 0 AND was != 'deleted') AS cleared,
    arrayFirst(v -> v.1 > cleared, arraySort(groupArrayIf((toUInt64(k), t), spam = 1 OR was != 'deleted' AND became = 'deleted'))) AS void,
    if(void.1 = 0, NULL, void.2) AS void_t,
    arrayFold((s, r) ->
      arrayMap(starts ->
      arrayMap((asks, hands, returns, replies) ->
      arrayMap((since, ended, replied) -> CAST((
        since,
        multiIf(starts, NOT s.early, asks OR hands, false, returns, s.knock = 0, s.vague),
        s.handed OR hands,
        replied,
        if(r.stops AND since != 0 AND replied = 0 AND ended = 0, r.t, ended),
        s.begun OR r.act = 'created',
        s.early OR r.act = 'reply' AND s.replied = 0 AND s.since = 0 AND NOT s.begun,
        s.clamped OR starts AND s.early,
        if(replies, r.agent, s.sender),
        if(replies, r.assignee, s.assignee),
        if(replies, if(r.assignee = '', 0, r.assigned), s.assigned),
        if(s.replied = 0 AND replied != 0, r.k, s.k),
        multiIf(r.stops OR r.act IN ('reply', 'reopen'), 0, r.act = 'knock' AND s.knock = 0, r.t, s.knock)
      ), First),

      -- Since when it is waited for, when that was over without it, when it came.
      [multiIf(starts OR asks AND r.act = 'ask' OR hands, r.t, asks, s.knock, returns, r.t, s.since)],
      [if(asks OR hands OR returns OR replies AND s.since != 0, 0, s.ended)],
      [multiIf(s.replied != 0, s.replied, starts AND s.early OR r.act = 'reply' AND s.since != 0, r.t, 0)])[1],

      -- The customer's word begins the wait, a bot hands over, somebody opens it
      -- again and not the agent, a person writes.
      [s.replied = 0 AND (r.act = 'ask' OR r.act = 'reopen' AND s.knock != 0)
        AND (s.since = 0 OR s.vague OR s.ended != 0 OR r.act = 'reopen' AND r.actor != 'agent')],
      [r.act = 'handoff' AND s.replied = 0 AND NOT s.handed],
      [r.act = 'reopen' AND s.replied = 0 AND r.actor != 'agent' AND s.knock = 0],
      [r.act = 'reply' AND s.replied = 0 AND (s.since != 0 OR NOT s.begun AND NOT s.early)])[1],

      -- The conversation is created by the customer.
      [r.act = 'created' AND NOT s.begun AND r.by_customer AND s.since = 0])[1],

      arraySort(r -> r.k, groupArray(CAST((toUInt64(k), t, multiIf(
          NOT live, '',
          type = 'conversation.created', 'created',
          says = 'ask', if(was = '', 'ask', 'knock'),
          says = 'reply', 'reply',
          type = 'conversation.bot_handoff' AND was = '', 'handoff',
          was != '' AND became = '', 'reopen', ''),
        was != became AND became != '', by_customer, actor, agent, assignee, assigned),
        'Tuple(k UInt64, t Int64, act String, stops Bool, by_customer Bool, actor String, agent String, assignee String, assigned Int64)'))),
      CAST((0, false, false, 0, 0, false, false, false, '', '', 0, 0, 0), First)) AS fr
  FROM known
  GROUP BY tenant, partition, item, life
  HAVING max(opened)
),

-- The waits for a reply: between two ends of one, where the customer wrote and
-- the conversation was open.
waits AS (
  SELECT w.*, l.*,
    row_number() OVER (PARTITION BY tenant, partition, item, life ORDER BY grp) AS nth,
    fr.k != 0 AND fr.k < begins_k AS later,
    multiIf(end_k = 0, 'waiting', end_says = 'reply', 'answered', end_became IN ('merged', 'lost'), end_became, 'closed') AS outcome_then
  FROM (
    SELECT tenant, partition, item, life, grp,
      argMinIf(uid, k, says = 'ask') AS ask_uid, argMinIf(t, k, says = 'ask') AS ask_t,
      if(argMinIf(was, k, says = 'ask') = '', minIf(k, says = 'ask'), minIf(k, was != '' AND became = '')) AS begins_k,
      maxIf(k, ends) AS end_k, maxOrNullIf(t, ends) AS end_t, argMaxIf(says, k, ends) AS end_says, argMaxIf(became, k, ends) AS end_became,
      argMax(agent, k) AS end_agent, argMax(assignee, k) AS end_assignee, argMax(channel_then, k) AS end_channel,
      argMax(team_then, k) AS end_team, argMax(priority_then, k) AS end_priority
    FROM known
    GROUP BY tenant, partition, item, life, grp
    HAVING countIf(says = 'ask') > 0 AND countIf(became = '') > 0
  ) AS w
  INNER JOIN lives AS l USING (tenant, partition, item, life)
),

conversation AS (
  SELECT tenant, {feed:String} AS feed, {generation:Int64} AS generation, {epoch:Int64} AS epoch, partition, item,
    toUUID(life_uid) AS id, fromUnixTimestamp64Milli(opened_t, 'UTC') AS opened_at,
    void_t IS NULL AND how != 'lost' AS counts,
    life_channel AS channel, life_team AS team, life_priority AS priority, life_kind AS type,
    first_had AS first_agent, last_had AS last_agent, life_customer AS customer,
    fromUnixTimestamp64Milli(origin, 'UTC') AS started_at,
    if(how IN ('', 'lost'), NULL, fromUnixTimestamp64Milli(over_t, 'UTC')) AS ended_at,
    multiIf(how = '', 'open', how = 'lost', 'lost', 'closed') AS state,
    life_status AS status,
    if(is_spam AND NOT has(finals, how), 'spam', how) AS outcome,
    fromUnixTimestamp64Milli(nullIf(fr.since, 0), 'UTC') AS frt_started_at,
    fromUnixTimestamp64Milli(multiIf(fr.since = 0, NULL, fr.replied != 0, fr.replied, how = 'lost', NULL, nullIf(fr.ended, 0)), 'UTC') AS frt_ended_at,
    fromUnixTimestamp64Milli(nullIf(fr.replied, 0), 'UTC') AS first_reply_at,
    if(fr.replied = 0, '', fr.sender) AS first_reply_by,
    if(fr.replied = 0, '', fr.assignee) AS first_reply_assignee,
    if(fr.replied = 0 OR NOT counts, NULL, fr.replied - fr.since) AS frt,
    if(frt IS NULL, NULL, business(tenant, life_team, fr.since, fr.replied)) AS frt_business,
    if(fr.replied = 0 OR fr.assigned = 0 OR NOT counts, NULL, fr.replied - greatest(fr.since, fr.assigned)) AS frt_assigned,
    if(frt_assigned IS NULL, NULL, business(tenant, life_team, greatest(fr.since, fr.assigned), fr.replied)) AS frt_assigned_business,
    if(frt IS NULL, NULL, toUInt8(fr.clamped)) AS frt_clamped,
    fromUnixTimestamp64Milli(first_solved, 'UTC') AS first_solved_at,
    if(how IN ('solved', 'closed'), fromUnixTimestamp64Milli(last_solved, 'UTC'), NULL) AS last_solved_at,
    if(counts AND how != 'merged', first_solved - origin, NULL) AS first_resolution,
    if(first_resolution IS NULL, NULL, business(tenant, life_team, assumeNotNull(origin), assumeNotNull(first_solved))) AS first_resolution_business,
    if(counts AND how IN ('solved', 'closed'), last_solved - origin, NULL) AS full_resolution,
    if(full_resolution IS NULL, NULL, business(tenant, life_team, assumeNotNull(origin), assumeNotNull(last_solved))) AS full_resolution_business,
    if(counts AND how != '', waited, NULL) AS requester_wait, if(counts AND how != '', waited_business, NULL) AS requester_wait_business,
    if(counts AND how != '', worked, NULL) AS agent_work, if(counts AND how != '', worked_business, NULL) AS agent_work_business,
    if(counts AND how != '', nobodys, NULL) AS unassigned, if(counts AND how != '', nobodys_business, NULL) AS unassigned_business,
    ifNull(a.answers, 0) AS replies,
    wrote AS touches, solved AS solves, reopened AS reopens, noted AS handoffs
  FROM lives
  LEFT JOIN (
    SELECT tenant, partition, item, life, countIf(outcome_then = 'answered') AS answers FROM waits GROUP BY tenant, partition, item, life
  ) AS a USING (tenant, partition, item, life)
),

reply AS (
  SELECT tenant, {feed:String} AS feed, {generation:Int64} AS generation, {epoch:Int64} AS epoch, partition, item,
    toUUID(ask_uid) AS id, fromUnixTimestamp64Milli(ask_t, 'UTC') AS opened_at,
    if(end_k = 0, life_channel, end_channel) AS channel,
    if(end_k = 0, life_team, end_team) AS team,
    if(end_k = 0, life_priority, end_priority) AS priority,
    nth, if(later, 'next', 'first') AS kind,
    opened_at AS waiting_since,
    if(outcome_then IN ('waiting', 'lost'), NULL, fromUnixTimestamp64Milli(end_t, 'UTC')) AS ended_at,
    outcome_then AS outcome,
    if(outcome_then = 'answered', end_t - ask_t, NULL) AS wait,
    if(wait IS NULL, NULL, business(tenant, team, ask_t, assumeNotNull(end_t))) AS wait_business,
    if(outcome_then = 'answered', end_agent, '') AS sender,
    if(end_k = 0, life_assignee, end_assignee) AS assignee
  FROM waits
  WHERE void_t IS NULL OR end_k != 0 AND void_t > end_t + {linger:Int64}
)

SELECT * FROM {family:Identifier}
